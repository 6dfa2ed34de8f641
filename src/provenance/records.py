"""What is known of artifacts, runs and calls: frozen records without behaviour of their own.

`ArtifactRecord` is what a repository keeps. `Artifact` is the same seen by a user: it can also reach the value, the
inputs and the run, which it loads on first use from the origin that it came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, cast

from attrs import field, fields, frozen
from pyrsistent import PMap, pmap

from provenance.ids import ArtifactId, BlobId, RunId, SetId, ValueId
from provenance.showing import shown

T_co = TypeVar("T_co", covariant=True)

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What JSON can say."""
Options: TypeAlias = "PMap[str, object]"
"""Named options: a frozen mapping."""

NO_OPTIONS: Options = pmap()


@frozen
class Permissions:
    """What a store may be asked; `read_through_write` says whether it takes copies of what a later tier held."""

    read: bool = True
    write: bool = True
    delete: bool = True
    read_through_write: bool = True


def options(given: Mapping[str, object] | None) -> Options:
    """*given* as a frozen mapping; nothing given is the empty one."""
    return pmap(given) if given else NO_OPTIONS


@frozen
class Blob:
    """Names stored bytes: their digest, and how many there are."""

    id: BlobId
    size: int


@frozen
class Stored:
    """The bytes of *blob* are safe in a store."""

    blob: Blob


@frozen
class Held:
    """The bytes of *blob* are small: they will be stored in the same transaction as the record that names them."""

    blob: Blob
    data: bytes = field(repr=False)


Written: TypeAlias = Stored | Held
"""What became of bytes that were to be written."""


@frozen(eq=False)
class Inputs(Mapping[str, object]):
    """Bound arguments of a call; reads as the mapping `{'kargs': …, 'varargs': …}`.

    `kargs` holds them by parameter name after defaults, `varargs` those of `*args`, and `captured` what a closure
    brought with it (by variable name), which the mapping leaves out.
    """

    kargs: Mapping[str, object]
    varargs: tuple[object, ...] = ()
    captured: Mapping[str, object] = NO_OPTIONS

    def __getitem__(self, key: str) -> object:
        if key == "kargs":
            return dict(self.kargs)
        if key == "varargs":
            return self.varargs
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(("kargs", "varargs"))

    def __len__(self) -> int:
        return 2

    def __repr__(self) -> str:
        return shown(dict(self))


@frozen
class Run:
    """The process that computed artifacts: where, with what, from which code.

    `host` and `process` as the operating system tells them, `python` (version, implementation, executable), `git`
    (commit, branch, dirty; None outside a checkout), `packages` (installed distributions and their versions), `extra`
    (what the user's hook added). `created_at` is UTC.
    """

    id: RunId
    created_at: datetime
    host: Mapping[str, Json]
    process: Mapping[str, Json]
    python: Mapping[str, Json]
    git: Mapping[str, Json] | None
    packages: Mapping[str, Json]
    extra: Mapping[str, Json] = NO_OPTIONS  # type: ignore[assignment]  # an empty PMap[str, object] holds no object


@frozen
class ArtifactRecord:
    """All that is kept of one artifact, apart from its value.

    Durations are in seconds, sizes in bytes, times in UTC. `value_type` is the value's type as `module:qualname`, and
    `interface` names the special methods, of those that not every type has, that a stand-in for the value must offer.
    `inputs_blob` is None where the inputs' JSON says all there is to know of them. `value_artifact_ids` are the artifacts that
    the value refers to, at any depth. `code` is a digest of the function's
    code when the value was computed: it is never part of an id. `signature` is what a store that signs adds when the
    record is put; it is empty elsewhere, and does not count when records are compared.
    """

    id: ArtifactId
    value_id: ValueId
    name: str
    version: int
    fn_module: str
    fn_name: str
    composite: bool
    serializer: str
    load_kwargs: Options
    dump_kwargs: Options
    input_artifact_ids: frozenset[ArtifactId]
    custom_fields: Options
    tags: tuple[str, ...]
    computed_at: datetime
    added_at: datetime
    compute_duration: float
    hash_duration: float
    value_id_duration: float
    run_id: RunId
    value_blob: Blob
    inputs_blob: Blob | None
    value_type: str
    interface: tuple[str, ...]
    code: str
    value_artifact_ids: frozenset[ArtifactId]
    signature: str = field(default="", eq=False, kw_only=True)

    @property
    def source_ids(self) -> frozenset[ArtifactId]:
        """The artifacts without which this one is not whole: those among its inputs, and those that its value holds."""
        return self.input_artifact_ids | self.value_artifact_ids

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """All stored bytes that the record names."""
        return (self.value_blob,) if self.inputs_blob is None else (self.value_blob, self.inputs_blob)

    @property
    def content_digest(self) -> BlobId:
        """Digest of the stored value's bytes."""
        return self.value_blob.id

    @property
    def size_bytes(self) -> int:
        """How many bytes the stored value takes."""
        return self.value_blob.size


@frozen
class SetRecord:
    """All that is kept of one set of artifacts; `id` tells its members, and several records may share it.

    `created_at` is when it was put last with these labels, in UTC.
    """

    id: SetId
    artifact_ids: frozenset[ArtifactId]
    labels: Options
    created_at: datetime

    @property
    def name(self) -> str | None:
        """The label `name`, if there is one that is a string."""
        name = self.labels.get("name")
        return name if isinstance(name, str) else None


class Origin(Protocol):
    """Where an artifact came from, and so where its parts are to be found."""

    def load_value(self, record: ArtifactRecord, /) -> object:
        """Read and decode the value; raises `BlobNotFoundError` or `CorruptBlobError`."""
        ...

    def load_inputs(self, record: ArtifactRecord, /) -> Inputs:
        """Read the inputs, in which artifacts appear as unread proxies."""
        ...

    def load_run(self, record: ArtifactRecord, /) -> Run:
        """Look up the run."""
        ...

    def load_record(self, artifact_id: ArtifactId, /) -> ArtifactRecord:
        """Look up a record by its whole id; raises `ArtifactNotFoundError`."""
        ...

    def proxy_of(self, record: ArtifactRecord, /) -> object:
        """Stand-in for the value, which is read when it is first used."""
        ...


@frozen(eq=False, repr=False)
class Artifact(ArtifactRecord, Generic[T_co]):
    """A computed value with all that is known of it; `value`, `inputs` and `run_info` load on first use.

    Two artifacts are equal when their ids are.
    """

    origin: Origin

    @classmethod
    def of(cls, record: ArtifactRecord, origin: Origin) -> Artifact[object]:
        """*record* as a user sees it, its parts to be loaded from *origin*."""
        known: dict[str, Any] = {name: getattr(record, name) for name in _RECORD_FIELDS}
        return Artifact(**known, origin=origin)

    @property
    def value(self) -> T_co:
        """The value itself, read anew, so that whoever changes it changes only his own."""
        return cast("T_co", self.origin.load_value(self))

    @property
    def inputs(self) -> Inputs:
        """The arguments of the call; artifacts among them are unread proxies."""
        return self.origin.load_inputs(self)

    @property
    def run_info(self) -> Run:
        """The process that computed the value."""
        return self.origin.load_run(self)

    def proxy(self) -> T_co:
        """Transparent stand-in for the value, which is read when it is first used."""
        return cast("T_co", self.origin.proxy_of(self))

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, Artifact) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __copy__(self) -> Artifact[T_co]:
        return self

    def __deepcopy__(self, _: dict[int, object]) -> Artifact[T_co]:
        return self

    def __repr__(self) -> str:
        return f"<provenance.Artifact({self.id})>"


_RECORD_FIELDS = tuple(each.name for each in fields(ArtifactRecord))
