"""What becomes of calls on an engine: results, failures as values, and progress."""

from __future__ import annotations

import pickle
import traceback
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, NoReturn, TypeAlias

from attrs import evolve, field, frozen

from provenance.errors import EngineError
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord
from provenance.util.formatting import describe_error, duration
from provenance.util.naming import exported

FailureKind: TypeAlias = Literal["raised", "worker died", "refused", "plan differs"]


@exported
@frozen
class Failure:
    """A call that has no result.

    Attributes:
        index: Position of the call, from 0.
        artifact_id: Id of the artifact that it would have computed; None if it cannot be planned.
        kind: "raised": the function or a store raised. "worker died": its process ended, each time
            that it was tried. "refused": it was not run, because it cannot be planned, sent or
            recorded. "plan differs": the worker derived another id, and did not run it.
        error_type: Type of the exception, as `module.name`.
        message: Message of the exception.
        traceback: Traceback as text, from where it was raised.
        error: The exception; None if it could not travel.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def half(n: int) -> float:
        ...     if n % 2:
        ...         raise ValueError("odd")
        ...     return n / 2
        >>> outcomes = list(half.map([2, 3], errors="return"))
        >>> outcomes[1].failure().message
        'odd'
    """

    index: int
    artifact_id: ArtifactId | None
    kind: FailureKind
    error_type: str
    message: str
    traceback: str = field(default="", repr=False)
    error: BaseException | None = field(default=None, eq=False, repr=False)


@frozen
class Done:
    """A call whose result was returned (*result*), or recorded; the pickled *value* may come with its record."""

    record: ArtifactRecord | None = None
    value: bytes | None = field(default=None, repr=False)
    result: object = field(default=None, repr=False)


Outcome: TypeAlias = Done | Failure


def failure_of(
    error: BaseException,
    artifact_id: ArtifactId | None,
    kind: FailureKind = "raised",
    index: int = 0,
) -> Failure:
    """Return *error* as a failure."""
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    text = "".join(traceback.format_exception(type(error), error, _outside(error.__traceback__)))
    message = describe_error(error).partition(": ")[2]
    return Failure(index, artifact_id, kind, name, message, text, error)


_LIBRARY: Final = str(Path(__file__).parents[1])


def _outside(trace: TracebackType | None) -> TracebackType | None:
    """Return the traceback from the first frame outside this library; all of it if there is none."""
    frame = trace
    while frame is not None and frame.tb_frame.f_code.co_filename.startswith(_LIBRARY):
        frame = frame.tb_next
    return frame or trace


def portable(failure: Failure) -> Failure:
    """Return *failure* as another process can have it: without an exception that does not survive pickling.

    An exception that cannot be unpickled would end the pool that it arrives in.
    """
    error = failure.error
    try:
        same = type(pickle.loads(pickle.dumps(error))) is type(error)
    except Exception:  # noqa: BLE001 - the exception's own methods may raise anything
        same = False
    return failure if same else evolve(failure, error=None)


REMEDY: Final = {
    "raised": "see the traceback of the worker",
    "worker died": "look for the cause in its log, such as too little memory",
    "refused": "see the traceback",
    "plan differs": "install the same code on driver and workers",
}
"""What to do about each kind of failure."""


def raise_failure(failure: Failure, finished: int) -> NoReturn:
    """Raise the exception of *failure*, with the traceback of the worker as a note if it came from one."""
    error = failure.error
    if error is None:
        problem = f"call {failure.index}: {failure.error_type}: {failure.message}"
        error = EngineError(problem, REMEDY[failure.kind])
    if error.__traceback__ is None and failure.traceback:
        error.add_note(f"on the worker:\n{failure.traceback.rstrip()}")
    error.add_note(f"raised by call {failure.index}; {finished} other calls had finished")
    raise error


@exported
@frozen
class Progress:
    """How far a map has come.

    Attributes:
        done: Number of calls that have ended.
        total: Number of calls; None if it is not known.
        hits: Number of calls whose results were stored before.
        computed: Number of calls that were computed.
        failed: Number of calls without a result.
        seconds_saved: Seconds that computing the hits had taken.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> seen: list[p.Progress] = []
        >>> results = list(squares.map([2, 3, 2], progress=seen.append))
        >>> seen[-1].done, seen[-1].total, seen[-1].computed
        (3, 3, 2)
    """

    done: int
    total: int | None
    hits: int
    computed: int
    failed: int
    seconds_saved: float

    def __str__(self) -> str:
        total = "" if self.total is None else f"/{self.total}"
        failed = f", {self.failed} failed" if self.failed else ""
        saved = duration(self.seconds_saved)
        return f"{self.done}{total} ({self.hits} hits, {saved} saved{failed})"
