"""What every command has: the repository that it asks, and how its report is printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import update_wrapper
from pathlib import Path
from typing import Any, Concatenate, Final, TypeAlias, TypeGuard

import click
from attrs import field, frozen

import provenance as p
from provenance.cli.reports import Command, Output, Report, detect_output, print_report
from provenance.documents.words import format_time

SHORT_ID: Final = 12
"""Digits of an id on a terminal; in a pipe ids are whole."""
_BUNDLE: Final = ".zip"
_DATABASES: Final = (".db", ".sqlite", ".sqlite3")


@frozen
class Session:
    """One command: the repository that it names, and how it prints."""

    output: Output
    repo_name: str | None = None
    trust: bool = False
    now: datetime = field(factory=lambda: datetime.now().astimezone())

    def repository(self, name: str | None = None) -> p.Repository:
        """Return the repository *name*, by default that of the command; it must exist.

        Raises:
            StoreUnavailableError: if nothing is stored there; looking creates no store. A chain
                is there if one of its members is, and its other members are created.
        """
        wanted = name or self.repo_name
        if wanted is not None and wanted.endswith(_BUNDLE):
            return p.open_bundle(wanted, trusted=self.trust)
        if _is_file(wanted):
            return self._open_file(Path(wanted))
        place = p.location(wanted)
        if is_new(place):
            advice = f"run a decorated function first, or name another one with --repo (configuration: {place.config})"
            raise p.StoreUnavailableError(place.repo, f"{place.records} does not exist", advice)
        return p.get_default_repo() if wanted is None else p.get_repo_by_name(wanted)

    def _open_file(self, path: Path) -> p.Repository:
        """Return the repository in an SQLite file, with the folder `blobs` beside it if it exists."""
        file = path / "provenance.db" if path.is_dir() else path
        if not file.is_file():
            raise p.StoreUnavailableError(str(path), "the file does not exist", "check the path")
        blobs = file.parent / "blobs"
        trusted = self.trust
        store = p.DiskStore("blobs", cachedir=blobs, trusted=trusted) if blobs.is_dir() else None
        options: Any = {"db": file.absolute(), "create_db": False, "trusted": trusted}
        return p.SqliteRepo(file.name, store=store, **options)

    def location(self) -> p.Location:
        """Return where the repository of the command is; a configured one is not opened."""
        name = self.repo_name
        is_open = name is not None and (name.endswith(_BUNDLE) or _is_file(name))
        return p.location(self.repository() if is_open else name)

    def target(self, name: str | None, *, create: bool = True) -> p.Repository:
        """Return a repository to write to, which is created if it does not exist; without *create*, one in memory."""
        if not _is_file(name):
            place = p.location(name)
            if not create and is_new(place):
                trusted = p.current_config().artifact_repos[place.repo].trusted
                return p.MemoryRepo(place.repo, trusted=trusted)
            return p.get_default_repo() if name is None else p.get_repo_by_name(name)
        path = Path(name)
        if path.exists() or not name.endswith(_DATABASES):
            return self._open_file(path)
        if not create:
            return p.MemoryRepo(path.name, trusted=self.trust)
        return p.SqliteRepo(path.name, db=path.absolute(), trusted=self.trust)

    def artifact(self, text: str) -> p.Artifact[object]:
        """Return the artifact that *text* names: an id, its first digits, or `@set/name`."""
        found = list(self.artifacts([text]))
        if len(found) != 1:
            raise click.UsageError(f"{text!r} names {len(found)} artifacts; name one")
        return found[0]

    def artifacts(self, texts: Iterable[str]) -> Iterator[p.Artifact[object]]:
        """Yield the artifacts that *texts* name: ids, `@set`, `@set/name`, or `-` for ids on stdin."""
        repo = self.repository()
        for text in self.texts(texts):
            if text.startswith("@"):
                set_name, _, name = text[1:].partition("/")
                members = p.load_set_by_name(set_name, repo)
                found = members.artifacts_named(name) if name else members.artifacts
                if not found:
                    raise p.SetNotFoundError(f"named {set_name!r} with {name!r} in it", repo.name)
                yield from found
            else:
                yield repo.get_by_id(text)

    def texts(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield *texts*, with the lines on stdin in place of `-`."""
        for text in texts:
            if text == "-":
                yield from filter(None, map(str.strip, sys.stdin or ()))
            else:
                yield text

    def short(self, digest: object) -> str:
        """Return an id as text: its first digits on a terminal, whole in a pipe."""
        text = str(digest)
        return text[:SHORT_ID] if self.output.is_terminal else text

    def when(self, moment: object) -> str:
        """Return a time of a JSON document as text, near the present by the day."""
        return format_time(str(moment), self.now)


def chain_members(place: p.Location) -> list[p.Location]:
    """Return where the members of a configured chain are; nothing for any other repository."""
    settings = p.current_config().artifact_repos.get(place.repo)
    return list(map(p.location, getattr(settings, "stores", ())))


def is_new(place: p.Location) -> bool:
    """Tell whether nothing is stored yet at a place on this machine, or in any member of a chain."""
    if members := chain_members(place):
        return all(map(is_new, members))
    return Path(place.records).is_absolute() and not Path(place.records).exists()


def _is_file(name: str | None) -> TypeGuard[str]:
    """Return whether *name* is that of an SQLite file or of a folder, and of no configured repository."""
    return name is not None and (name.endswith(_DATABASES) or os.sep in name)


def import_from_here() -> None:
    """Let modules of the working directory be imported, as by `python -m`."""
    here = os.getcwd()  # noqa: PTH109 - text
    if here not in sys.path:
        sys.path.insert(0, here)


_COMMON: Final = (
    click.option(
        "-r",
        "--repo",
        "repo_name",
        metavar="NAME|FILE",
        envvar="PROVENANCE_REPO",
        help="A configured repository, an SQLite file or a bundle; by default the default repository.",
    ),
    click.option("--config", metavar="FILE", help="Configuration to load, a YAML file."),
    click.option("--json", "form", flag_value="json", help="Print one JSON document."),
    click.option("--ndjson", "form", flag_value="ndjson", help="Print one JSON object a line."),
    click.option("--csv", "form", flag_value="csv", help="Print CSV."),
    click.option("--ids", "form", flag_value="ids", help="Print only ids, one a line."),
    click.option("--no-color", is_flag=True, help="Print without colors, as NO_COLOR does."),
    click.option("--no-pager", is_flag=True, help="Print without a pager."),
    click.option("--trust", is_flag=True, help="Decode values of a FILE, which may execute code."),
    click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, help="Show the traceback of an error."
    ),
)


Function: TypeAlias = Callable[Concatenate[Session, ...], Report | None]
"""What a command does: a function of the session, and of the command's own arguments."""


def command(
    *options: Callable[[Any], Any], name: str | None = None, pages: bool = False
) -> Callable[[Function], click.Command]:
    """Return a decorator that makes a function of a session a command, which prints its report.

    Args:
        options: Its arguments and options, made by click; those of all commands follow.
        name: The name of the command, by default that of the function without `_command`.
        pages: Print long text through a pager.
    """

    def decorate(function: Function) -> click.Command:
        def invoke(**given: Any) -> int:  # noqa: ANN401 - options of any command
            session = _open_session(given)
            report = function(session, **given)
            if report is not None:
                print_report(report, session.output, pages=pages)
            return getattr(report, "code", 0)

        update_wrapper(invoke, function)
        decorated: Any = invoke
        for option in reversed((*options, *_COMMON)):
            decorated = option(decorated)
        return click.command(name, cls=Command)(decorated)

    return decorate


def _open_session(given: dict[str, Any]) -> Session:
    """Take the options of all commands out of those that are given, and open a session with them."""
    if (config := given.pop("config")) is not None:
        p.load_yaml_config(config)
    color, pager = not given.pop("no_color"), not given.pop("no_pager")
    output = detect_output(given.pop("form") or "text", color=color, pager=pager)
    return Session(output, given.pop("repo_name"), given.pop("trust"))
