"""Ids as types of their own, so that an id of one table cannot look into another."""

import re
from typing import Final, NewType

ArtifactId = NewType("ArtifactId", str)
"""Names one call: its function's identity and the values of its inputs."""
ValueId = NewType("ValueId", str)
"""Names a value, however it came to be."""
BlobId = NewType("BlobId", str)
"""Names stored bytes: it is their digest, so equal bytes are kept once."""
RunId = NewType("RunId", str)
"""Names the process that computed an artifact."""
SetId = NewType("SetId", str)
"""Names a set of artifacts by its members."""

NO_IDS: Final[frozenset[ArtifactId]] = frozenset()
"""Of what has to do with no artifact."""
ID_BYTES: Final = 20
"""All ids are the first 160 bits of a BLAKE3 digest …"""
ID_DIGITS: Final = 2 * ID_BYTES
"""… written as lower-case hexadecimal digits."""
SHORTEST_PREFIX: Final = 6
"""People may shorten an id to as few digits as this."""

_PREFIX: Final = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},{ID_DIGITS}}}")


def is_prefix(text: str) -> bool:
    """Tell whether *text* can stand for an id: whole, or its first digits.

    >>> is_prefix("88311853"), is_prefix("8831"), is_prefix("../../etc")
    (True, False, False)
    """
    return _PREFIX.fullmatch(text) is not None


def main_name(module: str) -> str:
    """The name of a module as it counts in ids: a spawned child calls its parent's `__main__` `__mp_main__`.

    >>> main_name("__mp_main__"), main_name("json")
    ('__main__', 'json')
    """
    return "__main__" if module == "__mp_main__" else module
