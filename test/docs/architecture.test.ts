/** What docs/architecture.md points to is there: files, commands, parts of the diagram. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createProgram } from '../../src/cli/commands.ts';
import { readDocument, root } from './markdown.ts';

const text = readDocument('docs/architecture.md');
const inCode = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

test('every file that it names is there', () => {
  const files = inCode.filter((code) => /^(?:test|deploy|src|docs|apps)\//.test(code));
  assert.ok(files.length >= 5);
  for (const file of files) assert.ok(existsSync(join(root, file)), file);
});

test('every command and option that it names is there', async () => {
  const program = await createProgram();
  const commands = inCode.flatMap(
    (code) => /^(?:tributary )?((?:bench|prove|env|rates|load|replay)\b.*)$/.exec(code)?.[1] ?? [],
  );
  assert.ok(commands.length >= 10);
  for (const command of commands) {
    const [name = '', second] = command.split(' ');
    const found = program.commands.find((one) => one.name() === name);
    const last = found?.commands.find((one) => one.name() === second) ?? found;
    assert.ok(last, command);
    for (const [option] of command.matchAll(/--[a-z-]+/g))
      assert.ok(
        last.options.some(({ long }) => long === option),
        `${command}: ${option}`,
      );
  }
});

test('the diagram is a flowchart in which each arrow leads from and to a part that is named', () => {
  const diagram =
    /```mermaid\n([\s\S]*?)```/
      .exec(text)?.[1]
      ?.split('\n')
      .map((line) => line.trim()) ?? [];
  assert.match(diagram[0] ?? '', /^flowchart LR$/);
  const id = String.raw`(\w+)(?:[\[({]+"[^"]+"[\])}]+)?`;
  const arrow = new RegExp(String.raw`^${id} (?:-->|-\.->)(?:\|"[^"]+"\|)? ${id}$`);
  const named = new Set(diagram.flatMap((line) => [...line.matchAll(/(\w+)[[({]+"/g)].map(([, one = '']) => one)));
  const arrows = diagram.filter((line) => line.includes('->'));
  assert.ok(arrows.length > 15);
  for (const line of arrows) {
    const [, from = '', to = ''] = arrow.exec(line) ?? [];
    assert.ok(named.has(from) && named.has(to), line);
  }
});
