"""What a call does when the code behind a stored result has changed, and which hits are checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, cast

from attrs import Attribute, field, fields, frozen

from provenance.errors import ConfigError
from provenance.util.formatting import safe_repr
from provenance.util.naming import exported
from provenance.util.validation import require_known

OnCodeChange: TypeAlias = Literal["warn", "ignore", "raise", "recompute"]
POLICIES: Final = ("warn", "ignore", "raise", "recompute")


def require_policy(value: object, path: str) -> OnCodeChange:
    """Return *value* if it is a policy; raise ConfigError otherwise."""
    return cast("OnCodeChange", require_known(value, POLICIES, path, "policy"))


OnDifference: TypeAlias = Literal["warn", "raise", "recompute"]
DIFFERENCES: Final = ("warn", "raise", "recompute")


def _is_share(_: object, attribute: Attribute[Any], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{attribute.name} must be a number from 0 to 1, got {value!r}")


def _is_positive(_: object, attribute: Attribute[Any], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(f"{attribute.name} must be a positive number, got {value!r}")


def _is_known(_: object, attribute: Attribute[Any], value: object) -> None:
    if value not in DIFFERENCES:
        known = ", ".join(map(repr, DIFFERENCES))
        raise ValueError(f"{attribute.name} must be one of {known}, got {value!r}")


@exported
@frozen(kw_only=True)
class Shadow:
    """Which hits are computed again beside the call, to see whether the same comes out.

    Attributes:
        share: share of the artifacts, from 0 to 1; always the same ones, chosen by their ids.
        max_seconds: results that took longer are left out.
        at_most: number of results that a process computes again.
        on_difference: what later hits of a function do after another result came out: "warn" says
            so once, "raise" raises an error, "recompute" computes each result again.

    Example:
        >>> import provenance as p
        >>> policy = p.Shadow(share=0.05, max_seconds=10, on_difference="raise")
        >>> @p.provenance(shadow=policy)
        ... def double(n: int) -> int:
        ...     return 2 * n
    """

    share: float = field(default=0.01, validator=_is_share)
    max_seconds: float = field(default=60.0, validator=_is_positive)
    at_most: int = field(default=100, validator=_is_positive)
    on_difference: OnDifference = field(default="warn", validator=_is_known)


def parse_shadow(given: object, path: str) -> Shadow | None:
    """Return the policy of a configuration or an option: a share, a mapping, a policy, or None for none.

    >>> parse_shadow(0.5, "shadow"), parse_shadow(False, "shadow")
    (Shadow(share=0.5, max_seconds=60.0, at_most=100, on_difference='warn'), None)

    Raises:
        ConfigError: for anything else.
    """
    if given is None or given is False or isinstance(given, Shadow):
        return given or None
    options: object = {"share": given} if isinstance(given, int | float) else given
    known = [attribute.name for attribute in fields(Shadow)]
    if not isinstance(options, Mapping) or not {*cast("Mapping[str, object]", options)} <= {*known}:
        advice = f"expected a share, or a mapping of {', '.join(known)}"
        raise ConfigError(path, f"unexpected policy {safe_repr(given)}", advice)
    try:
        return Shadow(**cast("Any", options))
    except ValueError as error:
        raise ConfigError(path, str(error), "correct it") from None
