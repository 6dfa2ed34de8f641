"""What a function's options say of the file that it returns, and what a record keeps of it beside the bytes."""

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
    """That a function returns the path of a file, which is to be archived, and how."""

    delete_original: bool = False
    preserve_extension: bool = False


def archiving_of(choices: Mapping[str, object], refuse: Callable[[str, str, str], ConfigError]) -> Archiving | None:
    """What `archive_file`, `delete_original_file` and `preserve_file_ext` ask for; None where no file is archived.

    Raises:
        ConfigError: made by *refuse*, for options that cannot go together.
    """
    wanted, deletes, preserves = (_flag(choices, option, refuse) for option in ("archive_file", *_RELATED))
    given = [option for option in (_OPPOSED if wanted else _RELATED) if choices.get(option)]
    if given and wanted:
        raise refuse(given[0], "it cannot be combined with archive_file", "the file is stored as it is: leave it out")
    if given:
        raise refuse(given[0], "it needs archive_file=True", "add that, or leave it out")
    return Archiving(deletes, preserves) if wanted else None


def _flag(choices: Mapping[str, object], option: str, refuse: Callable[[str, str, str], ConfigError]) -> bool:
    flag = choices.get(option, False)
    if not isinstance(flag, bool):
        raise refuse(option, f"{shown(flag)} is no bool", "write True or False")
    return flag


def load_kwargs_of(value: object, written: Blob, others: Options) -> Options:
    """What the record of *value* tells its serializer's load function; *others* where it is no archived file.

    Raises:
        UnarchivableFileError: if what was *written* is not what was examined.
    """
    if not isinstance(value, ArchivedFile):
        return others
    if written.id and written != value.blob:  # nothing was written if it is read-only
        advice = "let nobody write to it meanwhile, and call again"
        raise UnarchivableFileError(repr(value.name), "it was changed while it was archived", advice, value)
    facts: dict[str, object] = {"digest": value.digest, "name": value.name}
    if not isinstance(value, ArchivedFolder):
        facts.update(size=value.size, extension=value.extension)
    return options(facts)
