"""matplotlib: what is drawn refers to what it is drawn on, and changes when it is shown, so it has no hash."""

from __future__ import annotations

from typing import NoReturn

from provenance.hashing.registry import inherited
from provenance.hashing.walk import UnhashablePart, Walk


@inherited("matplotlib.artist:Artist")
def _refuse_drawing(value: object, _: Walk) -> NoReturn:
    reason = f"matplotlib's {type(value).__name__} is not a value: drawing it changes it"
    raise UnhashablePart(reason, "its data, or as a picture the bytes that `savefig` writes")
