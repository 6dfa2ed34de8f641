"""The data model: frozen records of artifacts, runs and calls.

`ArtifactRecord` is what a repository stores. An `Artifact` is a record that can also load the
value, the inputs and the run, from the origin that it came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    NoReturn,
    Protocol,
    TypeAlias,
    TypeVar,
    cast,
    overload,
)

from attrs import field, fields, frozen

from provenance.escaping import escape_invisible, html_facts
from provenance.model.ids import ArtifactId, BlobId, DerivationId, RunId, SetId, ValueId
from provenance.util.formatting import SHORT, duration, safe_repr, size
from provenance.util.naming import exported

if TYPE_CHECKING:
    from provenance.repository.handles import Repository

T_co = TypeVar("T_co", covariant=True)

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""Values of JSON."""


@exported
class FrozenDict(dict[str, Any]):
    """A dictionary that refuses to be changed. It is one so that `json.dumps` takes it as it is."""

    __slots__ = ()

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("it belongs to a record, which never changes; change a copy: dict(…)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    if not TYPE_CHECKING:  # the checkers compare the signatures of methods that nobody may call
        clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]  # it never changes
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (dict(self),)


Options: TypeAlias = FrozenDict
"""Named options: a frozen mapping."""

NO_OPTIONS: Options = FrozenDict()
DerivedInput: TypeAlias = "tuple[ArtifactId, DerivationId]"
"""An input, and the derivation by which it was used, if that is not the recorded one."""
NO_EDGES: frozenset[DerivedInput] = frozenset()
RECORDED = DerivationId("")
"""In place of the id of a derivation: the inputs are the recorded ones."""


def freeze_options(given: Mapping[str, object] | None) -> Options:
    """Return *given* as a frozen mapping; None is the empty one."""
    return FrozenDict(given) if given else NO_OPTIONS


@exported
@frozen
class Blob:
    """The key of stored bytes: their digest and size in bytes.

    Example:
        >>> import provenance as p
        >>> p.MemoryStore("values").put(b"bytes").size
        5
    """

    id: BlobId
    size: int


@frozen
class StoredBlob:
    """A blob that is stored."""

    blob: Blob


@frozen
class InlineBlob:
    """A small blob that is stored in the same transaction as the record that refers to it."""

    blob: Blob
    data: bytes = field(repr=False)


WriteResult: TypeAlias = StoredBlob | InlineBlob
"""Result of writing a blob."""


@exported
@frozen(eq=False)
class Inputs(Mapping[str, object]):
    """The bound arguments of a call, also a mapping `{'kargs': …, 'varargs': …}`.

    `kargs` holds arguments and defaults by parameter, `varargs` those of `*args`, and `captured`
    the captured variables by name, which are not in the mapping.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> inputs = squares.artifact(3).inputs
        >>> inputs["kargs"], inputs["varargs"]
        ({'n': 3}, ())
    """

    kargs: Mapping[str, object]
    varargs: tuple[object, ...] = ()
    captured: Mapping[str, object] = NO_OPTIONS

    @overload
    def __getitem__(self, key: Literal["kargs"]) -> dict[str, object]: ...
    @overload
    def __getitem__(self, key: Literal["varargs"]) -> tuple[object, ...]: ...
    @overload
    def __getitem__(self, key: str) -> object: ...
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
        return safe_repr(dict(self))


@exported
@frozen(repr=False)
class Run(FrozenDict):
    """The process that computed artifacts; also a dictionary of its facts, as JSON has them.

    What the user's hook added is at the top of the dictionary: `run["git_ref"]`, beside
    `run["host"]["nodename"]`. Times are ISO 8601 text there.

    Attributes:
        id: id of the run.
        created_at: when its facts were collected, in UTC.
        host: facts of the operating system about the machine.
        process: facts of the operating system about the process.
        python: version, implementation and executable.
        git: commit, branch and dirty flag; None outside a checkout.
        packages: versions of the installed distributions.
        extra: what the user's hook added.
        parent_id: id of the run that started this one; None if no run did.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> run = squares.artifact(3).run_info
        >>> run.python["implementation"]
        'CPython'
    """

    id: RunId
    created_at: datetime
    host: Mapping[str, Json]
    process: Mapping[str, Json]
    python: Mapping[str, Json]
    git: Mapping[str, Json] | None
    packages: Mapping[str, Json]
    extra: Mapping[str, Json] = NO_OPTIONS
    parent_id: RunId | None = None

    def __attrs_post_init__(self) -> None:
        facts = {field.name: getattr(self, field.name) for field in fields(Run)}
        extra = facts.pop("extra")
        dict[str, Any].update(self, {**extra, **facts, "created_at": self.created_at.isoformat()})

    def __reduce__(self) -> tuple[object, ...]:
        return Run, tuple(getattr(self, field.name) for field in fields(Run))

    def __repr__(self) -> str:
        git = self.git or {}
        facts = [
            f"{self.created_at:%Y-%m-%d %H:%M}",
            f"host {self.host.get('nodename')}",
            f"Python {self.python.get('version')}",
            f"{len(self.packages)} packages",
        ]
        if git:
            facts.append(f"git {str(git.get('commit'))[:SHORT]}{'+' if git.get('dirty') else ''}")
        return f"<provenance.Run({self.id}) {escape_invisible(', '.join(facts))}>"

    def _repr_html_(self) -> str:
        """Return the facts as a table for a notebook."""
        git = self.git or {}
        facts = (
            ("began", f"{self.created_at:%Y-%m-%d %H:%M:%S} UTC"),
            ("host", self.host.get("nodename")),
            ("python", self.python.get("version")),
            ("packages", len(self.packages)),
            ("git commit", git.get("commit")),
            ("git branch", git.get("branch")),
            ("uncommitted changes", "yes" if git.get("dirty") else ""),
        )
        return html_facts(f"Run {self.id}", facts)


@exported
@frozen
class Derivation:
    """Inputs by which a call obtained an artifact, if they are not the recorded ones but have equal values.

    Attributes:
        artifact_id: id of the artifact.
        id: id of the derivation, derived from its inputs.
        input_artifact_ids: artifacts among the inputs of the call, at any depth.
        input_derivations: those inputs that were themselves used by another derivation.
        run_id: id of the run that called.
        derived_at: when, in UTC.
        signature: set by a store that signs records.
    """

    artifact_id: ArtifactId
    id: DerivationId
    input_artifact_ids: frozenset[ArtifactId]
    run_id: RunId
    derived_at: datetime
    input_derivations: frozenset[DerivedInput] = NO_EDGES
    signature: str = field(default="", eq=False, kw_only=True)

    @property
    def edges(self) -> frozenset[DerivedInput]:
        """The inputs with their derivations."""
        return _edges(self)


@exported
@frozen(weakref_slot=False)
class ArtifactRecord:
    """The record of an artifact: everything but its value. `Artifact` says what its attributes are.

    `interface` names the optional special methods that a proxy of the value must have. `derivation`
    is set in what a call returns, if it used other inputs with equal values; it is not part of the
    record. `signature` is set by a store that signs records, and is ignored in comparisons.
    """

    id: ArtifactId
    value_id: ValueId
    name: str
    version: int
    fn_module: str
    fn_name: str
    fn_qualname: str
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
    input_hashes: str
    input_derivations: frozenset[DerivedInput]
    signature: str = field(default="", eq=False, kw_only=True)
    derivation: Derivation | None = field(default=None, eq=False, repr=False, kw_only=True)

    @property
    def derivation_id(self) -> DerivationId:
        """Id of the derivation by which a call got the artifact; empty if it is the recorded one."""
        return RECORDED if self.derivation is None else self.derivation.id

    @property
    def edges(self) -> frozenset[DerivedInput]:
        """The artifacts among the inputs with their derivations."""
        return _edges(self)

    @property
    def source_ids(self) -> frozenset[ArtifactId]:
        """The artifacts that this one needs, among its inputs and in its value."""
        return self.input_artifact_ids | self.value_artifact_ids

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """All blobs that the record refers to."""
        inputs = () if self.inputs_blob is None else (self.inputs_blob,)
        return (self.value_blob, *inputs)

    @property
    def content_digest(self) -> BlobId:
        """Digest of the stored value's bytes."""
        return self.value_blob.id

    @property
    def blob_id(self) -> BlobId:
        """Digest of the stored value's bytes, the name of its file in a blob store."""
        return self.value_blob.id

    @property
    def size_bytes(self) -> int:
        """Size of the stored value, in bytes."""
        return self.value_blob.size


def _edges(user: ArtifactRecord | Derivation) -> frozenset[DerivedInput]:
    named = {artifact_id for artifact_id, _ in user.input_derivations}
    plain = ((artifact_id, RECORDED) for artifact_id in user.input_artifact_ids - named)
    return user.input_derivations | frozenset(plain)


@frozen
class SetRecord:
    """The record of a set of artifacts; records of the same members share the `id`.

    `created_at` is when it was last stored with these labels, in UTC.
    """

    id: SetId
    artifact_ids: frozenset[ArtifactId]
    labels: Options
    created_at: datetime

    @property
    def name(self) -> str | None:
        """The label `name` if it is a string, else None."""
        name = self.labels.get("name")
        return name if isinstance(name, str) else None


class Origin(Protocol):
    """The source of an artifact, which loads its parts."""

    def load_value(self, record: ArtifactRecord, /) -> object:
        """Read and decode the value; raise `BlobNotFoundError` or `CorruptBlobError`."""
        ...

    def load_inputs(self, record: ArtifactRecord, /) -> Inputs:
        """Read the inputs, in which artifacts appear as unread proxies."""
        ...

    def load_run(self, record: ArtifactRecord, /) -> Run:
        """Look up the run."""
        ...

    def load_record(self, artifact_id: ArtifactId, /) -> ArtifactRecord:
        """Look up a record by its whole id; raise `ArtifactNotFoundError`."""
        ...

    def proxy_of(self, record: ArtifactRecord, /) -> object:
        """Return a proxy of the value, which is read on first use."""
        ...


@exported
@frozen(eq=False, repr=False)
class Artifact(ArtifactRecord, Generic[T_co]):
    """A computed value and its record.

    `value`, `inputs` and `run_info` are loaded when they are used. Two artifacts are equal if their
    ids are.

    Attributes:
        id: Id of the artifact, 40 hexadecimal digits, derived from the call.
        value_id: Hash of the value, as `hash` gives it.
        name, version: Those of the function.
        fn_module, fn_name, fn_qualname: Where the function was defined.
        composite: Whether each value of the mapping is an artifact of its own.
        serializer, load_kwargs, dump_kwargs: How the value is stored.
        input_artifact_ids: Artifacts among the inputs, at any depth.
        input_derivations: Those inputs that were used by another derivation than the recorded one.
        input_hashes: The hashes that the id was derived from, as JSON text.
        value_artifact_ids: Artifacts that the value refers to, at any depth.
        value_type: The value's type, as `module:qualname`.
        value_blob, inputs_blob: Keys of the bytes; `inputs_blob` is None if JSON has all of the inputs.
        custom_fields, tags: As they were given to the decorator.
        computed_at, added_at: When the function ended, and when the result was stored here, in UTC.
        compute_duration: Seconds that the function took.
        hash_duration, value_id_duration: Seconds that hashing took, of the inputs and of the value.
        run_id: Id of the run that computed the value.
        code: Digest of the function's code receipt, which is never part of an id.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> artifact = squares.artifact(3)
        >>> artifact.value, artifact.version, artifact.inputs["kargs"]
        ([0, 1, 4], 0, {'n': 3})
    """

    origin: Origin

    @classmethod
    def of(cls, record: ArtifactRecord, origin: Origin) -> Artifact[object]:
        """Return the artifact of *record*, whose parts are loaded from *origin*."""
        values: dict[str, Any] = {name: getattr(record, name) for name in _RECORD_FIELDS}
        return Artifact(**values, origin=origin)

    @property
    def value(self) -> T_co:
        """The value itself, read each time, so that callers can change it."""
        return cast("T_co", self.origin.load_value(self))

    @property
    def inputs(self) -> Inputs:
        """The arguments of the call; artifacts among them are unread proxies."""
        return self.origin.load_inputs(self)

    @property
    def run_info(self) -> Run:
        """The process that computed the value."""
        return self.origin.load_run(self)

    @property
    def repo(self) -> Repository:
        """The repository that the artifact came from; TypeError for one that is in none."""
        found = cast("Any", self.origin).repository
        if found is None:
            raise TypeError(f"artifact {self.id} was computed read-only and is in no repository")
        return cast("Repository", found)

    def proxy(self) -> T_co:
        """Return a transparent proxy of the value, which is read on first use."""
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
        kind = self.value_type.rpartition(":")[2].rpartition(".")[2]
        facts = (
            f"{self.name!r}, version {self.version}",
            f"{kind}, {size(self.size_bytes)}",
            f"took {duration(self.compute_duration)}",
            f"{self.computed_at:%Y-%m-%d %H:%M}",
        )
        return f"<provenance.Artifact({self.id}) {escape_invisible(', '.join(facts))}>"

    def _repr_html_(self) -> str:
        """Return the record as a table for a notebook; no value is read."""
        inputs = f"{len(self.input_artifact_ids)} artifacts" if self.input_artifact_ids else ""
        facts = (
            ("function", f"{self.name}, version {self.version}"),
            ("value", f"{self.value_type}, {size(self.size_bytes)}, written as {self.serializer}"),
            ("took", duration(self.compute_duration)),
            ("computed", f"{self.computed_at:%Y-%m-%d %H:%M:%S} UTC"),
            ("inputs", inputs),
            ("tags", ", ".join(self.tags)),
            ("run", self.run_id),
        )
        return html_facts(f"Artifact {self.id}", facts)


_RECORD_FIELDS = tuple(attribute.name for attribute in fields(ArtifactRecord))
