/** A client that we did not write, unchanged, against the real program: @kafkajs/confluent-schema-registry. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { type Program, startProgram } from '../support/program.ts';

const avro = (type: string): { type: SchemaType.AVRO; schema: string } => ({
  type: SchemaType.AVRO,
  schema: `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":${type}}]}`,
});

suite('kafkajs and its schema registry client', { timeout: 60_000 }, () => {
  let dataDir: string;
  let program: Program;
  let client: SchemaRegistry;
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tributary-kafkajs-'));
    program = await startProgram({ dataDir });
    client = new SchemaRegistry({ host: `${program.url}/registry`, retry: { retries: 0 } });
  });
  after(async () => {
    await program.kill('SIGKILL');
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  /** Another one that has cached nothing. */
  const other = (): SchemaRegistry => new SchemaRegistry({ host: `${program.url}/registry` });

  test('Avro: registers, encodes, and decodes by the id in the event', async () => {
    const { id } = await client.register(avro('"string"'), { subject: 'kafkajs-avro-value' });
    assert.equal((await client.register(avro('"string"'), { subject: 'kafkajs-avro-value' })).id, id);
    const wire = await client.encode(id, { id: 'ü' });
    assert.deepEqual({ ...((await other().decode(wire)) as object) }, { id: 'ü' });
    assert.equal(await client.getLatestSchemaId('kafkajs-avro-value'), id);
    assert.equal(await client.getRegistryId('kafkajs-avro-value', 1), id);
    assert.equal(await client.getRegistryIdBySchema('kafkajs-avro-value', avro('"string"')), id);
    await assert.rejects(client.getRegistryIdBySchema('kafkajs-avro-value', avro('"long"')), /not found/);
    await assert.rejects(client.getLatestSchemaId('none'), /Subject 'none' not found/);
  });

  test('Avro: an incompatible registration is refused, and told from others', async () => {
    const subject = 'kafkajs-evolving-value';
    await client.register(avro('"string"'), { subject });
    await assert.rejects(client.register(avro('"long"'), { subject }), (error: unknown) => {
      assert.ok(error instanceof Error);
      const { status, message } = error as Error & { status?: number };
      assert.deepEqual([status, /incompatible with an earlier schema/.test(message)], [409, true], message);
      return true;
    });
    const wider = await client.register(avro('["string","null"]'), { subject });
    assert.equal(await client.getLatestSchemaId(subject), wider.id);
    const full = { subject, compatibility: COMPATIBILITY.FULL };
    await assert.rejects(client.register(avro('["string","null"]'), full), /Compatibility does not match/);
  });

  test('JSON Schema: registers, encodes, decodes, and refuses what does not fit', async () => {
    const schema = '{"type":"object","required":["id"],"properties":{"id":{"type":"string"}}}';
    const { id } = await client.register({ type: SchemaType.JSON, schema }, { subject: 'kafkajs-json-value' });
    assert.deepEqual(await other().decode(await client.encode(id, { id: 'a' })), { id: 'a' });
    await assert.rejects(client.encode(id, { id: 1 }));
  });

  test('Protobuf: registers, encodes and decodes, with a schema that another one refers to', async () => {
    const street = 'syntax = "proto3"; package shop; message Street { string name = 1; }';
    await client.register({ type: SchemaType.PROTOBUF, schema: street }, { subject: 'kafkajs-street' });
    const schema =
      'syntax = "proto3"; package shop; import "street.proto"; message Address { Street street = 1; int32 number = 2; }';
    const references = [{ name: 'street.proto', subject: 'kafkajs-street', version: 1 }];
    const { id } = await client.register(
      { type: SchemaType.PROTOBUF, schema, references },
      { subject: 'kafkajs-address' },
    );
    const address = { street: { name: 'Long' }, number: 7 };
    const decoded: unknown = await other().decode(await client.encode(id, address));
    assert.deepEqual(JSON.parse(JSON.stringify(decoded)), address);
  });
});
