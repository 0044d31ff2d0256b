/** `npm run bench` is `tributary bench collect`, with the same options. */
process.argv.splice(2, 0, 'bench', 'collect');
await import('../src/cli/program.ts');
