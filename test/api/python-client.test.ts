/** A client that we did not write, unchanged, against the real program: Confluent's own for Python. What it writes, we read. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { dataPaths } from '../../src/engine/data-paths.ts';
import { createCodecs } from '../../src/schemas/codecs.ts';
import { openFileRegistry } from '../../src/schemas/file-registry.ts';
import { cleanEnvironment, scratch, startFor } from '../support/program.ts';
import { pythonWith } from '../support/python.ts';

const requirement = 'confluent-kafka[avro,json,protobuf,schemaregistry]==2.16.0';
const run = promisify(execFile);

suite("Confluent's client for Python", { timeout: 480_000 }, () => {
  test('Avro, JSON Schema and Protobuf: registers, encodes, decodes; is refused as it expects', async (t) => {
    const found = await pythonWith(requirement);
    if ('missing' in found) {
      t.skip(found.missing);
      return;
    }
    const program = await startFor(t, { dataDir: join(await scratch(t), 'data') });
    const script = join(import.meta.dirname, 'confluent-client.py');
    const { stdout } = await run(found.python, ['-W', 'ignore', script, `${program.url}/registry`], {
      env: { ...cleanEnvironment(), NO_PROXY: 'localhost' },
      timeout: 60_000,
    });
    const wires = JSON.parse(stdout) as Readonly<Record<string, string>>;
    const codecs = createCodecs(await openFileRegistry({ dir: dataPaths(program.dataDir).registry }));
    const decoded: Record<string, unknown> = {};
    for (const [kind, hex] of Object.entries(wires)) {
      const wire = Buffer.from(hex, 'hex');
      decoded[kind] = (await codecs.byId(wire.readUInt32BE(1))).decode(wire);
    }
    assert.deepEqual(decoded, {
      avro: { id: 'ü' },
      json: { id: 'a' },
      protobuf: {
        street: { name: 'Long' },
        at: '2026-11-21T10:00:00Z',
        houseNumber: 7,
        text: 'x',
        kind: 'HOME',
        tags: { a: 1 },
      },
    });
  });
});
