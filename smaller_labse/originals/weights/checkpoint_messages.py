"""Protocol buffers of a TensorFlow checkpoint, without TensorFlow's import, which takes seconds.

The schema is that of TensorFlow's core/protobuf/tensor_bundle.proto (`BundleHeaderProto`,
`BundleEntryProto`), core/protobuf/trackable_object_graph.proto (`TrackableObjectGraph`) and
core/framework/tensor_shape.proto (`TensorShapeProto`), as far as it is used here; other fields are kept when
a message is read and written again. It lies in a pool of its own, so that it does not meet TensorFlow's where
both are loaded.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

INT32, INT64, FIXED32, STRING = (
    FieldDescriptorProto.TYPE_INT32,
    FieldDescriptorProto.TYPE_INT64,
    FieldDescriptorProto.TYPE_FIXED32,
    FieldDescriptorProto.TYPE_STRING,
)
PACKAGE = "smaller_labse"


def _field(name: str, number: int, kind: int | str, repeated: bool = False) -> FieldDescriptorProto:
    """A field of a type of numbers or text, or of the message that `kind` names."""
    field = FieldDescriptorProto(name=name, number=number)
    field.label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
    if isinstance(kind, str):
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    else:
        field.type = kind
    return field


def _message(name: str, *fields: FieldDescriptorProto) -> DescriptorProto:
    return DescriptorProto(name=name, field=fields)


def _schema() -> FileDescriptorProto:
    """TensorFlow's messages; those nested there stand side by side here, which is the same in bytes."""
    return FileDescriptorProto(
        name="smaller_labse/checkpoint.proto",
        package=PACKAGE,
        syntax="proto3",
        message_type=[
            _message("Dim", _field("size", 1, INT64)),
            _message("TensorShapeProto", _field("dim", 2, "Dim", repeated=True)),
            _message("TensorSliceProto"),
            _message("BundleHeaderProto", _field("num_shards", 1, INT32)),
            _message(
                "BundleEntryProto",
                _field("dtype", 1, INT32),  # of the enumeration DataType, which is the same in bytes
                _field("shape", 2, "TensorShapeProto"),
                _field("shard_id", 3, INT32),
                _field("offset", 4, INT64),
                _field("size", 5, INT64),
                _field("crc32c", 6, FIXED32),
                _field("slices", 7, "TensorSliceProto", repeated=True),
            ),
            _message("ObjectReference", _field("node_id", 1, INT32), _field("local_name", 2, STRING)),
            _message("SerializedTensor", _field("full_name", 2, STRING), _field("checkpoint_key", 3, STRING)),
            _message(
                "TrackableObject",
                _field("children", 1, "ObjectReference", repeated=True),
                _field("attributes", 2, "SerializedTensor", repeated=True),
            ),
            _message("TrackableObjectGraph", _field("nodes", 1, "TrackableObject", repeated=True)),
        ],
    )


_pool = DescriptorPool()
_pool.Add(_schema())


def _message_class(name: str) -> Any:
    return GetMessageClass(_pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))


BundleHeaderProto = _message_class("BundleHeaderProto")
BundleEntryProto = _message_class("BundleEntryProto")
TensorShapeProto = _message_class("TensorShapeProto")
TrackableObjectGraph = _message_class("TrackableObjectGraph")


def parse(message_class: Any, data: bytes) -> Any:
    """Read a message.

    Args:
        message_class: one of this file's.
        data: the message in bytes.

    Raises:
        ValueError: it is no such message, or damaged.

    >>> parse(BundleHeaderProto, bytes([8, 3])).num_shards
    3
    """
    try:
        return message_class.FromString(data)
    except DecodeError:
        raise ValueError(f"a damaged {message_class.DESCRIPTOR.name}") from None
