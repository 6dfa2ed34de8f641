"""Serializers: values to bytes and back, and the choice of a serializer for a value."""

from provenance.codecs.compression import COMPRESSIONS as COMPRESSIONS
from provenance.codecs.compression import check_available as check_available
from provenance.codecs.encoding import (
    COMPRESSION as COMPRESSION,
    Decoding as Decoding,
    Encoding as Encoding,
    split_compression as split_compression,
)
from provenance.codecs.registry import (
    DEFAULT as DEFAULT,
    Serializer as Serializer,
    candidates as candidates,
    get_serializer as get_serializer,
    is_registered as is_registered,
    may_execute as may_execute,
    register_serializer as register_serializer,
)
