"""What a picture of a lineage shows, whatever format it is drawn in: artifacts, the calls that made them, and who used what.

Everything here comes from records and from what lineage tells of the calls' arguments: no value is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, TypeAlias

from attrs import frozen

from provenance.events import Outcome
from provenance.ids import ArtifactId
from provenance.lineage import Lineage, in_order, plain_name
from provenance.records import Artifact
from provenance.shorthand import SHORT
from provenance.vis.wording import duration, size, visible

Facts: TypeAlias = "tuple[tuple[str, str], ...]"
"""What there is to know, as names and texts."""


class Kind(Enum):
    """What sort of artifact it is."""

    PLAIN = "artifact"
    COMPOSITE = "composite: its parts are stored on their own"
    FILE = "archived file"
    MISSING = "not recorded any more"


@frozen
class Thing:
    """The node of an artifact: what its record tells of the value, which itself is left out."""

    id: ArtifactId
    kind: Kind
    type: str
    size: str
    outcome: Outcome | None
    facts: Facts

    @property
    def short_id(self) -> str:
        """As many digits of the id as people need."""
        return visible(self.id[:SHORT])


@frozen
class Call:
    """The node of a function: its name, and the *arguments* that were no artifacts."""

    name: str
    version: int
    duration: str
    arguments: Facts

    @property
    def title(self) -> str:
        """The name, with the version if it has one."""
        return f"{self.name} · v{self.version}" if self.version else self.name


@frozen
class Step:
    """An artifact and the call that made it, of which nothing is known where the record is gone."""

    thing: Thing
    call: Call | None


@frozen
class Use:
    """The call that made *user* was given *source*, as *argument*; both are numbers of steps."""

    source: int
    user: int
    argument: str

    @property
    def turns_back(self) -> bool:
        """Whether this edge closes a circle: a source was recomputed from its own product."""
        return self.source >= self.user


@frozen
class Scene:
    """All *steps*, sources first, and the *uses* between them; *root* is the number of the step that was asked for."""

    root: int
    steps: tuple[Step, ...]
    uses: tuple[Use, ...]

    @property
    def title(self) -> str:
        """What is drawn, in a line."""
        call, thing = self.steps[self.root].call, self.steps[self.root].thing
        count = f"{len(self.steps)} artifact{'s' if len(self.steps) > 1 else ''}"
        return f"Lineage of {call.title if call else '?'} {thing.short_id}: {count}"


def scene_of(lineage: Lineage, outcomes: Mapping[ArtifactId, Outcome]) -> Scene:
    """The scene of a lineage: a step for each artifact, be it recorded or missing."""
    known = lineage.order
    apart = sorted(lineage.artifacts.keys() - set(known))
    ids = [*sorted(lineage.missing), *apart, *known]
    number = {each: i for i, each in enumerate(ids)}
    steps = tuple(_step(lineage, each, outcomes.get(each)) for each in ids)
    uses = tuple(
        Use(number[source], number[user], visible(argument)) for user in ids for argument, source in lineage.uses(user)
    )
    return Scene(number[lineage.root], steps, uses)


def _step(lineage: Lineage, artifact_id: ArtifactId, outcome: Outcome | None) -> Step:
    artifact = lineage.artifacts.get(artifact_id)
    if artifact is None:
        return Step(Thing(artifact_id, Kind.MISSING, "?", "", outcome, (("id", visible(artifact_id)),)), None)
    arguments = _told(lineage, artifact_id)
    call = Call(visible(plain_name(artifact)), artifact.version, duration(artifact.compute_duration), arguments)
    return Step(_thing(artifact, outcome), call)


def _told(lineage: Lineage, artifact_id: ArtifactId) -> Facts:
    given = in_order(lineage.arguments.get(artifact_id, {}))
    return tuple((visible(name), visible(text)) for name, text in given)


def _thing(artifact: Artifact[object], outcome: Outcome | None) -> Thing:
    module, _, name = artifact.value_type.rpartition(":")
    kind = Kind.COMPOSITE if artifact.composite else Kind.FILE if artifact.serializer == _FILE else Kind.PLAIN
    facts = {
        "id": artifact.id,
        "function": f"{artifact.fn_module}.{artifact.fn_name}, version {artifact.version}",
        "value": f"{name} ({module}), {size(artifact.size_bytes)}, written as {artifact.serializer}",
        "value id": artifact.value_id,
        "computed": f"{artifact.computed_at:%Y-%m-%d %H:%M:%S} UTC, in {duration(artifact.compute_duration)}",
        "run": artifact.run_id,
        "tags": ", ".join(artifact.tags),
        "kind": "" if kind is Kind.PLAIN else kind.value,
        "here": "" if outcome is None else outcome.value,
    }
    told = tuple((key, visible(text)) for key, text in facts.items() if text)
    return Thing(artifact.id, kind, visible(name), size(artifact.size_bytes), outcome, told)


_FILE: Final = "file"
