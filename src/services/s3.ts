/** An S3 server, versitygw, compiled from its Go module (4 minutes, once). Needs Go and, for its data, a file system with extended attributes. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, cacheDir, execute } from './cache.ts';
import { needProgram } from './needed-program.ts';
import type { Service } from './service.ts';

const module = 'github.com/versity/versitygw/cmd/versitygw';
const version = '1.8.0';
const program = `versitygw-${version}`;

/** Of the servers that are started here, which only loopback reaches. */
export const s3Credentials = { accessKeyId: 'test', secretAccessKey: 'testtest1' };

/** That is there in each of them. */
export const s3Bucket = 'tributary';

export const s3 = s3Of(19_000);

/** Its address goes into S3_ENDPOINT. */
export function s3Of(port: number): Service {
  return {
    name: 's3',
    address: `http://127.0.0.1:${port}`,
    install: async () => {
      await cached(program, compile);
    },
    prepare: async (dir) => {
      await mkdir(join(dir, s3Bucket), { recursive: true }); // a directory is a bucket
    },
    command: () => ({ file: join(cacheDir, program, 'versitygw'), args: argumentsOf(port) }),
    isReady: (log) => log.includes('listening on'),
  };
}

async function compile(dir: string): Promise<void> {
  await needProgram('go', ['version'], 'The S3 server is compiled by Go');
  await execute('nice', ['-n', '10', 'env', `GOBIN=${dir}`, 'go', 'install', `${module}@v${version}`]);
}

/** Its data lie in the directory that it works in, which it would change into. */
function argumentsOf(port: number): readonly string[] {
  const { accessKeyId, secretAccessKey } = s3Credentials;
  const login = ['--access', accessKeyId, '--secret', secretAccessKey];
  return ['--port', `127.0.0.1:${port}`, '--keep-alive', ...login, 'posix', '.'];
}
