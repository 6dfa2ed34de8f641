"""What a call does when the code behind a stored result has changed."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, cast

from provenance.util.validation import require_known

OnCodeChange: TypeAlias = Literal["warn", "ignore", "raise", "recompute"]
POLICIES: Final = ("warn", "ignore", "raise", "recompute")


def require_policy(value: object, path: str) -> OnCodeChange:
    """Return *value* if it is a policy; raise ConfigError otherwise."""
    return cast("OnCodeChange", require_known(value, POLICIES, path, "policy"))
