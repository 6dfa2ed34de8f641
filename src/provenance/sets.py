"""Sets of artifacts: what belongs together, under labels that say what for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeAlias, cast

from attrs import evolve, field, frozen

from provenance.checks import several
from provenance.errors import ConfigError, DuplicateNameError, MemberNotFoundError
from provenance.identity import set_id
from provenance.ids import ID_DIGITS, ArtifactId, SetId, is_prefix
from provenance.proxy import CurrentOrigin, ambient, is_proxy
from provenance.records import NO_OPTIONS, Artifact, ArtifactRecord, Options, Origin
from provenance.shorthand import sighted
from provenance.showing import shown
from provenance.wire import labels_from, labels_text

Labels: TypeAlias = Mapping[str, object] | str | None
"""What a set is for, as JSON says it; a string is short for `{'name': string}`, None for no labels."""


class SetKeeper(Protocol):
    """Where sets are kept: a repository."""

    def put_set(self, artifact_set: ArtifactSet, /) -> ArtifactSet:
        """Store a set; answers it as it is now stored."""
        ...


@frozen(eq=False)
class ArtifactSet:
    """A set of artifacts, without order and without doubles, and the labels that it carries.

    Its `id` tells its members: sets of equal members are equal, whatever their labels. `created_at` is when it was put in a
    repository last (UTC), None before. Every method returns a new set, which is stored by `put` and has only the labels
    that it is given. Members are given as ids, artifacts or proxies.
    """

    id: SetId
    artifact_ids: frozenset[ArtifactId]
    labels: Options = NO_OPTIONS
    created_at: datetime | None = None
    origin: Origin = field(factory=CurrentOrigin, repr=False)

    @classmethod
    def of(cls, members: Iterable[object], labels: Labels = None) -> ArtifactSet:
        """The set of these members, which is stored nowhere yet.

        Raises:
            TypeError: for a member that is no artifact, proxy or whole id.
            ConfigError: for labels that have no JSON form.
        """
        ids = frozenset(map(id_of, several(members, "ArtifactSet.of")))
        return cls(set_id(ids), ids, labels_of(labels))

    @property
    def name(self) -> str | None:
        """The label `name`, if there is one that is a string."""
        name = self.labels.get("name")
        return name if isinstance(name, str) else None

    def add(self, *members: object, labels: Labels = None) -> ArtifactSet:
        """This set with *members*."""
        return self._with(self.artifact_ids | frozenset(map(id_of, members)), labels)

    def remove(self, *members: object, labels: Labels = None) -> ArtifactSet:
        """This set without *members*; `MemberNotFoundError`, a KeyError, for one that is not in it."""
        ids = frozenset(map(id_of, members))
        if not ids <= self.artifact_ids:
            raise MemberNotFoundError(min(ids - self.artifact_ids), self.id)
        return self._with(self.artifact_ids - ids, labels)

    def union(self, *others: ArtifactSet, labels: Labels = None) -> ArtifactSet:
        """What is in this set or in one of *others*; also `this | other`."""
        return self._with(self.artifact_ids.union(*(each.artifact_ids for each in others)), labels)

    def intersection(self, *others: ArtifactSet, labels: Labels = None) -> ArtifactSet:
        """What is in this set and in all *others*; also `this & other`."""
        return self._with(
            self.artifact_ids.intersection(*(each.artifact_ids for each in others)), labels
        )

    def difference(self, *others: ArtifactSet, labels: Labels = None) -> ArtifactSet:
        """What is in this set and in none of *others*; also `this - other`."""
        return self._with(
            self.artifact_ids.difference(*(each.artifact_ids for each in others)), labels
        )

    def relabel(self, labels: Labels) -> ArtifactSet:
        """The same members with *labels* alone; ConfigError for labels that have no JSON form."""
        return self._with(self.artifact_ids, labels)

    def rename(self, name: str) -> ArtifactSet:
        """The same members and labels, but with this name."""
        return self._with(self.artifact_ids, {**self.labels, "name": name})

    def put(self, repo: SetKeeper | None = None) -> ArtifactSet:
        """Store the set in *repo*, by default the current repository; answers it as it is stored.

        With the labels that a stored set has, it becomes the newest of them. Raises `StoreUnavailableError` and
        `StorePermissionError` as the store does.
        """
        keeper = cast("SetKeeper", ambient()) if repo is None else repo
        return keeper.put_set(self)

    @property
    def artifacts(self) -> tuple[Artifact[object], ...]:
        """The members in the order of their ids; raises `ArtifactNotFoundError` for one that is gone."""
        return tuple(
            Artifact.of(self.origin.load_record(each), self.origin)
            for each in sorted(self.artifact_ids)
        )

    def artifacts_named(self, name: str) -> tuple[Artifact[object], ...]:
        """The members of this name, the oldest first."""
        named = [each for each in self.artifacts if each.name == name]
        return tuple(sorted(named, key=lambda artifact: (artifact.computed_at, artifact.id)))

    def proxy_dict(self, group_artifacts_of_same_name: bool = False) -> Mapping[str, object]:
        """The members as proxies by name, their values unread.

        Several of one name are a list, the oldest first, if *group_artifacts_of_same_name*; else `DuplicateNameError`.
        """
        return proxies_by_name(self.artifacts, group=group_artifacts_of_same_name)

    def __contains__(self, member: object) -> bool:
        return id_of(member) in self.artifact_ids

    def __iter__(self) -> Iterator[ArtifactId]:
        return iter(sorted(self.artifact_ids))

    def __len__(self) -> int:
        return len(self.artifact_ids)

    def __or__(self, other: ArtifactSet) -> ArtifactSet:
        return _combined(ArtifactSet.union, self, other)

    def __and__(self, other: ArtifactSet) -> ArtifactSet:
        return _combined(ArtifactSet.intersection, self, other)

    def __sub__(self, other: ArtifactSet) -> ArtifactSet:
        return _combined(ArtifactSet.difference, self, other)

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, ArtifactSet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def value_repr(self) -> object:
        """The id, by which it is hashed: it tells the members."""
        return self.id

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        """Without the repository that it came from: a copy's members are in the current one."""
        return ArtifactSet, (self.id, self.artifact_ids, self.labels, self.created_at)

    def __copy__(self) -> ArtifactSet:
        return self

    def __deepcopy__(self, _: dict[int, object]) -> ArtifactSet:
        return self

    def _with(self, ids: frozenset[ArtifactId], labels: Labels) -> ArtifactSet:
        return evolve(
            self, id=set_id(ids), artifact_ids=ids, labels=labels_of(labels), created_at=None
        )


def _combined(
    operation: Callable[..., ArtifactSet], one: ArtifactSet, other: object
) -> ArtifactSet:
    return operation(one, other) if isinstance(other, ArtifactSet) else cast("Any", NotImplemented)


def proxies_by_name(artifacts: Iterable[Artifact[object]], *, group: bool) -> dict[str, object]:
    """Proxies of *artifacts* by name; see `ArtifactSet.proxy_dict`."""
    by_name: dict[str, list[Artifact[object]]] = {}
    for each in sorted(artifacts, key=lambda artifact: (artifact.computed_at, artifact.id)):
        by_name.setdefault(each.name, []).append(each)
    doubles = [name for name, same in by_name.items() if len(same) > 1]
    if doubles and not group:
        raise DuplicateNameError(doubles)
    return {
        name: same[0].proxy() if len(same) == 1 else [each.proxy() for each in same]
        for name, same in sorted(by_name.items())
    }


def id_of(member: object) -> ArtifactId:
    """The id of an artifact or proxy, or a whole id as it is; TypeError for anything else."""
    sighting = sighted(member)
    if sighting is not None:
        return sighting.artifact_id
    if is_proxy(member):
        raise TypeError(
            f"{shown(member)} was computed read-only and is in no store: compute it with read_only off"
        )
    if isinstance(member, ArtifactRecord):
        return member.id
    if isinstance(member, str) and len(member) == ID_DIGITS and is_prefix(member):
        return ArtifactId(str(member))
    raise TypeError(
        f"{shown(member)} is no artifact: give an id, an artifact, or the result of a decorated function"
    )


def labels_of(labels: Labels) -> Options:
    """Labels as they are stored; ConfigError where they have no JSON form."""
    try:
        given = {"name": labels} if isinstance(labels, str) else dict(labels or {})
        if not all(isinstance(cast("object", key), str) for key in given):
            raise TypeError("its keys are not all strings")  # noqa: TRY301 - told as what JSON cannot say
        known = labels_from(labels_text(given))
        str(
            known.get("name")
        ).encode()  # it has a column of its own, and no database takes lone surrogates
        return known  # noqa: TRY300 - its parts may raise
    except (TypeError, ValueError) as error:
        raise ConfigError(
            "labels", f"{shown(labels)} has no JSON form ({error})", "use what JSON can say"
        ) from None
