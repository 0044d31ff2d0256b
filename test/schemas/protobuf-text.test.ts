import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import protobuf from 'protobufjs';
import descriptor, { type IDescriptorProto } from 'protobufjs/ext/descriptor.js';
import { descriptorOf } from '../../src/schemas/protobuf-descriptor.ts';
import { parseProtobuf } from '../../src/schemas/protobuf-file.ts';
import { textOfDescriptor } from '../../src/schemas/protobuf-text.ts';

const other = { name: 'dir/other.proto', schema: 'syntax = "proto3"; package other; message Other { string o = 1; }' };

/** In the one form that texts are written in. */
const proto3 = `syntax = "proto3";

package a.b;

import "dir/other.proto";
import "google/protobuf/timestamp.proto";

message Event {
  string user_id = 1;
  optional int32 count = 2;
  repeated double ratios = 3;
  map<string, .a.b.Event.Inner> by_name = 4;
  map<int64, bytes> by_number = 5;
  .a.b.Kind kind = 6 [deprecated = true];
  .other.Other other = 7;
  .google.protobuf.Timestamp at = 8;
  oneof choice {
    string text = 9;
    sfixed64 number = 10;
  }
  string renamed = 11 [json_name = "name"];
  reserved 20, 30 to 40, 100 to max;
  reserved "old";
  message Inner {
    string name = 1;
  }
}

message Second {
}

enum Kind {
  NONE = 0;
  NEGATIVE = -1;
  reserved 5 to 7;
}

service Events {
  rpc Send (stream .a.b.Event) returns (.a.b.Second);
}
`;

const proto2 = `syntax = "proto2";

message Old {
  required string id = 1;
  optional int32 count = 2 [default = 7];
  optional string text = 3 [default = "a\\"b"];
  optional .Color color = 4 [default = RED];
  repeated int32 packed = 5 [packed = true];
  extensions 100 to 199;
}

enum Color {
  GREEN = 0;
  RED = 1;
}
`;

describe('protobuf as text and as a descriptor', () => {
  for (const [name, text] of Object.entries({ proto3, proto2 }))
    it(`${name}: the text of its descriptor is the text`, () => {
      assert.equal(textOfDescriptor(descriptorOf(text, [other], 'x.proto')), text);
    });

  it('gives all ways to write a file one text', () => {
    const short = proto3.replaceAll('.a.b.Event.Inner', 'Inner').replaceAll('.a.b.', '').replaceAll('.other', 'other');
    const spaced = `// of events\n${short.replaceAll('\n', '\n\n').replaceAll(' = ', '=')}`;
    assert.equal(textOfDescriptor(descriptorOf(spaced, [other], 'x.proto')), proto3);
  });

  it('names types from the root, map entries as protoc does, and puts the oneofs of optional fields last', () => {
    const { messageType, dependency, name } = descriptor.FileDescriptorProto.toObject(
      descriptor.FileDescriptorProto.decode(Buffer.from(descriptorOf(proto3, [other], 'x.proto'), 'base64')),
    );
    assert.equal(name, 'x.proto');
    assert.deepEqual(dependency, ['dir/other.proto', 'google/protobuf/timestamp.proto']);
    const [event] = messageType as IDescriptorProto[];
    const fields = new Map(event?.field?.map((field) => [field.name, field]));
    assert.equal(fields.get('by_name')?.typeName, '.a.b.Event.ByNameEntry');
    assert.equal(fields.get('kind')?.typeName, '.a.b.Kind');
    assert.deepEqual(
      event?.oneofDecl?.map((oneof) => oneof.name),
      ['choice', '_count'],
    );
    assert.deepEqual([fields.get('count')?.oneofIndex, fields.get('text')?.oneofIndex], [1, 0]);
  });

  it('takes text for text', () => {
    for (const text of [proto3, 'message M{}', 'import"a";', '']) assert.equal(textOfDescriptor(text), undefined, text);
  });

  it('refuses what is neither', () => {
    assert.throws(() => textOfDescriptor('bm90IGEgZGVzY3JpcHRvcg=='));
  });

  it('reads its own text as the same messages', () => {
    const { messages } = parseProtobuf(proto3, [other]);
    const again = parseProtobuf(textOfDescriptor(descriptorOf(proto3, [other], ''))!, [other]).messages;
    const bytes = Uint8Array.from([0x0a, 1, 0x61, 0x10, 5, 0x1a, 8, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
    assert.deepEqual(again[0]?.decode(bytes).toJSON(), messages[0]?.decode(bytes).toJSON());
    assert.ok(again.every((type) => type instanceof protobuf.Type));
  });
});
