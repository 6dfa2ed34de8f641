"""When calls share their work: the setting, and which functions are too quick for it.

Threads and tasks of a process always share what they compute at the same time. Between processes a lease says which one computes.
It costs two transactions, so functions that were lately quicker than that do without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, cast

from attrs import field, fields, frozen

from provenance.errors import ConfigError
from provenance.showing import shown

LONGEST_LEASE: Final = 60.0
"""Seconds that a lease may be set to last without being renewed."""
IMPOSSIBLE: Final = 2 * LONGEST_LEASE
"""More seconds than any lease has left, unless the clock was set back since."""
_LONGEST_WAIT: Final = 1e7
_QUICK: Final = 0.01
"""Seconds that a quick computation takes at most."""
_MANY: Final = 10_000


def _between(low: float, high: float) -> Callable[[object, object, object], None]:
    """Return a validator of numbers, bool excluded."""

    def check(_: object, _attribute: object, value: object) -> None:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise ValueError(
                f"must be a number of seconds from {low:g} to {high:g}, got {shown(value)}"
            )

    return check


@frozen(kw_only=True)
class SingleFlight:
    """How long a call waits for another process that computes the same, and when that process counts as dead.

    After *longest_wait* seconds the call computes by itself. A process that has not renewed its lease for *lease_seconds*
    seconds counts as dead.
    """

    __module__ = "provenance"

    longest_wait: float = field(default=3_600.0, validator=_between(0.0, _LONGEST_WAIT))
    lease_seconds: float = field(default=15.0, validator=_between(0.1, LONGEST_LEASE))


SHARED: Final = SingleFlight()
"""The default."""


def single_flight_from(given: object) -> SingleFlight | None:
    """Return the setting of a configuration: true, false, or a mapping of what differs; None where calls do not share.

    >>> single_flight_from({"longest_wait": 60}), single_flight_from(False)
    (SingleFlight(longest_wait=60, lease_seconds=15.0), None)

    Raises:
        ConfigError: for anything else.
    """
    if isinstance(given, bool):
        return SHARED if given else None
    known = [field.name for field in fields(SingleFlight)]
    options = cast("Mapping[object, object]", given)
    wrong = (
        [name for name in options if name not in known] if isinstance(given, Mapping) else [given]
    )
    if wrong:
        raise ConfigError(
            "single_flight",
            f"unexpected option {wrong[0]!r}",
            f"expected true, false, or {', '.join(known)}",
        )
    try:
        return SingleFlight(**cast("Mapping[str, float]", options))
    except ValueError as error:
        raise ConfigError("single_flight", str(error), "correct it in the configuration") from error


_paces: Final[dict[str, float]] = {}


def note_pace(key: str, seconds: float) -> None:
    """Note that computing the function of this *key* took *seconds*; once slow, it counts as slow for some more calls."""
    if len(_paces) >= _MANY:
        _paces.clear()
    _paces[key] = max(seconds, _paces.get(key, 0.0) / 2)


def is_quick(key: str) -> bool:
    """Tell whether the function of this *key* was lately too quick to share; one never computed here is not quick."""
    return _paces.get(key, _LONGEST_WAIT) < _QUICK
