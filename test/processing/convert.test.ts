import assert from 'node:assert/strict';
import { test } from 'node:test';
import { app } from '../../apps/collect/collect.ts';
import { isFault } from '../../src/errors.ts';
import { Reject } from '../../src/event/reject.ts';
import type { LogRecord } from '../../src/log/log.ts';
import { pipelineConverter } from '../../src/processing/convert.ts';
import { createCodecs } from '../../src/schemas/codecs.ts';
import { openOutsideRegistry } from '../../src/schemas/outside-registry.ts';
import { answerJson, answerUnknown, startScriptedRegistry } from '../support/scripted-registry.ts';
import { scratch } from '../support/program.ts';

function recordOf(schemaId: string): LogRecord {
  const value = Buffer.alloc(8);
  return { offset: 0, timeMs: 0, key: null, value, headers: [['schemaId', Buffer.from(schemaId)]] };
}

test('D2: a record of a schema that is unknown, or is none, is refused with its reason; where the registry is silent it waits', async (t) => {
  const dir = await scratch(t);
  const scripted = await startScriptedRegistry((request, response) => {
    if (request.url === '/schemas/ids/2') answerJson(response, 200, { schema: '{"pattern":"("}', schemaType: 'JSON' });
    else if (request.url?.startsWith('/schemas/ids/2/')) answerJson(response, 200, [{ subject: 's', version: 1 }]);
    else if (request.url === '/schemas/ids/3') request.socket.destroy();
    else if (request.url === '/schemas/ids/4') response.writeHead(404).end('no such page');
    else answerUnknown(response, 40403);
  });
  t.after(() => scripted.close());
  const registry = await openOutsideRegistry({ address: scripted.url, dir, isReadOnly: false });
  t.after(() => registry.close());
  const convert = pipelineConverter(app.pipeline, createCodecs(registry));
  const outputs = await convert(['1', '2', 'nonsense', ''].map(recordOf));
  const said = outputs.map((output) => (output instanceof Reject ? output.message : 'taken'));
  assert.match(said[0]!, /expected the id of a registered schema, got 1$/);
  assert.match(said[1]!, /expected a usable schema, got 2: JSON schema of s: /);
  assert.match(said[2]!, /expected the id of a registered schema, got NaN$/);
  assert.match(said[3]!, /expected the id of a registered schema, got 0$/);
  for (const id of ['3', '4'])
    await assert.rejects(convert([recordOf(id)]), (error) => isFault(error, 'SCHEMA_REGISTRY_UNAVAILABLE'));
});
