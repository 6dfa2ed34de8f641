"""When calls share their work: the setting, and which functions are too quick for it.

Threads and tasks of a process share whatever they compute at once. Between processes a lease tells who computes, and
costs two transactions: where a function has lately taken no longer than that, it is not worth having.
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
"""Seconds that no lease has to go, unless the clock was set back since."""
_LONGEST_WAIT: Final = 1e7
_QUICK: Final = 0.01
"""Seconds that a quick computation takes at most."""
_MANY: Final = 10_000


def _between(low: float, high: float) -> Callable[[object, object, object], None]:
    """Validator of a number; a bool is none."""

    def check(_: object, _attribute: object, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"{shown(value)} is no number of seconds from {low:g} to {high:g}")

    return check


@frozen(kw_only=True)
class SingleFlight:
    """How long a call waits while the same is computed elsewhere, and how its process shows that it lives.

    After *longest_wait* seconds it computes all the same. A process that has not renewed its lease for *lease_seconds*
    counts as dead.
    """

    longest_wait: float = field(default=3_600.0, validator=_between(0.0, _LONGEST_WAIT))
    lease_seconds: float = field(default=15.0, validator=_between(0.1, LONGEST_LEASE))


SHARED: Final = SingleFlight()
"""The setting where nothing else is said."""


def single_flight_from(given: object) -> SingleFlight | None:
    """The setting that a configuration gives: true, false, or a mapping of what differs; None where calls do not share.

    >>> single_flight_from({"longest_wait": 60}), single_flight_from(False)
    (SingleFlight(longest_wait=60, lease_seconds=15.0), None)

    Raises:
        ConfigError: for anything else.
    """
    if isinstance(given, bool):
        return SHARED if given else None
    known = [each.name for each in fields(SingleFlight)]
    options = cast("Mapping[object, object]", given)
    wrong = [each for each in options if each not in known] if isinstance(given, Mapping) else [given]
    if wrong:
        raise ConfigError("single_flight", f"{wrong[0]!r} is not known", f"write true, false, or {', '.join(known)}")
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
