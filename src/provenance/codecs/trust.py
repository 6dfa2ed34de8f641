"""Which copies may be made: what was written where others may write gains no trust by being copied."""

from __future__ import annotations

from enum import IntEnum

from provenance.codecs.encoding import Decoding
from provenance.codecs.registry import may_execute
from provenance.model.records import ArtifactRecord


class CopyPolicy(IntEnum):
    """What a store takes of a source that is not trusted; of several stores that are one, the strictest decides."""

    ANYTHING = 0
    """It is not trusted itself."""
    DATA_ONLY = 1
    """It is trusted, so that what is in it may be executed."""
    NOTHING = 2
    """It signs what is in it."""


def may_copy(*, trusted: bool, executes: bool, into: CopyPolicy) -> bool:
    """Tell whether a copy may be made: the rule of docs/trust.md, for everything that copies.

    Args:
        trusted: Whether the source is trusted, because nobody else can write there or because it is signed.
        executes: Whether reading the copy may execute what it says.
        into: What the target takes.
    """
    return trusted or into is CopyPolicy.ANYTHING or (into is CopyPolicy.DATA_ONLY and not executes)


def record_executes(record: ArtifactRecord) -> bool:
    """Tell whether reading the value or the inputs of *record* may execute them: inputs that are a blob are a pickle."""
    return record.inputs_blob is not None or may_execute(record.serializer)


def is_vouched(read: object) -> bool:
    """Tell whether a trusted record named the bytes that *read* decodes: their digest is what it says."""
    return isinstance(read, Decoding) and read.untrusted is None


def read_executes(read: object) -> bool:
    """Tell whether the bytes that *read* reads may be executed; of what is not decoded, nothing is known."""
    return not isinstance(read, Decoding) or may_execute(read.serializer)
