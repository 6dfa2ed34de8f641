"""The three caches, each as it comes out of the box, in folders of their own under one temporary folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diskcache
import joblib

import provenance as p
from benchmarks.settings import all_of_them


def load_ours(folder: Path) -> None:
    """Make SQLite + disk under *folder* the default, and configure the variations that are compared."""
    p.load_config(all_of_them(folder))


def with_joblib(function: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    """*function*, cached by joblib.Memory; it never waits for the device."""
    cached: Callable[..., Any] = joblib.Memory(folder / "joblib", verbose=0).cache(function)
    return cached


def with_diskcache(
    function: Callable[..., Any], folder: Path, *, power: bool = False
) -> Callable[..., Any]:
    """*function*, cached by diskcache; with *power* each write waits for the device, as SQLite's FULL has it."""
    name, settings = ("diskcache-power", {"sqlite_synchronous": 2}) if power else ("diskcache", {})
    cached: Callable[..., Any] = diskcache.Cache(str(folder / name), **settings).memoize()(function)
    return cached
