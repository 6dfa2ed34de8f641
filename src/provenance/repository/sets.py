"""Sets of artifacts, with labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Protocol, TypeAlias, cast

from attrs import Factory, evolve, field, frozen

from provenance.errors import ConfigError, DuplicateNameError, MemberNotFoundError
from provenance.escaping import escape_invisible, html_facts
from provenance.hashing import combine
from provenance.model.ids import ID_DIGITS, ArtifactId, SetId, is_prefix
from provenance.model.records import Artifact, ArtifactRecord, Options, Origin
from provenance.model.references import is_proxy, represented_artifact
from provenance.model.rows import labels_text, parse_labels
from provenance.results.handles import as_result
from provenance.results.origin import CurrentOrigin, current_origin
from provenance.util.formatting import SHORT, safe_repr
from provenance.util.naming import exported
from provenance.util.validation import require_iterable

_artifact_ids: Final = attrgetter("artifact_ids")
_SHOWN: Final = 10
"""Members of a set that a notebook shows."""


def set_id(members: Iterable[ArtifactId]) -> SetId:
    """Return the id of the set of these artifacts."""
    return SetId(combine("artifact set", sorted(members)).hex())


Labels: TypeAlias = Mapping[str, object] | str | None
"""Labels of a set with a JSON form; a string means `{'name': string}`, None no labels."""


class SetTarget(Protocol):
    """A repository that stores sets."""

    def put_set(self, artifact_set: ArtifactSet, /) -> ArtifactSet:
        """Store a set; return it as it is now stored."""
        ...


def id_of(member: object) -> ArtifactId:
    """Return the id of an artifact or proxy, or a whole id; raise TypeError for anything else."""
    member = as_result(member)
    ref = represented_artifact(member)
    if ref is not None:
        return ref.artifact_id
    if is_proxy(member):
        problem = f"{safe_repr(member)} was computed read-only and is in no store"
        raise TypeError(f"{problem}; compute it with read_only off")
    if isinstance(member, ArtifactRecord):
        return member.id
    if isinstance(member, str) and len(member) == ID_DIGITS and is_prefix(member):
        return ArtifactId(str(member))
    what = "an artifact, its id or the result of a decorated function"
    raise TypeError(f"expected {what}, got {safe_repr(member)}")


def labels_of(labels: Labels) -> Options:
    """Return labels as they are stored; raise ConfigError if they have no JSON form."""
    try:
        given = {"name": labels} if isinstance(labels, str) else dict(labels or {})
        if not all(isinstance(cast("object", key), str) for key in given):
            raise TypeError("keys must be strings")  # noqa: TRY301 - reported below
        known = parse_labels(labels_text(given))
        # The name has a column of its own, and no database accepts lone surrogates.
        str(known.get("name")).encode()
        return known  # noqa: TRY300 - what it is made of may raise
    except (TypeError, ValueError) as error:
        problem = f"{safe_repr(labels)} has no JSON form ({error})"
        raise ConfigError("labels", problem, "use values with a JSON form") from None


def _member_ids(members: Iterable[object]) -> frozenset[ArtifactId]:
    return frozenset(map(id_of, require_iterable(members, "ArtifactSet")))


def _id_of_members(made: ArtifactSet) -> SetId:
    return set_id(made.artifact_ids)


@exported
@frozen(eq=False, repr=False)
class ArtifactSet:
    """An immutable set of artifacts with labels: `ArtifactSet(artifacts_or_ids, "production")`.

    Its `id` depends on its members only, and so does equality. `created_at` is when it was last put
    in a repository (UTC), None before. Every method returns a new set, which `put` stores and which
    has only the `labels` that the method is given: a mapping with a JSON form, or a string, which
    stands for `{"name": …}`. Members are given as whole ids, artifacts or results.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> best = p.ArtifactSet([squares(2), squares(3)], "best").put()
        >>> len(best), best.labels
        (2, {'name': 'best'})
    """

    artifact_ids: frozenset[ArtifactId] = field(converter=_member_ids)
    labels: Options = field(default=None, converter=labels_of)
    created_at: datetime | None = None
    origin: Origin = field(factory=CurrentOrigin, repr=False)
    id: SetId = field(init=False, default=Factory(_id_of_members, takes_self=True))

    @classmethod
    def of(cls, members: Iterable[object], labels: Labels = None) -> ArtifactSet:
        """Return the set of *members* with *labels*, not stored yet.

        Raises:
            TypeError: for a member that is not an artifact, a proxy or a whole id.
            ConfigError: for labels without a JSON form.
        """
        return cls(members, labels)

    @property
    def name(self) -> str | None:
        """The label `name` if it is a string, else None."""
        name = self.labels.get("name")
        return name if isinstance(name, str) else None

    def add(self, *members: object, labels: Labels = None) -> ArtifactSet:
        """Return this set with *members*."""
        return self._with(self.artifact_ids | frozenset(map(id_of, members)), labels)

    def remove(self, *members: object, labels: Labels = None) -> ArtifactSet:
        """Return this set without *members*; raise `MemberNotFoundError` if one is not in it."""
        ids = frozenset(map(id_of, members))
        if not ids <= self.artifact_ids:
            raise MemberNotFoundError(min(ids - self.artifact_ids), self.id)
        return self._with(self.artifact_ids - ids, labels)

    def union(self, *others: ArtifactSet, labels: Labels = None) -> ArtifactSet:
        """Return the members of this set or any of *others*; also `this | other`."""
        return self._with(self.artifact_ids.union(*map(_artifact_ids, others)), labels)

    def intersection(self, *others: ArtifactSet, labels: Labels = None) -> ArtifactSet:
        """Return the members of this set and all *others*; also `this & other`."""
        return self._with(self.artifact_ids.intersection(*map(_artifact_ids, others)), labels)

    def difference(self, *others: ArtifactSet, labels: Labels = None) -> ArtifactSet:
        """Return the members of this set and none of *others*; also `this - other`."""
        return self._with(self.artifact_ids.difference(*map(_artifact_ids, others)), labels)

    def relabel(self, labels: Labels) -> ArtifactSet:
        """Return the same members with only *labels*; raise ConfigError without a JSON form."""
        return self._with(self.artifact_ids, labels)

    def rename(self, name: str) -> ArtifactSet:
        """Return the same members and labels, but with the label `name`."""
        return self._with(self.artifact_ids, {**self.labels, "name": name})

    def put(self, repo: SetTarget | None = None) -> ArtifactSet:
        """Store the set in *repo*, by default the current repository; return it as it is stored.

        Of all sets with its labels, it becomes the newest. Raises `StoreUnavailableError` and
        `StorePermissionError` as the store does.
        """
        source = cast("SetTarget", current_origin()) if repo is None else repo
        return source.put_set(self)

    @property
    def artifacts(self) -> tuple[Artifact[object], ...]:
        """The members in order of their ids; raises `ArtifactNotFoundError` for a deleted one."""
        origin = self.origin
        return tuple(Artifact.of(origin.load_record(member), origin) for member in self)

    def artifacts_named(self, name: str) -> tuple[Artifact[object], ...]:
        """Return the members whose artifacts have this *name*, oldest first."""
        artifacts = sorted(self.artifacts, key=_age)
        return tuple(artifact for artifact in artifacts if artifact.name == name)

    def proxy_dict(self, group_artifacts_of_same_name: bool = False) -> Mapping[str, object]:
        """Return unread proxies of the members by name.

        Several members with one name are a list, oldest first, if *group_artifacts_of_same_name*;
        else `DuplicateNameError` is raised.
        """
        by_name: dict[str, list[Artifact[object]]] = {}
        for artifact in sorted(self.artifacts, key=_age):
            by_name.setdefault(artifact.name, []).append(artifact)
        duplicates = [name for name, same in by_name.items() if len(same) > 1]
        if duplicates and not group_artifacts_of_same_name:
            raise DuplicateNameError(duplicates)
        proxies = {name: [artifact.proxy() for artifact in same] for name, same in by_name.items()}
        return {name: same[0] if len(same) == 1 else same for name, same in sorted(proxies.items())}

    def __repr__(self) -> str:
        labels = f", labels {safe_repr(dict(self.labels))}" if self.labels else ""
        at = "not stored" if self.created_at is None else f"{self.created_at:%Y-%m-%d %H:%M}"
        facts = escape_invisible(f"{len(self)} artifacts{labels}, {at}")
        return f"<provenance.ArtifactSet({self.id}) {facts}>"

    def _repr_html_(self) -> str:
        """Return labels and the first members as a table for a notebook; nothing is looked up."""
        labels = [(name, safe_repr(value)) for name, value in sorted(self.labels.items())]
        shown = [*self][:_SHOWN]
        more = f", … and {len(self) - _SHOWN:,} more" if len(self) > _SHOWN else ""
        members = ("artifacts", f"{len(self):,}: {', '.join(one[:SHORT] for one in shown)}{more}")
        return html_facts(f"Set {self.id}", [*labels, members])

    def __contains__(self, member: object) -> bool:
        return id_of(member) in self.artifact_ids

    def __iter__(self) -> Iterator[ArtifactId]:
        return iter(sorted(self.artifact_ids))

    def __len__(self) -> int:
        return len(self.artifact_ids)

    def __or__(self, other: ArtifactSet) -> ArtifactSet:
        return _combine(ArtifactSet.union, self, other)

    def __and__(self, other: ArtifactSet) -> ArtifactSet:
        return _combine(ArtifactSet.intersection, self, other)

    def __sub__(self, other: ArtifactSet) -> ArtifactSet:
        return _combine(ArtifactSet.difference, self, other)

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, ArtifactSet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def value_repr(self) -> object:
        """Return the id, which represents the members in hashes."""
        return self.id

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        """Leave the repository out: a copy's members are in the current one."""
        return ArtifactSet, (self.artifact_ids, self.labels, self.created_at)

    def __copy__(self) -> ArtifactSet:
        return self

    def __deepcopy__(self, _: dict[int, object]) -> ArtifactSet:
        return self

    def _with(self, ids: frozenset[ArtifactId], labels: Labels) -> ArtifactSet:
        return evolve(self, artifact_ids=ids, labels=labels, created_at=None)


def _combine(operation: Callable[..., ArtifactSet], one: ArtifactSet, other: object) -> ArtifactSet:
    return operation(one, other) if isinstance(other, ArtifactSet) else cast("Any", NotImplemented)


def _age(artifact: Artifact[object]) -> tuple[datetime, ArtifactId]:
    return artifact.computed_at, artifact.id
