"""Pages of ids as ranges of a database's index."""

from __future__ import annotations


def between(prefix: str, after: str) -> tuple[str, str]:
    """Where to begin and end, so as to find ids with *prefix* after *after*: they are hexadecimal, and of one length.

    >>> between("ab", ""), between("ab", "ab12")
    (('ab', 'abg'), ('ab120', 'abg'))
    """
    return max(prefix, after + "0" if after else ""), prefix + "g"
