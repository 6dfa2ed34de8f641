"""Helpers for testing code that uses the library, and stores and programs that extend it.

`in_memory` and `in_folder` give a test its own repository, `scripted` runs a program without a
store, `FixedClock` stops time, `failing` fails at a chosen effect, and `check_hasher` checks a
custom hasher.

The behavior of stores is tested by `provenance.testing.contracts`; `harness` and `strategies` have
records for tests. `contracts` needs pytest and hypothesis, and `strategies` needs hypothesis
(`pip install pytest hypothesis`).
"""

from provenance.effects.layers import failing
from provenance.testing.environments import (
    FixedClock,
    folder_environment,
    in_folder,
    in_memory,
    memory_environment,
)
from provenance.testing.harness import StoreUnderTest
from provenance.testing.hashers import check_hasher
from provenance.testing.scripted import scripted

__all__ = [
    "FixedClock",
    "StoreUnderTest",
    "check_hasher",
    "failing",
    "folder_environment",
    "in_folder",
    "in_memory",
    "memory_environment",
    "scripted",
]
