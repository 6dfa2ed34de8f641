"""Types of ids, which the type checkers keep apart."""

import re
from typing import Final, NewType

ArtifactId = NewType("ArtifactId", str)
"""Id of a call: its function's identity and the values of its inputs."""
ValueId = NewType("ValueId", str)
"""Id of a value, however it was computed."""
BlobId = NewType("BlobId", str)
"""Id of stored bytes: their digest, so that equal bytes are stored once."""
RunId = NewType("RunId", str)
"""Id of the process that computed an artifact."""
DerivationId = NewType("DerivationId", str)
"""Id of the inputs by which an artifact was obtained, if they are not the recorded ones."""
SetId = NewType("SetId", str)
"""Id of a set of artifacts, derived from its members."""

NO_IDS: Final[frozenset[ArtifactId]] = frozenset()
"""The empty set of artifact ids."""
ID_BYTES: Final = 20
"""Size of an id: the first 160 bits of a BLAKE3 digest."""
ID_DIGITS: Final = 2 * ID_BYTES
"""Length of an id in lower-case hexadecimal digits."""
SHORTEST_PREFIX: Final = 6
"""Minimum length of the prefix of an id."""

_PREFIX: Final = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},{ID_DIGITS}}}")


def is_prefix(text: str) -> bool:
    """Tell whether *text* is an id or a prefix of one.

    >>> is_prefix("88311853"), is_prefix("8831"), is_prefix("../../etc")
    (True, False, False)
    """
    return _PREFIX.fullmatch(text) is not None


def main_name(module: str) -> str:
    """Return the name of a module in ids.

    A spawned child knows its parent's `__main__` as `__mp_main__`.

    >>> main_name("__mp_main__"), main_name("json")
    ('__main__', 'json')
    """
    return "__main__" if module == "__mp_main__" else module
