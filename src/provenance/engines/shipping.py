"""What travels between driver and worker: shipments of calls, the arrivals that come back, and the driver's environment.

Shipments and arrivals are dictionaries of plain data, pickled: a worker of another release of this library must be
able to read that it is one. Results among the arguments travel as references where the worker reads the
same repository, else with their values.
"""

from __future__ import annotations

import io
import os
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast

from attrs import evolve, field, frozen

from provenance.codecs.pickling import traveling_code_pickler
from provenance.config import sources, stores, wiring
from provenance.config.schema import Config
from provenance.engines.outcomes import Outcome
from provenance.environment import Environment
from provenance.events import Event
from provenance.model.ids import ArtifactId, BlobId, ValueId
from provenance.model.records import ArtifactRecord, Derivation, Origin
from provenance.model.references import ArtifactRef, is_proxy, represented_artifact, unwrap
from provenance.ports.copies import RecordWithInputs
from provenance.ports.history import PutDerivation
from provenance.repository.handles import Blueprint, Repository
from provenance.results.handles import make_proxy, restore_value
from provenance.results.kinds import DEFAULT_OPTIONS, FORMS, LAZY
from provenance.results.origin import CurrentOrigin
from provenance.util.locks import ForkSafeLock
from provenance.util.naming import exported

Committer: TypeAlias = Literal["auto", "worker", "driver"]
"""Who stores and records results; "auto" is the worker where it reaches the repository, else the driver."""
FORMAT: Final = 1
"""Version of shipments and arrivals; another one is refused."""
HEAVY: Final = 1_000_000
"""Size in bytes of a pickled function from which users are warned."""
LARGEST_RESULT: Final = 64_000_000
"""Size in bytes up to which the driver commits a result of a worker."""


@frozen
class Shipment:
    """A batch of calls of one function as it travels.

    Attributes:
        environment: the pickled description of the driver's environment.
        expected: id of the driver's repository.
        function: digest and bytes of the function.
        calls: the pickled calls.
        commit: who stores the results.
        parents: the pickled runs of the driver and of what started it, the nearest first.
        map: number of the map among those of its process.
        returns_values: results come back with their values, because they are in no store.
        take_over: a worker that ran these calls has died.
    """

    environment: bytes = field(repr=False)
    expected: str
    function: tuple[str, bytes] = field(repr=False)
    calls: bytes = field(repr=False)
    commit: Committer
    parents: bytes = field(repr=False)
    map: int
    returns_values: bool = False
    take_over: bool = False


@frozen
class ShippedCall:
    """A call in a shipment: its arguments, and the id that the driver has planned."""

    args: tuple[object, ...] = field(repr=False)
    kwargs: Mapping[str, object] = field(repr=False)
    artifact_id: ArtifactId


OWN: Final = ""
"""Stands for the repository of the function that a shipment runs, whatever its name."""


@frozen
class Copy:
    """All of an artifact that a worker made and the driver is to store; `blobs` are bytes by digest.

    `repo` is the name of the driver's repository, None for its default one, or `OWN`.
    """

    what: RecordWithInputs
    blobs: Mapping[BlobId, bytes] = field(repr=False)
    repo: str | None = OWN

    @property
    def record(self) -> ArtifactRecord:
        """The record of the artifact."""
        return self.what.record


@frozen
class Arrival:
    """What came back of a shipment.

    Attributes:
        outcomes: One for each call, as `Done` or `Failure`; empty if nothing was run.
        events: What happened on the worker.
        unreached: Why the worker does not reach the repository; empty if it does.
        refused: Why it cannot run anything; empty if it can.
        copies: What the driver is to store.
        derivations: Those that the driver is to record, each with the name of its repository as in `Copy`.
        same_process: The worker is a thread of the driver, and has counted the events.
    """

    outcomes: tuple[Outcome, ...] = ()
    events: tuple[Event, ...] = ()
    unreached: str = ""
    refused: str = ""
    copies: tuple[Copy, ...] = ()
    derivations: tuple[tuple[str | None, PutDerivation], ...] = ()
    same_process: bool = False


@cache
def library_version() -> str:
    """Return the version of this library."""
    version: str = import_module("provenance").__version__
    return version


def seal(content: Shipment | Arrival, version: str) -> bytes:
    """Return *content* in an envelope that names its format and the library's *version*."""
    inner = pickle.dumps(content, protocol=5)
    return pickle.dumps({"format": FORMAT, "library": version, "content": inner}, protocol=5)


def unseal(data: bytes) -> tuple[str, bytes]:
    """Return why an envelope cannot be read here, empty if it can, and what is in it."""
    envelope = cast("dict[str, Any]", pickle.loads(data))
    theirs, ours = envelope["library"], library_version()
    if envelope["format"] != FORMAT or theirs != ours:
        return f"it has provenance {ours}, and the other side {theirs}", b""
    return "", envelope["content"]


def arrival_of(answer: Arrival | bytes) -> Arrival:
    """Return the arrival in what a worker has answered: a thread of the driver needs no envelope."""
    if isinstance(answer, Arrival):
        return answer
    problem, content = unseal(answer)
    return Arrival(refused=problem) if problem else cast("Arrival", pickle.loads(content))


class _Pickler(traveling_code_pickler()):  # type: ignore[misc]  # mypy refuses a call as base
    """Pickles results as references if they are from *home*, else with their values."""

    def __init__(self, file: io.BytesIO, home: Origin | None) -> None:
        super().__init__(file, protocol=5)
        self._home = home

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401 - as pickle declares it
        """Return the reduction of a result, else that of the pickler of code."""
        if is_proxy(obj):
            return _reduce_result(obj, self._home)
        return super().reducer_override(obj)


def dump(value: object, home: Origin | None) -> bytes:
    """Return the pickle of *value* for a worker that reads the repository *home*, if any."""
    file = io.BytesIO()
    _Pickler(file, home).dump(value)
    return file.getvalue()


def _reduce_result(
    result: Any,  # noqa: ANN401 - any result
    home: Origin | None,
) -> tuple[Callable[..., object], tuple[object, ...]]:
    if represented_artifact(result) is None or not result.__provenance_is_recorded__():
        return restore_value, (unwrap(result),)
    origin = result.__provenance_origin__()
    origin = getattr(origin, "repo", origin)
    if home is not None and (origin is home or isinstance(origin, CurrentOrigin)):
        return cast("tuple[Callable[..., object], tuple[object, ...]]", result.__reduce_ex__(5))
    known = result.__provenance_reference__()
    facts = (known.id, known.value_id, known.value_type, known.interface)
    return restore_carried, (*facts, unwrap(result), known.derivation)


@exported
def restore_carried(
    id_: ArtifactId,
    value_id: ValueId,
    value_type: str,
    interface: tuple[str, ...],
    value: object,
    derivation: Derivation | None,
) -> object:
    """Unpickle a result that travelled with its value. Shipments name this function."""
    known = ArtifactRef(id_, value_id, value_type, interface, derivation)
    options = DEFAULT_OPTIONS if FORMS.intersection(interface) else LAZY
    return make_proxy(known, CurrentOrigin(), value, options=options)


# ---------------------------------------------------------------- the environment


@frozen
class Description:
    """An environment as data: its configuration as it was written, the names of its repositories, and its settings.

    `process` and `key` find the environment itself in the process that described it, on `machine`.
    """

    config: str | None = field(repr=False)
    default: str | Blueprint | None
    names: tuple[str, ...]
    settings: Mapping[str, Any]
    machine: str
    process: int
    key: str


_SETTINGS: Final = (
    "use_cache",
    "read_only",
    "check_mutations",
    "results",
    "on_code_change",
    "single_flight",
)
"""The fields of an environment that travel as they are."""


def describe(environment: Environment) -> Description:
    """Return what a worker needs to open the same stores; its default is None if none of it can travel."""
    config: str | None = None
    if environment.written is not None:
        with suppress(TypeError):  # it may hold objects
            config = sources.to_json(*environment.written)
    return Description(
        config,
        _default(environment, configured=config is not None),
        tuple(environment.openers),
        {name: getattr(environment, name) for name in _SETTINGS},
        wiring.machine_name(),
        os.getpid(),
        _remember(environment),
    )


def _default(environment: Environment, *, configured: bool) -> str | Blueprint | None:
    """Return the name of the default repository if the configuration has it, else its blueprint."""
    default = environment.default
    if isinstance(default, Repository):
        opener = environment.openers.get(default.name)
        if not configured or opener is None or opener() is not default:
            return default.blueprint
        default = default.name
    return default if configured else None


def open_description(description: Description) -> Environment:
    """Return the environment: itself in the process that described it, else with stores opened here.

    The default database is there already, and one that is missing on another machine is not created there.

    Raises:
        ConfigError, StoreUnavailableError, MissingLibraryError: if a store cannot be opened here.
    """
    if description.process == os.getpid() and description.key in _described:
        return _described[description.key]
    if description.config is not None:
        is_here = description.machine == wiring.machine_name()
        environment = stores.reopen_environment(
            description.config, description.default, may_create=is_here
        )
    else:
        environment = wiring.environment_of(Config(blobstores={}, artifact_repos={}), Path())
    default = description.default
    if isinstance(default, Blueprint):
        return evolve(
            environment, default=stores.restore_repository(default), **description.settings
        )
    return evolve(environment, default=default, **description.settings)


_MANY: Final = 16
_described: Final[OrderedDict[str, Environment]] = OrderedDict()
"""The environments that this process has described, by key; a worker in the same process uses them."""
_guard: Final = ForkSafeLock()


def _remember(environment: Environment) -> str:
    key = f"{id(environment):x}"
    with _guard.lock:
        _described[key] = environment
        while len(_described) > _MANY:
            _described.popitem(last=False)
    return key
