"""Helpers for the tests of code that uses the library, and of stores and programs that extend it.

`in_memory` and `in_folder` give a test a repository of its own, `scripted` plays a program without any store, `FixedClock`
stops time, `faulty` fails at a chosen question, `check_hasher` checks what `register_hasher` was taught.

What every store must do is in `provenance.testing.contracts`, and records to test with are in `samples` and `strategies`
beside it; `contracts` needs pytest and hypothesis, `strategies` hypothesis (`pip install 'provenance[testing]'`).
"""

from provenance.effects.faults import faulty
from provenance.hasher_laws import check_hasher
from provenance.testing.environments import (
    FixedClock,
    folder_environment,
    in_folder,
    in_memory,
    memory_environment,
)
from provenance.testing.places import Place
from provenance.testing.scripts import scripted

__all__ = [
    "FixedClock",
    "Place",
    "check_hasher",
    "faulty",
    "folder_environment",
    "in_folder",
    "in_memory",
    "memory_environment",
    "scripted",
]
