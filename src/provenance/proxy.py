"""Stand-ins for values: what they refer to, and how to tell, open and take them apart.

The transparent class itself is in `provenance.transparent`, which is imported when the first proxy is made. Here a
proxy is recognised by the mark on its type, because its `__class__` is that of the value it stands for.
"""

from __future__ import annotations

import copyreg
import pickle
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Final, NoReturn, TypeAlias, TypeVar, cast

from attrs import frozen

from provenance.errors import ArtifactNotFoundError, RunNotFoundError
from provenance.hashing import Walk, register_item
from provenance.hashing.walk import Refusal
from provenance.ids import ArtifactId, ValueId, is_prefix
from provenance.records import Artifact, ArtifactRecord, Inputs, Origin, Run
from provenance.showing import shown

T = TypeVar("T")

MARK: Final = "__provenance_sighting__"


@frozen
class Reference:
    """What a pickled proxy knows of its artifact: enough to be hashed and passed on without a look-up."""

    id: ArtifactId
    value_id: ValueId
    value_type: str
    interface: tuple[str, ...]


Known: TypeAlias = "ArtifactRecord | Reference"
UNREAD: Final = object()
"""In place of a value that is still in the store."""


def proxy_over(
    known: Known,
    origin: Origin,
    value: object = UNREAD,
    *,
    load: Callable[[], object] | None = None,
    tracked: bool = True,
) -> object:
    """Transparent stand-in for the value of *known*.

    Without a *value* it is read on first use: by *load*, else from *origin*. A proxy that is not *tracked* is in no store, and is
    recorded as a plain value when it is an input.
    """
    return _stand_in()(known, origin, value, load, tracked=tracked)


@cache
def _stand_in() -> Callable[..., object]:
    """The class's maker, imported when the first proxy is made: wrapt takes long to import."""
    from provenance.transparent import stand_in

    return stand_in


def resolved(known: Known, origin: Origin) -> ArtifactRecord:
    """The record of what is known only by reference, looked up in *origin*."""
    return known if isinstance(known, ArtifactRecord) else origin.load_record(known.id)


def is_proxy(value: object) -> bool:
    """Tell whether *value* stands for an artifact's value.

    >>> is_proxy(7)
    False
    """
    return hasattr(type(value), MARK)


def unwrap(value: T) -> T:
    """The bare value behind a proxy (read from the store if need be); anything else as it is.

    >>> unwrap(7)
    7
    """
    return cast("T", cast("Any", value).__wrapped__) if is_proxy(value) else value


def artifact_of(value: T) -> Artifact[T]:
    """The artifact that a proxy stands for.

    Raises:
        TypeError: if *value* is not a proxy.
    """
    if not is_proxy(value):
        raise TypeError(
            f"expected the result of a decorated function, got a plain {type(value).__qualname__}; parts and copies of a "
            "result have no artifact"
        )
    return cast("Artifact[T]", cast("Any", value).artifact)


def id_or_prefix(wanted: object) -> str:
    """What an artifact is looked up by: an id or its first digits as they are, the id of an artifact or of a proxy's.

    A proxy of a text that could be an id counts as that text: functions may return ids.

    >>> id_or_prefix("94ae0d")
    '94ae0d'

    Raises:
        TypeError: for anything else.
    """
    if is_proxy(wanted):
        known: Known = cast("Any", wanted).__provenance_reference__()
        text = unwrap(wanted) if known.value_type == "builtins:str" else None
        return text if isinstance(text, str) and is_prefix(text) else known.id
    if isinstance(wanted, ArtifactRecord):
        return wanted.id
    if isinstance(wanted, str):
        return wanted
    raise TypeError(
        f"expected an artifact, its id or the result of a decorated function, got {shown(wanted)}"
    )


@frozen(eq=False)
class Ephemeral:
    """Origin of a result that was computed read-only: nothing of it is in a store, so all of it is kept here."""

    value: object
    inputs: Inputs

    def load_value(self, _: ArtifactRecord, /) -> object:
        """The computed value."""
        return self.value

    def load_inputs(self, _: ArtifactRecord, /) -> Inputs:
        """The inputs of the call."""
        return self.inputs

    def load_run(self, record: ArtifactRecord, /) -> Run:
        """Nothing was recorded, and so no run."""
        raise RunNotFoundError(record.run_id, record.id, "(read-only)")

    def load_record(self, artifact_id: ArtifactId, /) -> ArtifactRecord:
        """Nothing was recorded."""
        raise ArtifactNotFoundError(artifact_id, "(read-only)")

    def proxy_of(self, record: ArtifactRecord, /) -> object:
        """The value, standing for itself."""
        return proxy_over(record, self, self.value, tracked=False)


_resolving: ContextVar[Origin | None] = ContextVar("provenance_resolving", default=None)
"""The origin of what is being decoded: references in it lead there, whatever the current repository is."""


def resolving_in(origin: Origin, read: Callable[[], T]) -> T:
    """What *read* answers; proxies that are unpickled meanwhile find their artifacts in *origin*."""
    token = _resolving.set(origin)
    try:
        return read()
    finally:
        _resolving.reset(token)


@contextmanager
def resolved_in(origin: Origin) -> Generator[None]:
    """As `resolving_in`, for a block that awaits."""
    token = _resolving.set(origin)
    try:
        yield
    finally:
        _resolving.reset(token)


def resolving_origin() -> Origin | None:
    """The origin in which unpickled proxies find their artifacts, None for the environment's current repository."""
    return _resolving.get()


_ambient: list[Callable[[], Origin]] = []


def resolve_ambient_with(current: Callable[[], Origin]) -> None:
    """Say where proxies that a user unpickles find their artifacts; the session does."""
    _ambient[:] = [current]


def ambient() -> Origin:
    """The environment's current repository."""
    return _ambient[0]()


@frozen
class CurrentOrigin:
    """The environment's current repository, whichever that is when a part of an artifact is needed."""

    def load_value(self, record: ArtifactRecord, /) -> object:
        """The value, from the current repository."""
        return _ambient[0]().load_value(record)

    def load_inputs(self, record: ArtifactRecord, /) -> Inputs:
        """The inputs, from the current repository."""
        return _ambient[0]().load_inputs(record)

    def load_run(self, record: ArtifactRecord, /) -> Run:
        """The run, from the current repository."""
        return _ambient[0]().load_run(record)

    def load_record(self, artifact_id: ArtifactId, /) -> ArtifactRecord:
        """The record, from the current repository."""
        return _ambient[0]().load_record(artifact_id)

    def proxy_of(self, record: ArtifactRecord, /) -> object:
        """A proxy over the current repository."""
        return _ambient[0]().proxy_of(record)


def is_at_home(origin: Origin) -> bool:
    """Whether what is being written now goes where *origin* leads, so that a reference will be found there.

    While nothing is being written, as when a user pickles a proxy, everything is at home.
    """
    home = resolving_origin()
    if isinstance(origin, CurrentOrigin):
        origin = _ambient[0]()
    return home is None or getattr(origin, "repo", origin) is home


def restore_proxy(
    id_: ArtifactId, value_id: ValueId, value_type: str, interface: tuple[str, ...]
) -> object:
    """Unpickle a proxy: it leads to the repository that is being read, else to the one that is current at its first use.

    Pickles name this function: neither it nor its arguments may change.
    """
    return proxy_over(
        Reference(id_, value_id, value_type, interface), resolving_origin() or CurrentOrigin()
    )


restore_proxy.__module__ = "provenance"


def restore_value(value: object) -> object:
    """Unpickle a proxy of what is in no store: as its value. Pickles name this function."""
    return value


restore_value.__module__ = "provenance"


def _reduced(
    artifact: Artifact[Any],
) -> tuple[Callable[[ArtifactId], Artifact[Any]], tuple[ArtifactId]]:
    """What a pickle says of an artifact: its id.

    Raises:
        PicklingError: for what is in no store, and inside a value that is being stored: results are kept there, not their records.
    """
    if isinstance(artifact.origin, Ephemeral):
        reason = "was computed read-only and is in no store; pickle its value (artifact.value)"
        raise pickle.PicklingError(f"artifact {artifact.id} {reason}")
    if resolving_origin() is not None:
        raise pickle.PicklingError(f"{_NO_VALUE}: store the result itself, or artifact.proxy()")
    return restore_artifact, (artifact.id,)


def restore_artifact(id_: ArtifactId) -> Artifact[object]:
    """Unpickle an artifact, looked up in the current repository; `ArtifactNotFoundError` where that has none of the id.

    Pickles name this function: neither it nor its argument may change.
    """
    origin = resolving_origin() or ambient()
    return Artifact.of(origin.load_record(id_), origin)


restore_artifact.__module__ = "provenance"


_NO_VALUE: Final = "an Artifact is the record of a result and not its value"


def _refused(_: object, __: Walk) -> NoReturn:
    raise Refusal(_NO_VALUE, "the result itself, or artifact.proxy()")


copyreg.pickle(Artifact, _reduced)
register_item(Artifact, _refused)
