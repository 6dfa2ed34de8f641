"""Where a value that is not read yet comes from: the repository that is being read, else the current one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Final, ParamSpec, TypeVar

from attrs import frozen

from provenance.errors import ArtifactNotFoundError
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord, Inputs, Origin, Run
from provenance.util.context import setting

P = ParamSpec("P")
T = TypeVar("T")

INTERFACE: Final = (
    "__call__",
    "__iter__",
    "__next__",
    "__aiter__",
    "__anext__",
    "__await__",
    "__length_hint__",
    "__fspath__",
    "__get__",
    "__set__",
    "__delete__",
    "__torch_function__",
    "__array__",
    "__array_priority__",
    "__array_ufunc__",
    "__dataclass_fields__",
    "__getitem__",
    "__len__",
    "__index__",
    "__enter__",
    "__exit__",
    "__aenter__",
    "__aexit__",
)
"""Special methods that only some types have and that give a meaning to an object by being there."""
_RAW_MEMORY: Final = ("__array_interface__", "__array_struct__")
"""Protocols that a proxy answers by `__array__`."""


_interfaces: dict[type, tuple[str, ...]] = {}


def interface_of(kind: type) -> tuple[str, ...]:
    """Which methods of `INTERFACE` the instances of a type have.

    >>> interface_of(set)
    ('__iter__', '__len__')
    """
    found = _interfaces.get(kind)
    if found is None:
        methods: dict[str, object] = {}
        for base in reversed(kind.__mro__):  # `hasattr` would see the methods of the metaclass too
            methods.update(vars(base))
        if issubclass(kind, dict | str | bytes):
            del methods["__getitem__"]  # C code does not take it for a sequence of others
        if any(methods.get(name) is not None for name in _RAW_MEMORY):
            methods.setdefault("__array__", True)
        found = _interfaces[kind] = tuple(
            name for name in INTERFACE if methods.get(name) is not None
        )
    return found


_resolving: ContextVar[Origin | None] = ContextVar("provenance_resolving", default=None)
"""The origin of what is being decoded: references in it lead there, whatever the current repository is."""


_unread: ContextVar[bool] = ContextVar("provenance_unread", default=False)
"""Whether results that are unpickled stay unread, whatever their type."""


def resolving_in(origin: Origin, read: Callable[[], T]) -> T:
    """Return what *read* answers; results that are unpickled meanwhile find their artifacts in *origin*."""
    token = _resolving.set(origin)
    try:
        return read()
    finally:
        _resolving.reset(token)


def keeping_unread(read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what *read* answers; containers that are unpickled by reference meanwhile are lazy proxies."""
    token = _unread.set(True)
    try:
        return read(*args, **kwargs)
    finally:
        _unread.reset(token)


def keeps_unread() -> bool:
    """Tell whether results that are being unpickled are to stay unread."""
    return _unread.get()


def resolving_in_async(origin: Origin) -> AbstractContextManager[None]:
    """As `resolving_in`, for a block that awaits."""
    return setting(_resolving, origin)


def resolving_origin() -> Origin | None:
    """Return the origin in which unpickled proxies find their artifacts, None for the environment's current repository."""
    return _resolving.get()


_current_resolver: list[Callable[[], Origin]] = []


def set_origin_resolver(current: Callable[[], Origin]) -> None:
    """Say where proxies that a user unpickles find their artifacts; the session does."""
    _current_resolver[:] = [current]


def current_origin() -> Origin:
    """Return the environment's current repository."""
    return _current_resolver[0]()


_FROM_ELSEWHERE: Final = (
    "if another process computed it, that process used another repository: send it the function "
    "as p.in_context(fn), or use fn.map"
)


@frozen
class CurrentOrigin:
    """The environment's current repository, whichever that is when a part of an artifact is needed.

    *home* names the repository of a result that was pickled, where that is known.
    """

    home: str = ""

    @property
    def repository(self) -> Origin:
        """The current repository."""
        return _current_resolver[0]()

    def load_value(self, record: ArtifactRecord, /) -> object:
        """Return the value, from the current repository."""
        return _current_resolver[0]().load_value(record)

    def load_inputs(self, record: ArtifactRecord, /) -> Inputs:
        """Return the inputs, from the current repository."""
        return _current_resolver[0]().load_inputs(record)

    def load_run(self, record: ArtifactRecord, /) -> Run:
        """Return the run, from the current repository."""
        return _current_resolver[0]().load_run(record)

    def load_record(self, artifact_id: ArtifactId, /) -> ArtifactRecord:
        """Return the record, from the current repository."""
        try:
            return _current_resolver[0]().load_record(artifact_id)
        except ArtifactNotFoundError as error:
            if not self.home:
                raise
            missing = ArtifactNotFoundError(artifact_id, error.repo, home=self.home)
            missing.add_note(_FROM_ELSEWHERE)
            raise missing from None

    def proxy_of(self, record: ArtifactRecord, /) -> object:
        """Return a proxy over the current repository."""
        return _current_resolver[0]().proxy_of(record)


def home_of(origin: Origin) -> str:
    """Return what a pickle says of where a result is: the repository's name.

    Nothing inside a store, where references lead to the store itself.
    """
    if isinstance(origin, CurrentOrigin):
        return origin.home
    name: object = getattr(getattr(origin, "repo", origin), "name", "")
    return name if isinstance(name, str) and resolving_origin() is None else ""


def is_current_origin(origin: Origin) -> bool:
    """Return whether what is being written now goes where *origin* leads, so that a reference will be found there.

    While nothing is being written, as when a user pickles a proxy, everything is at home.
    """
    home = resolving_origin()
    if isinstance(origin, CurrentOrigin):
        origin = _current_resolver[0]()
    return home is None or getattr(origin, "repo", origin) is home
