"""Values to bytes and back: the serializers, and how one is chosen for a value."""

from provenance.codecs.coding import Decoding, Encoding
from provenance.codecs.registry import (
    DEFAULT,
    Serializer,
    candidates,
    is_registered,
    register_serializer,
    serializer_named,
)

__all__ = [
    "DEFAULT",
    "Decoding",
    "Encoding",
    "Serializer",
    "candidates",
    "is_registered",
    "register_serializer",
    "serializer_named",
]
