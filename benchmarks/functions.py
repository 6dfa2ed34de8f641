"""The functions that are cached: module-level, because that is how all three caches are used."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt


def add(a: int, b: int) -> int:
    return a + b


def shift(values: npt.NDArray[Any], by: float) -> npt.NDArray[Any]:
    shifted: npt.NDArray[Any] = values + by
    return shifted


def text(size: int, _: int) -> bytes:
    return bytes(size)


def start(seed: int, size: int) -> npt.NDArray[Any]:
    import numpy as np  # noqa: PLC0415 - where no array is made, its import is not measured

    return np.full(size // 8, float(seed))


def stage(values: npt.NDArray[Any], number: int) -> npt.NDArray[Any]:
    staged: npt.NDArray[Any] = values + number
    return staged


def start_records(seed: int, size: int) -> dict[str, Any]:
    """What `json.load` would make of *size* bytes."""
    names = ["ada", "bob", "cyd"]
    rows = [
        {"id": i, "name": names[i % 3], "score": i / 7, "tags": ["a", "b"], "parent": None}
        for i in range(size // 80)
    ]
    return {"seed": seed, "rows": rows}


def stage_records(records: dict[str, Any], number: int) -> dict[str, Any]:
    return {**records, "seed": number}


def last_records(records: dict[str, Any]) -> float:
    return float(len(records["rows"]))


def last(values: npt.NDArray[Any]) -> float:
    return float(values[0])


def pause(seconds: float, number: int) -> int:
    time.sleep(seconds)
    return number
