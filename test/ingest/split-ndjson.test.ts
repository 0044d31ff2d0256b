import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { splitNdjson } from '../../src/ingest/split-ndjson.ts';
import { maxNestingLevels } from '../../src/event/json-nesting.ts';
import { type SplitEvent } from '../../src/ingest/splitter.ts';

function split(body: Uint8Array | string, cuts: readonly number[] = []): SplitEvent[] {
  const splitter = splitNdjson();
  const whole = Buffer.from(body as Uint8Array);
  const edges = [0, ...cuts.map((cut) => cut % (whole.length + 1)).toSorted((a, b) => a - b), whole.length];
  const events: SplitEvent[] = [];
  for (const [i, edge] of edges.slice(1).entries()) {
    const chunk = Buffer.from(whole.subarray(edges[i], edge));
    for (const { bytes, tooDeep } of splitter.push(chunk)) events.push({ bytes: Buffer.from(bytes), tooDeep });
    chunk.fill(0);
  }
  events.push(...splitter.end());
  assert.equal(splitter.heldBytes, 0);
  return events;
}

const everyByte = (body: string): number[] => [...Buffer.from(body).keys()];

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

describe('an NDJSON body', () => {
  const cases: readonly (readonly [name: string, body: string, events: readonly string[]])[] = [
    ['one event a line', '{"a":1}\n{"b":2}\n', ['{"a":1}', '{"b":2}']],
    ['the last line may lack its end', '{"a":1}\n{"b":2}', ['{"a":1}', '{"b":2}']],
    ['CRLF', '{}\r\n[]\r\n', ['{}', '[]']],
    ['blank lines are none', '\n\r\n  \t\n{}\n\n \n', ['{}']],
    ['whitespace around an event is not its own', ' {"a": 1}\t\r\n', ['{"a": 1}']],
    ['nothing at all', '', []],
    ['a byte order mark', '\uFEFF{}\n{}', ['{}', '{}']],
    ['a byte order mark further on belongs to its line', '{}\n\uFEFF{}', ['{}', '\uFEFF{}']],
    ['what is no JSON is a line too', '{"a":\nnot JSON\n{}', ['{"a":', 'not JSON', '{}']],
  ];
  for (const [name, body, events] of cases) {
    test(name, () => {
      for (const cuts of [[], everyByte(body)])
        assert.deepEqual(
          split(body, cuts).map(({ bytes }) => bytes.toString()),
          events,
        );
    });
  }

  test('a line is marked that nests too deeply, brackets in strings not counted', () => {
    const inString = JSON.stringify('["'.repeat(5000));
    const siblings = JSON.stringify(Array.from({ length: 3000 }, () => []));
    const body = [nested(maxNestingLevels), nested(maxNestingLevels + 1), inString, siblings].join('\n');
    assert.deepEqual(
      split(body).map((event) => event.tooDeep),
      [false, true, false, false],
    );
  });

  test('D6: holds the incomplete line only', () => {
    const splitter = splitNdjson();
    splitter.push(Buffer.from('{"a":1}\n{"b"'));
    assert.equal(splitter.heldBytes, 4);
    splitter.push(Buffer.from(':1}\n'));
    assert.equal(splitter.heldBytes, 0);
  });

  test('any lines, cut anywhere', () => {
    const line = fc.json({ stringUnit: 'binary' });
    const end = fc.constantFrom('\n', '\r\n', '\n\n', ' \n');
    fc.assert(
      fc.property(fc.array(fc.tuple(line, end)), fc.array(fc.nat(500)), (lines, cuts) => {
        const body = lines.flat().join('');
        const events = split(body, cuts).map(({ bytes }) => bytes.toString());
        assert.deepEqual(
          events,
          lines.map(([text]) => Buffer.from(text).toString().trim()),
        );
      }),
    );
  });
});
