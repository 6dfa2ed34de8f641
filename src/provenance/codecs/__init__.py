"""Serializers: values to bytes and back, and the choice of a serializer for a value."""

from provenance.codecs.compression import COMPRESSIONS, check_available
from provenance.codecs.encoding import COMPRESSION, Decoding, Encoding, split_compression
from provenance.codecs.registry import (
    DEFAULT,
    Serializer,
    candidates,
    get_serializer,
    is_registered,
    may_execute,
    register_serializer,
)

__all__ = [
    "COMPRESSION",
    "COMPRESSIONS",
    "DEFAULT",
    "Decoding",
    "Encoding",
    "Serializer",
    "candidates",
    "check_available",
    "get_serializer",
    "is_registered",
    "may_execute",
    "register_serializer",
    "split_compression",
]
