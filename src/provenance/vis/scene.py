"""The content of a picture of a lineage: artifacts, their calls, and which call used which.

All of it comes from records and the arguments that lineage reports. No value is read but short
ones of builtin types, which are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from typing import Final, TypeAlias

from attrs import frozen
from toolz import groupby

from provenance.catalog.graph import Lineage, short_name, sorted_arguments, summarize
from provenance.errors import ProvenanceError
from provenance.escaping import escape_invisible
from provenance.events import Outcome
from provenance.model.ids import ArtifactId
from provenance.model.records import Artifact
from provenance.util.formatting import SHORT, duration, size

Facts: TypeAlias = "tuple[tuple[str, str], ...]"
"""Facts, as names and texts."""
_SHOWN: Final = 256
"""Stored bytes up to which a value is shown."""


class Kind(Enum):
    """The kind of an artifact."""

    PLAIN = "artifact"
    COMPOSITE = "composite: its parts are stored on their own"
    FILE = "archived file"
    MISSING = "not recorded any more"
    MORE = "left out of the picture"


@frozen
class ArtifactNode:
    """The node of an artifact, from its record; *value* is the text of a short builtin value."""

    id: ArtifactId
    kind: Kind
    type: str
    size: str
    outcome: Outcome | None
    facts: Facts
    value: str = ""

    @property
    def is_gone(self) -> bool:
        """Whether it is not recorded any more, or left out of the picture."""
        return self.kind in (Kind.MISSING, Kind.MORE)

    @property
    def short_id(self) -> str:
        """The first digits of the id."""
        return escape_invisible(self.id[:SHORT])

    @property
    def label(self) -> str:
        """The first digits of the id, and the value beside them if it is shown."""
        return f"{self.short_id}  {self.value}" if self.value else self.short_id


@frozen
class FunctionNode:
    """The node of a function: its name with the version unless it is 0, and the arguments that are not artifacts."""

    title: str
    duration: str
    arguments: Facts


@frozen
class Step:
    """An artifact and the call that made it; None if the record is missing."""

    artifact: ArtifactNode
    call: FunctionNode | None


@frozen
class Use:
    """The call of step `user` received the artifact of step `source` as `argument`."""

    source: int
    user: int
    argument: str

    @property
    def turns_back(self) -> bool:
        """Whether this edge closes a cycle: a source was recomputed from its own descendant."""
        return self.source >= self.user


@frozen
class Scene:
    """All steps, sources first, and the uses between them; `root` is the traced artifact's step."""

    root: int
    steps: tuple[Step, ...]
    uses: tuple[Use, ...]
    subject: str = "Lineage"

    @property
    def uses_by_user(self) -> dict[int, list[Use]]:
        """The uses of each step that has some."""
        return groupby(lambda use: use.user, self.uses)

    @property
    def title(self) -> str:
        """The title of the picture."""
        call, thing = self.steps[self.root].call, self.steps[self.root].artifact
        number = sum(step.artifact.kind is not Kind.MORE for step in self.steps)
        count = f"{number} artifact{'s' if number > 1 else ''}"
        return f"{self.subject} of {call.title if call else '?'} {thing.short_id}: {count}"


def scene_of(lineage: Lineage, outcomes: Mapping[ArtifactId, Outcome]) -> Scene:
    """Return the scene of a lineage: a step for each artifact, recorded or missing, and for those left out."""
    known = lineage.order
    unordered = sorted(lineage.artifacts.keys() - set(known))
    ids = [*sorted(lineage.missing), *unordered, *known]
    is_down = lineage.down
    cut = [artifact_id for artifact_id in ids if artifact_id in lineage.beyond]
    rest = [_rest(artifact_id, lineage.beyond[artifact_id], is_down=is_down) for artifact_id in cut]
    start, end = (0, len(ids)) if is_down else (len(rest), 0)
    number = {artifact_id: start + i for i, artifact_id in enumerate(ids)}
    steps = [_step(lineage, artifact_id, outcomes.get(artifact_id)) for artifact_id in ids]
    uses = [
        Use(number[source], number[user], escape_invisible(argument))
        for user in ids
        for argument, source in lineage.uses(user)
    ]
    for i, artifact_id in enumerate(cut, end):
        pair = (number[artifact_id], i) if is_down else (i, number[artifact_id])
        uses.append(Use(*pair, ""))
    subject = "Uses" if is_down else "Lineage"
    steps = [*steps, *rest] if is_down else [*rest, *steps]
    return Scene(number[lineage.root], tuple(steps), tuple(uses), subject)


def _rest(artifact_id: ArtifactId, number: int, *, is_down: bool) -> Step:
    """Return the step in place of the sources or users of an artifact that are left out; its id is that of the artifact."""
    what = f"{number:,} {'users' if is_down else 'sources'} of {escape_invisible(artifact_id)}"
    facts = (("left out", what),)
    return Step(ArtifactNode(artifact_id, Kind.MORE, f"+ {number:,} more", "", None, facts), None)


def _step(lineage: Lineage, artifact_id: ArtifactId, outcome: Outcome | None) -> Step:
    artifact = lineage.artifacts.get(artifact_id)
    if artifact is None:
        facts = (("id", escape_invisible(artifact_id)),)
        return Step(ArtifactNode(artifact_id, Kind.MISSING, "?", "", outcome, facts), None)
    arguments = sorted_arguments(lineage.arguments.get(artifact_id, {}))
    title = escape_invisible(short_name(artifact))
    title += f" · v{artifact.version}" if artifact.version else ""
    shown = tuple((escape_invisible(name), escape_invisible(text)) for name, text in arguments)
    call = FunctionNode(title, duration(artifact.compute_duration), shown)
    return Step(_artifact_node(artifact, outcome), call)


def _artifact_node(artifact: Artifact[object], outcome: Outcome | None) -> ArtifactNode:
    module, _, name = artifact.value_type.rpartition(":")
    is_file = artifact.serializer == "file"
    kind = Kind.COMPOSITE if artifact.composite else Kind.FILE if is_file else Kind.PLAIN
    spent = duration(artifact.compute_duration)
    value_type, byte_count = f"{name} ({module})", size(artifact.size_bytes)
    facts = {
        "id": artifact.id,
        "function": f"{artifact.fn_module}.{artifact.fn_qualname}, version {artifact.version}",
        "value": f"{value_type}, {byte_count}, written as {artifact.serializer}",
        "value id": artifact.value_id,
        "computed": f"{artifact.computed_at:%Y-%m-%d %H:%M:%S} UTC, in {spent}",
        "run": artifact.run_id,
        "tags": ", ".join(artifact.tags),
        "kind": "" if kind is Kind.PLAIN else kind.value,
        "here": "" if outcome is None else outcome.value,
    }
    lines = tuple((key, escape_invisible(text)) for key, text in facts.items() if text)
    shown, text = escape_invisible(name), escape_invisible(_value_text(artifact))
    return ArtifactNode(artifact.id, kind, shown, byte_count, outcome, lines, text)


def _value_text(artifact: Artifact[object]) -> str:
    """Return the text of a short value of a builtin type; empty for any other, and for one that is lost."""
    if artifact.size_bytes > _SHOWN or not artifact.value_type.startswith("builtins:"):
        return ""
    # From the repository: what is lost is not computed again for a picture.
    with suppress(ProvenanceError, TypeError):
        return summarize(artifact.repo.load_value(artifact))
    return ""


def class_of(outcome: Outcome | None) -> str:
    """Return the style class of artifacts with this outcome."""
    return "unknown" if outcome is None else outcome.name.lower()
