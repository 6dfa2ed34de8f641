"""Files as values: a path that is hashed by what is in the file, or in the files of the folder.

The bytes are read where interpreters are, which the composition root sets with `set_content_reader`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, TypeAlias, cast

from attrs import field, frozen

from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import register_item
from provenance.hashing.walk import Walk
from provenance.util.formatting import safe_repr
from provenance.util.naming import exported

AnyPath: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes]"


@frozen
class FileContent:
    """What is in a file, or in the files of a folder: a digest, and the size in bytes."""

    digest: str
    size: int
    is_folder: bool


@exported
@frozen(repr=False)
class InputFile:
    """The path of a file or folder whose content counts as an input, and not its name.

    It is an `os.PathLike`. No copy is stored. The content is read when the value is hashed, unless
    the digest is known from an earlier time and the file has not changed since.

    Example:
        >>> import provenance as p
        >>> from pathlib import Path
        >>> _ = Path("data.csv").write_text("1")
        >>> before = p.hash(p.file("data.csv"))
        >>> _ = Path("data.csv").write_text("2")
        >>> before == p.hash(p.file("data.csv"))
        False
    """

    path: str = field(converter=os.fsdecode)

    def __fspath__(self) -> str:
        return self.path

    def __str__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return f"<provenance.InputFile {self.path!r}>"


def file(path: AnyPath, /) -> InputFile:
    r"""Return the file or folder at *path* as a value: its content counts in hashes, and not its name.

    Args:
        path: The path, which is not looked at before the value is hashed.

    Returns:
        An `os.PathLike`, to be passed to decorated functions, alone or inside other arguments.

    Raises:
        TypeError: if *path* is not a path, or is an archived file, whose content counts anyway.

    Example:
        >>> import provenance as p
        >>> from pathlib import Path
        >>> @p.provenance()
        ... def count(path: Path) -> int:
        ...     return len(Path(path).read_text().splitlines())
        >>> _ = Path("data.csv").write_text("1\n2\n")
        >>> before = count(p.file("data.csv"))
        >>> _ = Path("data.csv").write_text("1\n2\n3\n")
        >>> int(before), int(count(p.file("data.csv")))
        (2, 3)
    """
    given = cast("object", path)
    if isinstance(given, str | bytes | os.PathLike) and not hasattr(path, "digest"):
        return InputFile(path)
    problem = f"expected a path, got {safe_repr(path)}"
    advice = "pass a string or a pathlib.Path; an archived file needs no p.file, pass it as it is"
    raise TypeError(f"{problem}; {advice}")


_reader: Final[list[Callable[[str], FileContent]]] = []


def set_content_reader(read: Callable[[str], FileContent]) -> None:
    """Set the function that returns what is at a path."""
    _reader[:] = [read]


_FILE: Final = prefix("input file")
_FOLDER: Final = prefix("input folder")


def _item(value: InputFile, walk: Walk) -> Item:
    content = _reader[0](value.path)
    if walk.notes is not None:
        walk.notes.append(value)
    tag = _FOLDER if content.is_folder else _FILE
    return node(tag, (bytes.fromhex(content.digest), content.size))


register_item(InputFile, _item)
