import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readabilityProblems } from '../../../src/schemas/compatibility/compatibility.ts';
import { kinds, proto } from './texts.ts';

const between = (reader: string, writer: string): readonly string[] => kinds(proto(reader), proto(writer));
const message = (...fields: readonly string[]): string => `message M { ${fields.map((each) => `${each};`).join(' ')} }`;
const proto2 = (...fields: readonly string[]): string => `syntax = "proto2"; ${message(...fields)}`;

const besideEnum = (type: string): string => `enum E { X = 0; } ${message(`${type} a = 1`)}`;
const ofTwo = (type: string): string => `package p; message M { message N { } ${type} a = 1; } message N {}`;
const holding = (body: string): string => `message M { ${body} }`;
const userFile = (type: string): string => `syntax = "proto3"; package p; message U { ${type} a = 1; U next = 2; }`;
const withTime = (type: string): string => `import "google/protobuf/timestamp.proto"; ${message(`${type} a = 1`)}`;
const extended = (type: string): string =>
  `syntax = "proto2"; message M { extensions 100 to 200; } extend M { optional ${type} x = 100; }`;

describe('compatibility of Protobuf schemas', () => {
  it('packages and messages stay', () => {
    assert.deepEqual(between('package a;', 'package b;'), ['PACKAGE_CHANGED #/']);
    assert.deepEqual(between('', 'message M {}'), ['MESSAGE_REMOVED #/M']);
    assert.deepEqual(between('message M {}', 'message M { message N {} }'), ['MESSAGE_REMOVED #/M/N']);
    assert.deepEqual(between('message N {} message M {}', 'message M {}'), []);
  });

  it('fields come and go, are renamed and renumbered', () => {
    assert.deepEqual(between(message('int32 a = 1', 'string b = 2'), message('int32 a = 1')), []);
    assert.deepEqual(between(message('int32 a = 1'), message('int32 a = 1', 'string b = 2')), []);
    assert.deepEqual(between(message('int32 b = 1'), message('int32 a = 1')), []);
    assert.deepEqual(between(message('string a = 2'), message('int32 a = 1')), []);
  });

  it('required fields do not', () => {
    const required = proto2('required string a = 1');
    assert.deepEqual(between(required, proto2()), ['REQUIRED_FIELD_ADDED #/M/1']);
    assert.deepEqual(between(proto2(), required), ['REQUIRED_FIELD_REMOVED #/M/1']);
    assert.deepEqual(between(required, proto2('optional string a = 1')), ['REQUIRED_FIELD_ADDED #/M/1']);
    assert.deepEqual(between(proto2('optional string a = 1'), required), []);
  });

  it('scalars change within what is written alike', () => {
    const groups = [
      ['int32', 'int64', 'uint32', 'uint64', 'bool', 'E'],
      ['sint32', 'sint64'],
      ['fixed32', 'sfixed32'],
      ['fixed64', 'sfixed64'],
      ['string', 'bytes'],
      ['float'],
      ['double'],
    ];
    for (const [i, group] of groups.entries())
      for (const [j, other] of groups.entries())
        for (const reader of group)
          for (const writer of other)
            assert.deepEqual(
              between(besideEnum(reader), besideEnum(writer)),
              i === j ? [] : ['FIELD_SCALAR_KIND_CHANGED #/M/1'],
              `${writer} as ${reader}`,
            );
  });

  it('scalars, messages and maps are not each other', () => {
    const types = ['int32', 'M', 'map<string, int32>'];
    for (const reader of types)
      for (const writer of types)
        assert.deepEqual(
          between(message(`${reader} a = 1`), message(`${writer} a = 1`)),
          reader === writer ? [] : ['FIELD_KIND_CHANGED #/M/1'],
        );
    assert.deepEqual(between(message('map<string, int64> a = 1'), message('map<string, int32> a = 1')), []);
    assert.deepEqual(between(message('map<string, bytes> a = 1'), message('map<string, int32> a = 1')), [
      'FIELD_SCALAR_KIND_CHANGED #/M/1',
    ]);
  });

  it('lists of numbers are no numbers, whether or not they are marked optional', () => {
    for (const one of ['int32 a = 1', 'optional int32 a = 1'])
      assert.deepEqual(between(message(one), message('repeated int32 a = 1')), ['FIELD_NUMERIC_LABEL_CHANGED #/M/1']);
    assert.deepEqual(between(message('optional int32 a = 1'), message('int32 a = 1')), []);
    assert.deepEqual(between(message('string a = 1'), message('repeated string a = 1')), []);
    assert.deepEqual(between(message('M a = 1'), message('repeated M a = 1')), []);
  });

  it('types of fields are known by name, however they are written', () => {
    assert.deepEqual(between(ofTwo('N'), ofTwo('.p.M.N')), []);
    assert.deepEqual(between(ofTwo('M.N'), ofTwo('p.M.N')), []);
    assert.deepEqual(between(ofTwo('.p.N'), ofTwo('N')), ['FIELD_NAMED_TYPE_CHANGED #/M/1']);
  });

  it('oneofs lose no member and gain no field that stood alone', () => {
    const two = 'oneof x { int32 a = 1; int32 b = 2; }';
    assert.deepEqual(between(holding('oneof x { int32 a = 1; }'), holding(two)), ['ONEOF_FIELD_REMOVED #/M/x/2']);
    assert.deepEqual(between(holding(''), holding(two)), []);
    assert.deepEqual(between(holding('int32 a = 1; int32 b = 2;'), holding(two)), []);
    assert.deepEqual(between(holding(two), holding('int32 a = 1; int32 b = 2;')), [
      'MULTIPLE_FIELDS_MOVED_TO_ONEOF #/M/x',
    ]);
    assert.deepEqual(between(holding(two), holding('oneof x { int32 a = 1; } int32 b = 2;')), [
      'FIELD_MOVED_TO_EXISTING_ONEOF #/M/x',
    ]);
    assert.deepEqual(between(holding(two), holding('int32 a = 1;')), []);
    assert.deepEqual(between(holding('oneof y { int32 a = 1; }'), holding(two)), ['ONEOF_FIELD_REMOVED #/M/x/2']);
    assert.deepEqual(between(holding(two.replace('x', 'y')), holding(two)), []);
    assert.deepEqual(between(holding(two.replace('int32 b', 'bytes b')), holding(two)), [
      'FIELD_SCALAR_KIND_CHANGED #/M/x/2',
    ]);
  });

  it('enums change freely', () => {
    assert.deepEqual(between('enum E { B = 0; C = 2; }', 'enum E { A = 0; B = 1; }'), []);
    assert.deepEqual(between('', 'enum E { A = 0; }'), []);
  });

  it('imported types are compared', () => {
    const schema = 'import "user.proto"; message M { p.U u = 1; repeated p.U all = 2; }';
    const was = proto(schema, { 'user.proto': userFile('int32') });
    assert.deepEqual(kinds(was, was), []);
    assert.deepEqual(kinds(proto(schema, { 'user.proto': userFile('int64') }), was), []);
    assert.deepEqual(kinds(proto(schema, { 'user.proto': userFile('string') }), was), [
      'FIELD_NAMED_TYPE_CHANGED #/M/1',
      'FIELD_NAMED_TYPE_CHANGED #/M/2',
      'FIELD_NAMED_TYPE_CHANGED #/U/2',
      'FIELD_SCALAR_KIND_CHANGED #/U/1',
    ]);
  });

  it('types that come with the language need no text', () => {
    assert.deepEqual(between(withTime('google.protobuf.Timestamp'), withTime('.google.protobuf.Timestamp')), []);
    assert.deepEqual(between(withTime('google.protobuf.Timestamp'), withTime('google.protobuf.Duration')), [
      'FIELD_NAMED_TYPE_CHANGED #/M/1',
    ]);
  });

  it('extensions are no fields of the message', () => {
    assert.deepEqual(between(extended('int32'), extended('string')), []);
  });

  it('names field, number and both types', () => {
    const [found] = readabilityProblems(
      proto('message Order { message Item { string price = 3; } }'),
      proto('message Order { message Item { double price = 3; } }'),
    );
    assert.equal(found?.path, '#/Order/Item/3');
    assert.equal(
      found.message,
      "the field `Order.Item.price` (number 3) is `double` in the writer's schema and `string` in the reader's schema; " +
        "so the reader's schema cannot read all data written with the writer's schema",
    );
  });
});
