import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { applyTo, parsePatch, type Patched } from '../../src/dead-letters/patch.ts';
import { isFault } from '../../src/errors.ts';

function patched(event: string | Buffer, patch: unknown): Patched {
  return applyTo(Buffer.from(event), parsePatch(typeof patch === 'string' ? patch : JSON.stringify(patch)));
}

function textOf(result: Patched): string {
  assert.equal(result.result, 'changed');
  return result.result === 'changed' ? result.event.toString() : '';
}

suite('JSON Merge Patch', () => {
  test('the examples of RFC 7386 whose patch is an object', () => {
    for (const [event, patch, result] of [
      ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
      ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
      ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
      ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
      ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
      ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
      ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
      ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
      ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
    ] as const)
      assert.equal(textOf(patched(event, patch)), result);
  });

  test('numbers keep their digits, those of the event and those of the patch', () => {
    const event = '{"data":{"id":"a","big":1e400,"money":1.50,"long":9007199254740993},"__proto__":{"x":2.0}}';
    assert.equal(
      textOf(patched(event, '{"data":{"id":"b","rate":0.10}}')),
      '{"data":{"id":"b","big":1e400,"money":1.50,"long":9007199254740993,"rate":0.10},"__proto__":{"x":2.0}}',
    );
  });

  test('what it sets is there already: unchanged', () => {
    assert.equal(patched('{"a": 1.5, "b": {"c": null}}', { a: 1.5, b: {} }).result, 'unchanged');
  });
});

suite('JSON Patch', () => {
  test('each operation, names with quotes, slashes and tildes, and the ends of arrays', () => {
    const event = '{"a":[1,2.50],"X-\\"Stamp\\\\Y":"s","a/b":{"~":1}}';
    const patch = [
      { op: 'test', path: '/a/0', value: 1 },
      { op: 'add', path: '/a/-', value: { n: null } },
      { op: 'remove', path: '/a/0' },
      { op: 'replace', path: '/X-"Stamp\\Y', value: 't' },
      { op: 'move', from: '/a~1b/~0', path: '/moved' },
      { op: 'copy', from: '/a/0', path: '/copied' },
    ];
    assert.equal(
      textOf(patched(event, patch)),
      '{"a":[2.50,{"n":null}],"X-\\"Stamp\\\\Y":"t","a/b":{},"moved":1,"copied":2.50}',
    );
  });

  test('what does not fit an event says which operation, and where', () => {
    const event = '{"a":"text","list":[1]}';
    for (const [operation, message] of [
      [{ op: 'remove', path: '/b' }, 'operation 0 (remove /b): there is no such place in the event'],
      [{ op: 'move', from: '/b', path: '/c' }, 'operation 0 (move /c): there is nothing at /b'],
      [{ op: 'add', path: '/a/b', value: 1 }, 'operation 0 (add /a/b): there is no such place in the event'],
      [
        { op: 'replace', path: '/toString', value: 1 },
        'operation 0 (replace /toString): there is no such place in the event',
      ],
      [{ op: 'add', path: '/list/5', value: 1 }, 'operation 0 (add /list/5): there is no such place in the event'],
      [{ op: 'test', path: '/a', value: 'other' }, 'operation 0 (test /a): another value is there'],
    ] as const)
      assert.deepEqual(patched(event, [operation]), { result: 'failed', message });
  });

  test('an event that is no JSON, not UTF-8 or too deep cannot be patched, and says so', () => {
    for (const [event, message] of [
      ['not JSON', /no JSON/],
      [Buffer.from([0x22, 0xff, 0x22]), /not in UTF-8/],
      [`${'['.repeat(200_000)}${']'.repeat(200_000)}`, /nested too deeply/],
    ] as const) {
      const result = patched(event, {});
      assert.equal(result.result, 'failed');
      assert.match(result.result === 'failed' ? result.message : '', message);
    }
  });

  test('what changed is told by its path, before and after', () => {
    const result = patched('{"a":{"b/c":1.50,"d":[1,2]},"e":1}', { a: { 'b/c': 2, d: [1, 3] }, e: null, f: {} });
    assert.deepEqual(result.result === 'changed' && result.changes, [
      { path: '/a/b~1c', before: '1.50', after: '2' },
      { path: '/a/d/1', before: '2', after: '3' },
      { path: '/e', before: '1', after: undefined },
      { path: '/f', before: undefined, after: '{}' },
    ]);
  });
});

/** What may stand in a patch of operations; a merge patch takes any name. */
function isReachable(value: unknown): boolean {
  return !JSON.stringify(value).includes('__proto__');
}

suite('patches', () => {
  test('those that are none are refused, with the place', () => {
    for (const [text, message] of [
      ['{', /not JSON/],
      ['1', /expected an array of operations/],
      ['[1]', /operation 0: expected an object/],
      ['[{"op":"set","path":"/a"}]', /expected op to be one of add, /],
      ['[{"op":"add","path":"a","value":1}]', /path: expected a JSON Pointer/],
      ['[{"op":"add","path":"/a~2","value":1}]', /path: expected a JSON Pointer/],
      ['[{"op":"add","path":"/a"}]', /add needs a value/],
      ['[{"op":"move","path":"/a"}]', /from: expected a JSON Pointer/],
      ['[{"op":"add","path":"/constructor/a","value":1}]', /cannot reach members named constructor/],
      ['[{"op":"add","path":"/a","value":{"__proto__":1}}]', /can only be set by a merge patch/],
    ] as const)
      assert.throws(
        () => parsePatch(text),
        (error) => isFault(error, 'REPAIR_INVALID') && message.test(error.message),
        text,
      );
  });

  test('whatever is patched with whatever: an outcome, never a failure of ours, and JSON stays JSON', () => {
    const pointer = fc.array(fc.constantFrom('a', '0', '-', 'b', '', '~0'), { minLength: 1, maxLength: 3 });
    const operation = fc.record({
      op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'),
      path: pointer.map((tokens) => `/${tokens.join('/')}`),
      from: pointer.map((tokens) => `/${tokens.join('/')}`),
      value: fc.jsonValue({ maxDepth: 2 }),
    });
    const operations = fc.array(operation, { maxLength: 4 }).filter(isReachable);
    const merge = fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), fc.jsonValue({ maxDepth: 2 }));
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.oneof(operations, merge), (event, patch) => {
        const result = patched(JSON.stringify(event), patch);
        if (result.result === 'changed') JSON.parse(result.event.toString());
      }),
    );
  });

  test('D9: a merge patch applied again changes nothing more', () => {
    const merge = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue({ maxDepth: 2 }));
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue({ maxDepth: 2 })),
        merge,
        (event, patch) => {
          const once = patched(JSON.stringify(event), patch);
          if (once.result === 'changed') assert.equal(patched(once.event, patch).result, 'unchanged');
        },
      ),
    );
  });
});
