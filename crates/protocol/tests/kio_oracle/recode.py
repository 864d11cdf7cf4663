"""Reads lines `Name version hex`, decodes each with kio, encodes it again and prints hex, `unknown`, or `error ...`."""

import re
import sys
from pkgutil import resolve_name

from kio.schema.index import schema_name_map
from kio.serial import entity_reader, entity_writer


def kio_name(name):
    for suffix, kind in (("Request", "request"), ("Response", "response")):
        if name.endswith(suffix):
            return snake(name.removesuffix(suffix)), kind
    return snake(name), "header" if name.endswith("Header") else "data"


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def entity_of(name, version):
    schema, kind = kio_name(name)
    for entity_type, path in schema_name_map.get(schema, {}).get(version, {}).items():
        if entity_type.name == kind:
            return resolve_name(path)
    return None


class Buffer:
    def __init__(self):
        self.parts = []

    def write(self, data):
        self.parts.append(bytes(data))
        return len(data)


def recode(name, version, frame):
    entity = entity_of(name, version)
    if entity is None:
        return "unknown"
    value, size = entity_reader(entity)(frame, 0)
    if size != len(frame):
        return f"error {len(frame) - size} bytes unread"
    buffer = Buffer()
    entity_writer(entity)(buffer, value)
    return b"".join(buffer.parts).hex() or "empty"


for line in sys.stdin:
    name, version, frame = line.rstrip("\n").split(" ")
    try:
        print(recode(name, int(version), bytes.fromhex(frame)))
    except Exception as error:
        print("error", type(error).__name__, str(error).replace("\n", " "))
