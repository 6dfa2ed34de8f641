"""The option `files`: arguments that name files, of which the contents are inputs."""

from __future__ import annotations

from os import PathLike
from typing import Any, Final, cast

from provenance.archives import ArchivedFile
from provenance.errors import UnserializableValueError
from provenance.hashing.files import InputFile
from provenance.model.references import in_ignored_input, is_proxy, unwrap

_PATHS: Final = frozenset({"str", "bytes", "PosixPath", "WindowsPath"})
"""Types of results that are paths."""


def content_input(value: object, seen: list[object] | None) -> object:
    """Return an argument with the contents of files in place of their paths, also inside containers.

    A path that is a result stays an input artifact, noted in *seen*. An archived file counts by its
    content anyway. Anything else is returned as it is.
    """
    if is_proxy(value):
        kind = cast("Any", value).__provenance_reference__().value_type
        if kind.rpartition(":")[2] not in _PATHS:
            return value
        if seen is not None:
            seen += in_ignored_input(value)
        value = unwrap(value)
    if isinstance(value, ArchivedFile | InputFile):
        return value
    if isinstance(value, str | bytes | PathLike):
        return InputFile(cast("str", value))
    kind = type(value)
    if kind in (list, tuple):
        members = [content_input(member, seen) for member in cast("list[object]", value)]
        return members if kind is list else tuple(members)
    if kind is dict:
        items = cast("dict[object, object]", value).items()
        return {key: content_input(member, seen) for key, member in items}
    return value


def refuse_files(what: str, value: object, seen: list[object]) -> None:
    """Refuse a result that holds the path of a file: what is in it later is not what it is now."""
    for part in seen:
        if isinstance(part, InputFile):
            reason = f"it holds the path {part.path!r}, whose content is not stored"
            advice = "return what is in the file, or decorate the function with archive_file=True"
            raise UnserializableValueError(what, reason, value, advice)
