"""Small immutable values that this process has read: as nobody can change them, every hit may have the same object."""

from __future__ import annotations

from typing import Final, cast

from provenance.ids import BlobId
from provenance.proxy import UNREAD
from provenance.records import ArtifactRecord

_MANY: Final = 10_000
_SHORT: Final = 64
_OURS: Final = "pickle"
"""The serializer of such values; what others make of the same bytes is theirs to say."""
_values: dict[BlobId, object] = {}


def known(record: ArtifactRecord) -> object:
    """The value of *record* if it is a scalar that was read before, else `UNREAD`."""
    return _values.get(record.value_blob.id, UNREAD) if record.serializer == _OURS else UNREAD


def remember(record: ArtifactRecord, value: object) -> None:
    """Keep *value*, which was read for *record*, if it is a small scalar."""
    kind = type(value)
    small = kind in (int, float, bool) or (kind is str and len(cast("str", value)) <= _SHORT)
    if small and record.serializer == _OURS:
        if len(_values) >= _MANY:
            _values.clear()
        _values[record.value_blob.id] = value
