"""Commands about the installation: configuration, checks, tables, SQL, completion and the web page."""

from __future__ import annotations

import os
import re
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, cast

import click
from attrs import asdict

import provenance as p
from provenance.cli.reports import Column, Command, Facts, Listing, Report, writing
from provenance.cli.session import Session, chain_members, command, is_new
from provenance.documents.items import Item, as_json, attributes
from provenance.documents.words import count_of
from provenance.util.formatting import size

_OPTIONAL: Final = (
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "psycopg",
    "s3fs",
    "gcsfs",
    "sshfs",
    "torch",
    "resvg-py",
    "zstandard",
    "lz4",
)


@command(click.argument("what", type=click.Choice(["show", "path", "check"]), default="show"))
def config_command(session: Session, what: str) -> Report:
    """Show where results are stored and the configuration; `path` shows its file, `check` only checks it.

    Secrets are not shown.
    """
    place = session.location()
    if what == "path":
        return Facts({"config": place.config}, text=place.config)
    if what == "check":
        return Facts({"config": place.config, "is_valid": True}, text=f"{place.config}: valid")
    config = p.current_config()
    settings: Item = {
        f"{kind}.{name}": repr(entry)
        for kind in ("artifact_repos", "blobstores")
        for name, entry in getattr(config, kind).items()
    }
    settings |= attributes(config, "use_cache", "read_only", "check_mutations")
    rows = (
        ("repository", place.repo),
        ("records", place.records),
        ("values", place.values),
        ("found in", place.config),
        *((name, str(setting)) for name, setting in settings.items()),
    )
    document = {**asdict(place), "default_repo": config.default_repo, "settings": settings}
    return Facts(document, rows, id="repo")


def _checks(session: Session) -> Iterator[tuple[str, bool, str]]:
    """Yield the name of each check, whether all is well, and what was found."""
    yield "provenance", True, p.__version__
    yield "python", True, f"{sys.version.split()[0]} ({sys.platform}) at {sys.executable}"
    try:
        place = session.location()
    except p.StoreUnavailableError as error:
        yield "repository", False, str(error)
        return
    yield "configuration", True, place.config
    yield "records", True, place.records
    yield "values", True, place.values
    members = chain_members(place) or [place]
    if is_new(place) and session.repo_name is None:
        obstacle = next(filter(None, (_obstacle(Path(one.records)) for one in members)), None)
        found = "is created by the first decorated call"
        if obstacle is not None:
            found = f"cannot be created: {obstacle} is not a folder that you may write to"
        yield "repository", obstacle is None, f"{place.repo!r} {found}"
    else:
        yield from _check_repository(session)
    for path in dict.fromkeys(path for one in members for path in (one.records, one.values)):
        if Path(path).is_absolute() and Path(path).exists():
            yield from _check_path(Path(path))
    for name in _OPTIONAL:
        try:
            yield f"library {name}", True, version(name)
        except PackageNotFoundError:
            yield f"library {name}", True, "not installed"


def _obstacle(path: Path) -> Path | None:
    """Return what hinders that the file *path* is created, None if nothing is seen to."""
    nearest = next((parent for parent in path.parents if os.path.lexists(parent)), path)
    return None if nearest.is_dir() and os.access(nearest, os.W_OK) else nearest


def _check_repository(session: Session) -> Iterator[tuple[str, bool, str]]:
    try:
        repo = session.repository()
        groups = p.functions(repo)
        count, total = sum(g.artifacts for g in groups), sum(g.bytes for g in groups)
        yield "repository", True, f"{repo.name!r} answers: {count:,} artifacts, {size(total)}"
        refused = "untrusted: values that could execute code are refused"
        yield "trust", True, "trusted" if repo.trusted else refused
        newest = max((g.newest for g in groups), default=None)
        # Not `session.now`: since then others may have stored results.
        now = datetime.now().astimezone()
        is_future = newest is not None and newest > now
        ahead = f"ahead of this machine's: {newest}"
        yield "clock", not is_future, ahead if is_future else f"{now:%Y-%m-%d %H:%M %z}"
        leases = p.expired_leases(repo)
        left = f"{count_of(len(leases), 'lease')} of ended processes; `provenance gc` deletes them"
        yield "leases", True, left if leases else "none was left behind"
    except p.ProvenanceError as error:
        yield "repository", False, str(error)


_NETWORKED: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "lustre", "glusterfs"}
)


def _check_path(path: Path) -> Iterator[tuple[str, bool, str]]:
    folder = path if path.is_dir() else path.parent
    room = os.statvfs(folder)
    free = room.f_bavail * room.f_frsize
    yield f"disk room at {folder}", free > 100_000_000, f"{size(free)} free"  # noqa: PLR2004
    yield f"writable {path}", os.access(path, os.W_OK), "yes" if os.access(path, os.W_OK) else "no"
    kind = _file_system(folder)
    if path.is_file() and kind is not None:
        is_remote = kind in _NETWORKED
        advice = "; SQLite is not safe there, use PostgreSQL" if is_remote else ""
        yield f"file system of {path.name}", not is_remote, f"{kind}{advice}"


def _file_system(folder: Path) -> str | None:
    """Return the kind of file system that *folder* is on, None where the system does not list them."""
    try:
        lines = [line.split() for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    except OSError:
        return None
    mounts = ((re.sub(r"\\040", " ", line[1]), line[2]) for line in lines)
    over = [(mount, kind) for mount, kind in mounts if folder.is_relative_to(mount)]
    return max(over, key=lambda entry: len(entry[0]))[1] if over else None


@command(click.option("--bundle", metavar="FILE", help="Write a zip for a bug report."))
def doctor_command(session: Session, bundle: str | None) -> Report:
    """Check versions, stores, clock, disk room, file system and optional libraries; exit 1 if something is wrong.

    --bundle writes the answers as a zip for a bug report: no values, no arguments, no secrets.
    """
    items: tuple[Item, ...] = tuple(
        {"check": name, "ok": good, "found": text} for name, good, text in _checks(session)
    )
    wrong = sum(not item["ok"] for item in items)
    footer = "all is well" if not wrong else f"{wrong} of {len(items)} checks failed"
    columns = (
        Column("", "ok", lambda good: "ok" if good else "WRONG"),
        Column("CHECK", "check", flexible=True),
        Column("FOUND", "found", flexible=True),
    )
    if bundle is not None:
        _write_bundle(Path(bundle), items)
        footer += f"; written to {bundle}"
    return Listing(items, columns, footer, id="check", code=1 if wrong else 0)


def _write_bundle(path: Path, items: tuple[Item, ...]) -> None:
    import json
    from importlib.metadata import distributions
    from zipfile import ZipFile

    names = sorted(f"{one.metadata['Name']}=={one.version}" for one in distributions())
    home = str(Path.home())
    facts = json.dumps({"version": 1, "checks": list(items)}, indent=1).replace(home, "~")
    with ZipFile(path, "w") as bundle:
        bundle.writestr("doctor.json", facts)
        bundle.writestr("packages.txt", "\n".join(names))


@command(click.argument("to_version", metavar="[VERSION]", type=int, required=False))
def migrate_command(session: Session, to_version: int | None) -> Report:
    """Migrate the tables of the database to VERSION, by default the newest."""
    repo = session.repository()
    repo.migrate(to_version)
    done = "the newest version" if to_version is None else f"version {to_version}"
    document: Item = {"repo": repo.name, "migrated_to": to_version}
    return Facts(document, text=f"{repo.name}: the tables have {done}")


@command(
    click.argument("statement"),
    click.option(
        "-p",
        "--parameter",
        "parameters",
        multiple=True,
        metavar="NAME=VALUE",
        help="A parameter of the statement.",
    ),
)
def sql_command(session: Session, statement: str, parameters: tuple[str, ...]) -> Report:
    """Query the database, for example: provenance sql "select name, count(*) from artifacts group by 1".

    The database is opened for reading only. Parameters are written as :name.
    """
    values = dict(_parameter(text) for text in parameters)
    engine = session.repository().engine
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection, closing(connection.connection.cursor()) as cursor:
        try:
            if is_sqlite:
                cursor.execute("PRAGMA query_only = ON")
                cursor.execute(statement, values)
            else:
                cursor.execute("SET TRANSACTION READ ONLY")
                if values:
                    statement = re.sub(
                        r"(?<!:):([A-Za-z_]\w*)", r"%(\1)s", statement.replace("%", "%%")
                    )
                # Only one statement can be prepared: "COMMIT; DELETE ..." would leave the transaction.
                cast("Any", cursor).execute(statement, values or None, prepare=True)
            names = [str(column[0]) for column in cursor.description or ()]
            rows: list[Any] = [*cursor.fetchall()] if names else []
        except Exception as error:
            raise click.UsageError(f"the database refuses it: {error}") from error
        finally:
            if is_sqlite:
                cursor.execute("PRAGMA query_only = OFF")
    items: tuple[Item, ...] = tuple(
        {name: _cell(value) for name, value in zip(names, row, strict=True)} for row in rows
    )
    columns = tuple(Column(name, name, _cell_text, flexible=True) for name in names)
    key = names[0] if names else "id"
    return Listing(items, columns, id=key, empty="no rows", code=0 if items else 1)


def _parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise click.UsageError(f"-p must be NAME=VALUE, got {text!r}")
    return name, value


def _cell(value: object) -> Any:  # noqa: ANN401 - a cell of any table
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, datetime) else as_json(value)


def _cell_text(value: object) -> str:
    return "" if value is None else str(value)


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the script that completes commands, ids and names in a shell.

    \b
    bash: eval "$(provenance completion bash)"
    zsh:  eval "$(provenance completion zsh)"
    fish: provenance completion fish | source
    """  # noqa: D301 - the escape is for click, which keeps the lines as they are
    from click.shell_completion import get_completion_class

    from provenance.cli.app import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"unknown shell {shell!r}")
    with writing():
        click.echo(kind(cli, {}, "provenance", "_PROVENANCE_COMPLETE").source())


@command(
    click.option(
        "--port", type=click.IntRange(0, 65_535), default=0, help="By default any that is free."
    ),
    click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at."),
    click.option("--token", help="The secret of the address, by default a random one."),
    click.option("--browser/--no-browser", default=True, help="Open a browser (the default)."),
)
def ui_command(
    session: Session, port: int, host: str, token: str | None, browser: bool
) -> Report | None:
    """Show what is stored as a web page on this machine, until Ctrl-C.

    The page only reads. A browser needs the token in the printed address.
    """
    from provenance.ui.app import is_loopback, serve

    if not is_loopback(host):
        if token is None:
            problem = "others on the network can reach this address"
            raise click.UsageError(f"--host {host}: {problem}; set a secret with --token")
        warning = f"warning: {host} can be reached from other machines, and is not encrypted"
        click.echo(warning, err=True)

    def announce(address: str) -> None:
        with writing():
            click.echo(address)
        click.echo("press Ctrl-C to stop", err=True)
        if browser:
            webbrowser.open(address)

    repo = session.repository()
    if not serve(repo, announce, host=host, port=port, token=token):
        advice = "choose another --port, or leave it out"
        raise p.StoreUnavailableError(f"{host}:{port}", "nothing can listen there", advice)
    return None
