"""The options for functions that return a file to archive, and the load arguments of its record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

from provenance.archives import ArchivedFile, ArchivedFolder
from provenance.errors import ConfigError, UnarchivableFileError
from provenance.records import Blob, Options, options
from provenance.showing import shown

_RELATED: Final = ("delete_original_file", "preserve_file_ext")
_OPPOSED: Final = ("serializer", "load_kwargs", "dump_kwargs", "returns_composite")


@frozen
class Archiving:
    """How to archive the file whose path a function returns."""

    __module__ = "provenance"

    delete_original: bool = False
    preserve_extension: bool = False


def archiving_of(
    choices: Mapping[str, object], refuse: Callable[[str, str, str], ConfigError]
) -> Archiving | None:
    """Return the archiving options; None if no file is archived.

    Raises:
        ConfigError: made by *refuse*, for options that cannot be combined.
    """
    for option in ("archive_file", *_RELATED):
        if not isinstance(choices.get(option, False), bool):
            raise refuse(
                option, f"must be a bool, got {shown(choices[option])}", "pass True or False"
            )
    if not choices.get("archive_file"):
        for option in filter(choices.get, _RELATED):
            raise refuse(option, "requires archive_file=True", "add that, or leave it out")
        return None
    for option in filter(choices.get, _OPPOSED):
        advice = "the file is stored as it is: leave it out"
        raise refuse(option, "cannot be combined with archive_file", advice)
    return Archiving(bool(choices.get(_RELATED[0])), bool(choices.get(_RELATED[1])))


def load_kwargs_of(value: object, written: Blob, others: Options) -> Options:
    """Return the load arguments in the record of an archived file; *others* for any other value.

    Raises:
        UnarchivableFileError: if the *written* bytes differ from those that were hashed.
    """
    if not isinstance(value, ArchivedFile):
        return others
    # With `read_only` nothing was written.
    if written.id and written != value.blob:
        problem, advice = (
            "it changed while it was archived",
            "make sure nobody writes to it, and call again",
        )
        raise UnarchivableFileError(repr(value.name), problem, advice, value)
    facts: dict[str, object] = {"digest": value.digest, "name": value.name}
    if not isinstance(value, ArchivedFolder):
        facts.update(size=value.size, extension=value.extension)
    return options(facts)
