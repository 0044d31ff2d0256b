"""Reads what is committed of a topic as any program would, then writes records of its own, compressed in each way."""
import json
import sys

from confluent_kafka import Consumer, Producer, TopicPartition

servers, topic, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
consumer = Consumer({
    'bootstrap.servers': servers,
    'group.id': topic,
    'isolation.level': 'read_committed',
    'check.crcs': True,
    'enable.auto.commit': False,
})
consumer.assign([TopicPartition(topic, 0, 0)])
while wanted > 0:
    message = consumer.poll(30)
    if message is None:
        sys.exit(f'no record came; {wanted} are missing')
    if message.error():
        sys.exit(str(message.error()))
    hexed = lambda part: None if part is None else part.hex()
    headers = [[name, hexed(value)] for name, value in message.headers() or []]
    print(json.dumps({'key': hexed(message.key()), 'value': hexed(message.value()), 'headers': headers,
                      'timestamp': message.timestamp()}))
    wanted -= 1
consumer.close()

for compression in ['none', 'gzip', 'snappy', 'lz4', 'zstd']:
    producer = Producer({'bootstrap.servers': servers, 'compression.type': compression, 'linger.ms': 50})
    for i in range(3):
        producer.produce(topic, key=f'{compression} {i}', value=b'compressed ' * 50, headers=[('h', b'\x00\xff'), ('none', None)])
    producer.flush()
