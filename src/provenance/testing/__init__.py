"""Helpers for testing code that uses the library, and stores and programs that extend it.

`in_memory` and `in_folder` give a test its own repository, `scripted` runs a program without a
store, `FixedClock` stops time, `failing` fails at a chosen effect, and `check_hasher` checks a
custom hasher.

The behavior of stores is tested by `provenance.testing.contracts`; `harness` and `strategies` have
records for tests. `contracts` needs pytest and hypothesis, and `strategies` needs hypothesis
(`pip install pytest hypothesis`).
"""

from provenance.effects.layers import failing as failing
from provenance.testing.environments import (
    FixedClock as FixedClock,
    folder_environment as folder_environment,
    in_folder as in_folder,
    in_memory as in_memory,
    memory_environment as memory_environment,
)
from provenance.testing.harness import StoreUnderTest as StoreUnderTest
from provenance.testing.hashers import check_hasher as check_hasher
from provenance.testing.scripted import scripted as scripted
