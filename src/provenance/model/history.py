"""What a repository knows of the code and the lineage of artifacts beside their records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final, cast

from attrs import field, frozen

from provenance.model.ids import ID_BYTES, ArtifactId
from provenance.util.naming import exported

FORMAT: Final = "r1:"
"""What the digests of receipts of this format begin with."""
NO_SOURCES: Mapping[str, str] = {}


def receipt_digest(text: str) -> str:
    """Return the digest of the text of a code receipt, by which records name it.

    >>> receipt_digest("{}")
    'r1:6e46dd10defc9b56c29a6ec56b508c21f54c0819'
    """
    from blake3 import blake3  # noqa: PLC0415 - not needed until something is computed or compared

    return FORMAT + blake3(text.encode()).hexdigest(ID_BYTES)


@frozen
class CodeReceipt:
    """A code receipt as it is recorded: its text, by the digest of it, and the sources behind it.

    The `sources` are texts by the digests in the receipt, which comments do not change.
    """

    digest: str
    text: str = field(eq=False, repr=False)
    sources: Mapping[str, str] = field(default=NO_SOURCES, eq=False, repr=False)

    @property
    def digests(self) -> dict[str, str]:
        """The digests by name."""
        return cast("dict[str, str]", json.loads(self.text))


@exported
@frozen
class Equivalence:
    """A change of code that was accepted: results of the one hold for the other.

    Attributes:
        name: name or scope of the function.
        version: its version.
        from_code: digest of the receipt of the earlier code.
        to_code: digest of the receipt of the later code.
        accepted_by: who accepted it.
        accepted_at: when, in UTC.
        note: why.
    """

    name: str
    version: int
    from_code: str
    to_code: str
    accepted_by: str
    accepted_at: datetime
    note: str = ""


@frozen
class Deletion:
    """What is known of an artifact that was deleted.

    Attributes:
        artifact_id: its id.
        name: its name; empty if its record was damaged.
        version: its version.
        deleted_at: when it was deleted, in UTC.
        reason: why, in the words of who deleted it.
    """

    artifact_id: ArtifactId
    name: str
    version: int
    deleted_at: datetime
    reason: str = ""


@frozen
class ShadowCheck:
    """A stored result was computed again beside a hit, and compared.

    Attributes:
        artifact_id: id of the artifact.
        checked_at: when, in UTC.
        agreed: whether the same value came out.
        code: digest of the receipt of the code that computed it this time.
    """

    artifact_id: ArtifactId
    checked_at: datetime
    agreed: bool
    code: str
