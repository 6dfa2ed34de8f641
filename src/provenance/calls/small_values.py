"""Small immutable values that this process has read: every hit of one gets the same object."""

from __future__ import annotations

from typing import Final, cast

from provenance.model.ids import BlobId
from provenance.model.records import ArtifactRecord
from provenance.model.references import UNREAD
from provenance.results.kinds import is_scalar

_MOST_VALUES: Final = 10_000
_LONGEST_TEXT: Final = 64
_LARGEST: Final = 1_000
_EXACT: Final = frozenset({"pickle", "joblib"})
"""Serializers whose bytes make one value each."""
_values: Final[dict[BlobId, object]] = {}
"""Small immutable values that this process has read: nobody can change them, so every hit may have the same object."""


def known_value(record: ArtifactRecord) -> object:
    """Return the value of *record* if it is a small scalar that was read before, else `UNREAD`."""
    return _values.get(record.value_blob.id, UNREAD) if record.serializer in _EXACT else UNREAD


def remember_value(record: ArtifactRecord, value: object) -> None:
    """Keep *value*, which was read for *record*, if it is a small scalar."""
    # What other serializers make of the same bytes is theirs to say.
    if record.serializer not in _EXACT or record.load_kwargs:
        return
    kind = type(value)
    if kind is str or kind is bytes:
        small = len(cast("str", value)) <= _LONGEST_TEXT
    else:
        small = kind in (bool, type(None)) or is_scalar(kind)
    if small and record.value_blob.size <= _LARGEST:
        if len(_values) >= _MOST_VALUES:
            _values.clear()
        _values[record.value_blob.id] = value
