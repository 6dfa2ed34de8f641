"""What became of each call: typed events, and what they add up to.

`parts` are the artifacts of the parts of a composite.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

from attrs import frozen

from provenance.ids import NO_IDS, ArtifactId


class Why(Enum):
    """Why a value was computed although it might have been looked up."""

    ABSENT = "nothing was stored under this id"
    CACHE_OFF = "use_cache is off"
    ASKED = "recomputation was asked for"
    BLOB_MISSING = "the stored value was missing"
    BLOB_CORRUPT = "the stored value was damaged"
    RECORD_CORRUPT = "the record was damaged"
    EVICTED = "the stored value was evicted"


@frozen
class Hit:
    """The value was in the store; *seconds_saved* is what computing it took at the time."""

    artifact_id: ArtifactId
    name: str
    seconds_saved: float
    parts: frozenset[ArtifactId] = NO_IDS


@frozen
class Miss:
    """Nothing was stored for the call; it was computed in *seconds*, and stored unless the call was read-only."""

    artifact_id: ArtifactId
    name: str
    seconds: float
    stored: bool
    why: Why = Why.ABSENT
    parts: frozenset[ArtifactId] = NO_IDS


@frozen
class Recomputed:
    """The value was computed anew on purpose."""

    artifact_id: ArtifactId
    name: str
    seconds: float
    stored: bool
    why: Why
    parts: frozenset[ArtifactId] = NO_IDS


@frozen
class Healed:
    """A record was there, but it or its value was missing, damaged or evicted: it was computed and stored anew.

    `takes_back` is the hit that was told of, if the trouble showed only when the value was read.
    """

    artifact_id: ArtifactId
    name: str
    seconds: float
    why: Why
    detail: str
    takes_back: Hit | None = None
    stored: bool = True
    parts: frozenset[ArtifactId] = NO_IDS


@frozen
class CodeChanged:
    """A hit was served whose function had other code when the value was computed; is a new `version` due?"""

    artifact_id: ArtifactId
    name: str
    version: int


@frozen
class Waited:
    """The call waited so many *seconds* while another thread or process computed the same; its outcome follows."""

    artifact_id: ArtifactId
    name: str
    seconds: float


Event: TypeAlias = Hit | Miss | Recomputed | Healed | CodeChanged | Waited


class Outcome(Enum):
    """How this process came by an artifact."""

    HIT = "found in the store"
    MISS = "computed"
    RECOMPUTED = "computed anew on purpose"
    HEALED = "computed anew, its stored value was lost"


@frozen
class Stats:
    """How the calls of this process went; `seconds_saved` and `seconds_computed` add up their functions' times.

    `waited` of the calls waited, `seconds_waited` in all, while the same was computed elsewhere.
    """

    hits: int = 0
    misses: int = 0
    recomputed: int = 0
    healed: int = 0
    code_changed: int = 0
    waited: int = 0
    seconds_saved: float = 0.0
    seconds_computed: float = 0.0
    seconds_waited: float = 0.0

    @property
    def calls(self) -> int:
        """Calls that came to an end, by a hit or by computing."""
        return self.hits + self.misses + self.recomputed + self.healed
