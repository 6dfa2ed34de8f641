"""Values of all families nested in each other, other spellings of them, and values that differ from them in one thing.

They come from a `random.Random`, not from hypothesis' own draws, so that a million of them are made in minutes; the seed
is what hypothesis draws.
"""

from hashing.values import builtin, code, libraries
from hashing.values.spelling import changed, respelled

__all__ = ["changed", "respelled", "value"]

LEAVES = [*builtin.LEAVES, *code.LEAVES, *libraries.LEAVES]
MAKERS = [*builtin.MAKERS, *code.MAKERS, *libraries.MAKERS]


def value(r, depth=3):
    """A value of any family, with others in it down to *depth*."""
    if depth == 0 or r.random() < 0.3:
        return r.choice(LEAVES)(r)
    return r.choice(MAKERS)(r, lambda: value(r, depth - 1))
