"""What users of Confluent's Python client do, against the registry at the address given; prints what it has encoded."""

import json
import sys

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

url = sys.argv[1]
client = SchemaRegistryClient({"url": url})
encoded = {}


def fresh():
    """One that has cached nothing."""
    return SchemaRegistryClient({"url": url})


def value_of(topic):
    return SerializationContext(topic, MessageField.VALUE)


def refused(status, code, action):
    try:
        action()
    except SchemaRegistryError as error:
        assert (error.http_status_code, error.error_code) == (status, code), str(error)
        return
    raise AssertionError(f"expected {status} {code}")


def order(kind):
    return json.dumps({"type": "record", "name": "Order", "fields": [{"name": "id", "type": kind}]})


def avro():
    event = {"id": "ü"}
    wire = AvroSerializer(client, order("string"))(event, value_of("py-avro"))
    assert AvroDeserializer(fresh())(wire, value_of("py-avro")) == event
    encoded["avro"] = wire.hex()

    street = json.dumps({"type": "record", "name": "Street", "fields": [{"name": "name", "type": "string"}]})
    client.register_schema("py-street", Schema(street, "AVRO"))
    address = json.dumps({"type": "record", "name": "Address", "fields": [{"name": "street", "type": "Street"}]})
    references = [SchemaReference("Street", "py-street", 1)]
    serializer = AvroSerializer(client, Schema(address, "AVRO", references))
    event = {"street": {"name": "Long"}}
    wire = serializer(event, value_of("py-address"))
    assert AvroDeserializer(fresh())(wire, value_of("py-address")) == event


def json_schema():
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Order",
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "string"}},
    }
    event = {"id": "a"}
    wire = JSONSerializer(json.dumps(schema), client)(event, value_of("py-json"))
    assert JSONDeserializer(json.dumps(schema), schema_registry_client=fresh())(wire, value_of("py-json")) == event
    encoded["json"] = wire.hex()


def message_types():
    """As protoc makes them: a file that imports another one, and a well-known type."""
    kinds = descriptor_pb2.FieldDescriptorProto
    street = descriptor_pb2.FileDescriptorProto(name="street.proto", package="shop", syntax="proto3")
    message = street.message_type.add(name="Street")
    message.field.add(name="name", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    address = descriptor_pb2.FileDescriptorProto(name="address.proto", package="shop", syntax="proto3")
    address.dependency.extend(["street.proto", "google/protobuf/timestamp.proto"])
    address.message_type.add(name="Unused")
    message = address.message_type.add(name="Address")
    one = kinds.LABEL_OPTIONAL
    message.field.add(name="street", number=1, type=kinds.TYPE_MESSAGE, type_name=".shop.Street", label=one)
    at = ".google.protobuf.Timestamp"
    message.field.add(name="at", number=2, type=kinds.TYPE_MESSAGE, type_name=at, label=one)
    message.field.add(name="house_number", number=3, type=kinds.TYPE_INT64, label=one, proto3_optional=True, oneof_index=1)
    message.field.add(name="text", number=4, type=kinds.TYPE_STRING, label=one, oneof_index=0)
    message.field.add(name="kind", number=5, type=kinds.TYPE_ENUM, type_name=".shop.Address.Kind", label=one)
    entry = ".shop.Address.TagsEntry"
    message.field.add(name="tags", number=6, type=kinds.TYPE_MESSAGE, type_name=entry, label=kinds.LABEL_REPEATED)
    message.oneof_decl.add(name="choice")
    message.oneof_decl.add(name="_house_number")
    enum = message.enum_type.add(name="Kind")
    enum.value.add(name="NONE", number=0)
    enum.value.add(name="HOME", number=1)
    tags = message.nested_type.add(name="TagsEntry")
    tags.options.map_entry = True
    tags.field.add(name="key", number=1, type=kinds.TYPE_STRING, label=one)
    tags.field.add(name="value", number=2, type=kinds.TYPE_INT32, label=one)
    pool = descriptor_pool.DescriptorPool()
    for file in [timestamp_pb2.DESCRIPTOR.serialized_pb, street.SerializeToString(), address.SerializeToString()]:
        pool.AddSerializedFile(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Address"))


def protobuf():
    address_type = message_types()
    event = address_type(house_number=7, text="x", kind=1)
    event.street.name = "Long"
    event.at.FromJsonString("2026-11-21T10:00:00Z")
    event.tags["a"] = 1
    serializer = ProtobufSerializer(address_type, client)
    wire = serializer(event, value_of("py-protobuf"))
    assert ProtobufDeserializer(address_type)(wire, value_of("py-protobuf")) == event
    assert ProtobufDeserializer(address_type, {}, fresh())(wire, value_of("py-protobuf")) == event
    latest = {"auto.register.schemas": False, "use.latest.version": True}
    again = ProtobufSerializer(address_type, fresh(), latest)(event, value_of("py-protobuf"))
    assert again == wire
    looked_up = {"auto.register.schemas": False}
    assert ProtobufSerializer(address_type, fresh(), looked_up)(event, value_of("py-protobuf")) == wire
    encoded["protobuf"] = wire.hex()


def administration():
    subject = "py-administered"
    string, long = Schema(order("string"), "AVRO"), Schema(order("long"), "AVRO")
    wider = Schema(order(["string", "null"]), "AVRO")
    first = client.register_schema(subject, string)
    assert client.test_compatibility(subject, wider) is True
    assert client.test_compatibility(subject, long) is False
    refused(409, 409, lambda: client.register_schema(subject, long))
    assert client.register_schema(subject, wider, normalize_schemas=True) != first
    assert fresh().lookup_schema(subject, string).version == 1
    assert fresh().get_latest_version(subject).version == 2
    assert client.get_versions(subject) == [1, 2]
    assert json.loads(fresh().get_schema(first).schema_str) == json.loads(string.schema_str)
    assert subject in client.get_subjects()
    refused(404, 40401, lambda: fresh().get_latest_version("none"))
    refused(404, 40402, lambda: fresh().get_version(subject, 9))
    refused(404, 40403, lambda: fresh().get_schema(999_999))
    refused(422, 42201, lambda: client.register_schema(subject, Schema("{", "AVRO")))
    refused(404, 40408, lambda: client.get_compatibility(subject))
    client.set_compatibility(subject, "NONE")
    assert client.get_compatibility(subject) == "NONE"
    assert client.register_schema(subject, long) > 0
    assert client.delete_version(subject, 3) == 3
    assert client.delete_subject(subject) == [1, 2]
    assert client.delete_subject(subject, permanent=True) == [1, 2, 3]
    assert subject not in client.get_subjects(deleted=True)


for step in [avro, json_schema, protobuf, administration]:
    step()
print(json.dumps(encoded))
