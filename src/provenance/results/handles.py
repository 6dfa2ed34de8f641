"""Proxies: how they are made, recognized, opened and taken apart.

The transparent class itself is in `results.transparent`, which is imported when the first proxy is made.
"""

from __future__ import annotations

import copy
import copyreg
import pickle
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, cast

from attrs import evolve, frozen

from provenance.errors import (
    ArtifactNotFoundError,
    BlobNotFoundError,
    CorruptBlobError,
    RunNotFoundError,
)
from provenance.hashing import Child, Walk, hash_value, register_item
from provenance.hashing.encoding import Item, root_digest
from provenance.hashing.walk import UnhashablePart
from provenance.model.ids import ArtifactId, ValueId, is_prefix
from provenance.model.records import Artifact, ArtifactRecord, Derivation, Inputs, Origin, Run
from provenance.model.references import UNREAD, ArtifactRef, InputRef, Known, is_proxy, unwrap
from provenance.model.tracked import proxy_of_tracked, track
from provenance.results.kinds import (
    DEFAULT_OPTIONS,
    LAZY,
    SINGLETON,
    VALUE,
    ResultOptions,
    is_singleton,
)
from provenance.results.origin import (
    CurrentOrigin,
    current_origin,
    home_of,
    keeps_unread,
    resolving_origin,
)
from provenance.util.formatting import safe_repr
from provenance.util.naming import exported

T = TypeVar("T")


def make_proxy(
    known: Known,
    origin: Origin,
    value: object = UNREAD,
    *,
    load: Callable[[], object] | None = None,
    tracked: bool = True,
    options: ResultOptions = DEFAULT_OPTIONS,
) -> object:
    """Return the result that stands for the value of *known*, in the form that its record notes and *options* choose.

    Builtin values and singletons are read now, by *load* or else from *origin*; others on first use. A result that is not
    *tracked* is in no store, and is recorded as a plain value when it is an input.
    """
    interface = known.interface
    form = interface[0] if interface and not options.lazy else ""
    if form == SINGLETON and options.singletons == "values":
        return _read(known, origin, load) if value is UNREAD else value
    if form == VALUE:
        if value is not UNREAD:
            return carry(known, origin, value, tracked=tracked)
        record = resolve(known, origin)
        if record.value_blob.size <= options.eager_limit:
            value = _read(record, origin, load)
            return carry(record, origin, value, tracked=tracked)
    if options.results == "values" and not options.lazy:
        value = _read(known, origin, load) if value is UNREAD else value
        represent = partial(_stand_in(), known, origin, load=None, tracked=tracked)
        if track(value, represent):
            return value
    return _stand_in()(known, origin, value, load, tracked=tracked)


def _read(known: Known, origin: Origin, load: Callable[[], object] | None) -> object:
    return load_value(known, origin) if load is None else load()


def load_value(known: Known, origin: Origin) -> object:
    """Return the value of an artifact; its parts, if it is a composite, have the same derivation."""
    record = resolve(known, origin)
    value = origin.load_value(record)
    derived: Callable[[object, Derivation], object] | None = getattr(
        type(value), "__provenance_derived__", None
    )
    return (
        value if derived is None or record.derivation is None else derived(value, record.derivation)
    )


@cache
def _stand_in() -> Callable[..., object]:
    """Return the class's maker, imported when the first proxy is made: wrapt takes long to import."""
    from provenance.results.transparent import stand_in

    return stand_in


def carry(
    known: Known, origin: Origin, value: object, *, tracked: bool, plain_repr: bool = False
) -> object:
    """Return *value* as an instance of its type that carries its artifact; see `results.carriers`."""
    return _carry()(known, origin, value, tracked=tracked, plain_repr=plain_repr)


@cache
def _carry() -> Callable[..., object]:
    """Return the maker of carriers, imported when the first is made."""
    from provenance.results import carriers

    return carriers.carry


if TYPE_CHECKING:

    class _Declared:
        """What each class of results has. Only for type checkers: a proxy would show these annotations as its value's."""

        __wrapped__: Any
        __provenance_reference__: Callable[[], Known]
        __provenance_origin__: Callable[[], Origin]
        __provenance_is_tracked__: Callable[[], bool]
        __provenance_is_node__: Callable[[], bool]
        __provenance_known__: Callable[[], ValueId | None]
        __provenance_copy__: Callable[[Callable[[Any], object]], object]
        value_repr: Callable[[], object]

else:
    _Declared = object


class Result(_Declared):
    """What proxies and carriers have in common.

    Each says what is known of its artifact, where the rest is, whether the artifact is in a store, and whether the value
    has a digest of its own in the value's hash (`__provenance_is_node__`).
    """

    __slots__ = ()

    @property
    def artifact(self) -> Artifact[object]:
        """The artifact, which says who made the value, from what, when and where."""
        return Artifact.of(self.__provenance_record__(), self.__provenance_origin__())

    def __dask_tokenize__(self) -> tuple[str, str, str]:
        """Return what stands for the result in keys of Dask: its artifact, and the value that it has now, unread if it is so."""
        value_id = self.__provenance_known__() or hash_value(self.__wrapped__)
        return "provenance.result", self.__provenance_reference__().id, value_id

    def __provenance_sighting__(self) -> InputRef | None:
        """Return this artifact as an input; None if it is in no store."""
        known = self.__provenance_reference__()
        if not self.__provenance_is_tracked__():
            return None
        return InputRef(known.id, known.value_id, known.value_id, known.derivation_id)

    def __provenance_record__(self) -> ArtifactRecord:
        """Return the artifact's record, looked up if the result came out of a pickle."""
        return resolve(self.__provenance_reference__(), self.__provenance_origin__())

    def __provenance_item__(self, walk: Walk) -> Item:
        """Return the item of the value, and note the artifact. An unread value is not read for this, unless it is a scalar."""
        known, tracked = self.__provenance_reference__(), self.__provenance_is_tracked__()
        current = self.__provenance_known__() if self.__provenance_is_node__() else None
        item: Item
        if current is not None:
            item = Child(bytes.fromhex(current))
        else:
            # What the value holds is not an input of the call that receives the artifact.
            inner = walk.without_notes() if tracked else walk
            item = inner.item(self.value_repr())
        if tracked and walk.notes is not None:
            now = current or ValueId(root_digest(item).hex())
            walk.notes.append(InputRef(known.id, known.value_id, now, known.derivation_id))
        return item

    def __provenance_is_recorded__(self) -> bool:
        """Whether the value is the recorded one still: what a user has changed is no longer the artifact's."""
        now = self.__provenance_known__() or hash_value(self.__wrapped__)
        return now == self.__provenance_reference__().value_id

    def __repr__(self) -> str:
        known = self.__provenance_reference__()
        return f"<provenance.ArtifactProxy({known.id}) {safe_repr(self.__wrapped__)} >"

    def __copy__(self) -> object:
        return self.__provenance_copy__(copy.copy)

    def __deepcopy__(self, memo: dict[int, object]) -> object:
        return self.__provenance_copy__(lambda value: copy.deepcopy(value, memo))


@exported
def restore_proxy(
    id_: ArtifactId,
    value_id: ValueId,
    value_type: str,
    interface: tuple[str, ...],
    home: str = "",
    derivation: Derivation | None = None,
) -> object:
    """Unpickle a result: it leads to the repository that is being read, else to the one that is current at its first use.

    Pickles name this function: neither it nor its arguments may change.
    """
    known = ArtifactRef(id_, value_id, value_type, interface, derivation)
    origin = resolving_origin() or CurrentOrigin(home)
    if not keeps_unread():
        # What is lost is an error where it is used, and not where a value that refers to it is read.
        with suppress(ArtifactNotFoundError, BlobNotFoundError, CorruptBlobError):
            return make_proxy(known, origin)
    return make_proxy(known, origin, options=LAZY)


def reduced_reference(
    known: Known, interface: tuple[str, ...], origin: Origin
) -> tuple[Callable[..., object], tuple[object, ...]]:
    """Return what a pickle says of a result by reference.

    Inside a store that is neither the name of the repository nor the derivation: what refers to a
    result there says the same whichever call put it there.
    """
    facts: tuple[object, ...] = (known.id, known.value_id, known.value_type, interface)
    home, derivation = home_of(origin), derivation_for_pickle(known)
    if derivation is not None:
        return restore_proxy, (*facts, home, derivation)
    return restore_proxy, (*facts, home) if home else facts


def derivation_for_pickle(known: ArtifactRef | ArtifactRecord) -> Derivation | None:
    """Return the derivation of the call that got a result, if what is pickled is not for a store."""
    return known.derivation if resolving_origin() is None else None


@exported
def restore_value(value: object) -> object:
    """Unpickle a result that is in no store: as its value. Pickles name this function."""
    return value


def resolve(known: Known, origin: Origin) -> ArtifactRecord:
    """Return the record of what is known only by reference, looked up in *origin*."""
    if isinstance(known, ArtifactRecord):
        return known
    record = origin.load_record(known.id)
    return record if known.derivation is None else evolve(record, derivation=known.derivation)


def as_result(value: object) -> object:
    """Return the proxy of an object that is known to be the value of an artifact; anything else as it is."""
    proxy = None if is_proxy(value) else proxy_of_tracked(value)
    return value if proxy is None else proxy


def artifact_of(value: T) -> Artifact[T]:
    """Return the artifact of a result; inside a decorated function, of an argument that is one.

    Args:
        value: What a decorated function returned.

    Raises:
        TypeError: if *value* is neither.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> artifact = p.artifact_of(squares(3))
        >>> artifact.value, artifact.inputs["kargs"]
        ([0, 1, 4], {'n': 3})
    """
    result = cast("Any", as_result(value))
    if is_proxy(result):
        return cast("Artifact[T]", result.artifact)
    if is_singleton(value):
        raise TypeError(
            f"{safe_repr(value)} comes back as itself and carries no artifact; use fn.artifact(…) of the decorated "
            'function, or decorate it with singletons="proxy"'
        )
    raise TypeError(
        f"expected the result of a decorated function, got a plain {type(value).__qualname__}; parts and copies of a "
        "result have no artifact"
    )


def id_or_prefix_of(wanted: object) -> str:
    """Return what an artifact is looked up by: an id or its first digits as they are, the id of an artifact or of a proxy's.

    A proxy of a text that could be an id counts as that text: functions may return ids.

    >>> id_or_prefix_of("94ae0d")
    '94ae0d'

    Raises:
        TypeError: for anything else.
    """
    wanted = as_result(wanted)
    if is_proxy(wanted):
        known: Known = cast("Any", wanted).__provenance_reference__()
        text = unwrap(wanted) if known.value_type == "builtins:str" else None
        return text if isinstance(text, str) and is_prefix(text) else known.id
    if isinstance(wanted, ArtifactRecord):
        return wanted.id
    if isinstance(wanted, str):
        return wanted
    raise TypeError(
        f"expected an artifact, its id or the result of a decorated function, got {safe_repr(wanted)}"
    )


@frozen(eq=False)
class InMemoryOrigin:
    """Origin of a result that was computed read-only: nothing of it is in a store, so all of it is kept here."""

    value: object
    inputs: Inputs
    repository: None = None

    def load_value(self, _: ArtifactRecord, /) -> object:
        """Return the computed value."""
        return self.value

    def load_inputs(self, _: ArtifactRecord, /) -> Inputs:
        """Return the inputs of the call."""
        return self.inputs

    def load_run(self, record: ArtifactRecord, /) -> Run:
        """Nothing was recorded, and so no run."""
        raise RunNotFoundError(record.run_id, record.id, "(read-only)")

    def load_record(self, artifact_id: ArtifactId, /) -> ArtifactRecord:
        """Nothing was recorded."""
        raise ArtifactNotFoundError(artifact_id, "(read-only)")

    def proxy_of(self, record: ArtifactRecord, /) -> object:
        """Return a proxy of the value."""
        return make_proxy(record, self, self.value, tracked=False, options=LAZY)


def _reduced(
    artifact: Artifact[Any],
) -> tuple[Callable[..., Artifact[Any]], tuple[ArtifactId] | tuple[ArtifactId, Derivation]]:
    """Return what a pickle says of an artifact: its id.

    Raises:
        PicklingError: for what is in no store, and inside a value that is being stored: results are kept there, not their records.
    """
    if isinstance(artifact.origin, InMemoryOrigin):
        reason = "was computed read-only and is in no store; pickle its value (artifact.value)"
        raise pickle.PicklingError(f"artifact {artifact.id} {reason}")
    if resolving_origin() is not None:
        raise pickle.PicklingError(f"{_NO_VALUE}: store the result itself, or artifact.proxy()")
    derivation = derivation_for_pickle(artifact)
    return restore_artifact, (artifact.id,) if derivation is None else (artifact.id, derivation)


@exported
def restore_artifact(id_: ArtifactId, derivation: Derivation | None = None) -> Artifact[object]:
    """Unpickle an artifact, looked up in the current repository; `ArtifactNotFoundError` where that has none of the id.

    Pickles name this function: neither it nor its argument may change.
    """
    origin = resolving_origin() or current_origin()
    return Artifact.of(evolve(origin.load_record(id_), derivation=derivation), origin)


_NO_VALUE: Final = "an Artifact is the record of a result and not its value"


def _refuse(_: object, __: Walk) -> NoReturn:
    raise UnhashablePart(_NO_VALUE, "the result itself, or artifact.proxy()")


copyreg.pickle(Artifact, _reduced)
register_item(Artifact, _refuse)
