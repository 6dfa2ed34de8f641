"""What processes of their own do with a store; run as `python -m contract.processes TASK FOLDER`.

A fresh interpreter forks here, so that no thread of the tests is in the way. An assertion that fails is its exit code.
"""

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve

from contract.samples import record, run
from contract.stores import BACKENDS, SHARED, StoreUnderTest
from provenance.effects.io import blob_of
from provenance.effects.sql.postgres import PostgresDatabase
from provenance.effects.sql.postgres_connection import ConnectionSettings
from provenance.effects.sql.records import SqlRecords
from provenance.effects.sql.sqlite import SqliteDatabase
from provenance.effects.sql.stores import SqlBlobs, SqlSets
from provenance.model.records import InlineBlob
from provenance.ports.blobs import blob_effects
from provenance.ports.records import FindRecord, ListDependents, PutRecord, record_effects
from servers.postgres import VERSIONS, server
from waiting import PATIENCE

SOURCE = "a" * 40
CHILDREN = 8
LARGE = bytes(3 << 20)
"""As many bytes as several threads digest together."""


def put(place: StoreUnderTest, **changes: object) -> object:
    """Put a record with a value of its own, and read it back."""
    one = record(input_artifact_ids=frozenset({SOURCE}), **changes)
    data = one.id.encode()
    written = place.write(data)
    one = evolve(one, value_blob=written.blob, inputs_blob=written.blob)
    stored = place.ask(
        PutRecord(one, run(), "{}", (written,) if isinstance(written, InlineBlob) else ())
    )
    assert stored == place.ask(FindRecord(one.id))
    assert (data if stored == one else place.read(stored.value_blob)) == place.read(
        stored.value_blob
    )
    return stored


def in_children(count: int, task) -> None:
    """Do *task* in so many forked processes at once."""
    go_read, go_write = os.pipe()
    children = []
    for turn in range(count):
        child = os.fork()
        if child == 0:
            os.close(go_write)
            os.read(go_read, 1)  # ends for all at once, when the parent closes its end
            code = 1
            try:
                task(turn)
                gc.collect()
                code = 0
            finally:
                sys.stderr.flush()
                if turn % 2:
                    os._exit(code)
            sys.exit(code)  # half of them run their finalizers
        children.append(child)
    os.close(go_read)
    os.close(go_write)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert [0] * count == codes


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """A thread does *work* once, and then again and again; whatever happens meanwhile, it is stopped."""
    stop, ready = threading.Event(), threading.Event()

    def busy() -> None:
        while not stop.is_set():
            work()
            ready.set()

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield
    finally:
        stop.set()
        thread.join()


def start_servers() -> None:
    """Start what processes share; else each would have its own."""
    for version in VERSIONS:
        server(version)


def first_use(folder: Path) -> None:
    """Several processes open a store that is not there yet, and all win."""
    start_servers()
    for name in ("sqlite and disk", "postgres and disk"):
        where = folder / name / "new" / "place"
        in_children(
            CHILDREN,
            lambda _, name=name, where=where: [put(BACKENDS[name](where)) for _ in range(5)],
        )
        place = BACKENDS[name](where)
        assert 5 * CHILDREN == len(place.ask(ListDependents(SOURCE)))
        place.close()


def same_record(folder: Path) -> None:
    """Several processes put the same record, and all get the winner's."""
    start_servers()
    for name in ("sqlite", "postgres 16", "postgres 18"):
        where = folder / name
        in_children(
            CHILDREN,
            lambda turn, name=name, where=where: put(
                BACKENDS[name](where), id="b" * 40, version=turn
            ),
        )
        place = BACKENDS[name](where)
        assert ("b" * 40,) == place.ask(ListDependents(SOURCE))
        place.close()


def inherited_everywhere(folder: Path) -> None:
    """As `inherited`, with every store of this machine."""
    inherited(folder, tuple(BACKENDS))


def inherited(
    folder: Path, names: Iterable[str] = ("memory", "sqlite and disk", "postgres and disk")
) -> None:
    """Forked children use the store that their parent has open, in its threads too, and the parent goes on."""
    for name in names:
        place = BACKENDS[name](folder / name)
        put(place)
        large = place.keep(LARGE)

        def work(_: int, place=place, large=large) -> None:
            for _ in range(3):
                put(place)
            assert LARGE == place.read(large)
            assert large == place.keep(LARGE)

        with beside(lambda place=place: put(place)):
            in_children(4, work)
            put(place)
        shared = 12 if name in SHARED else 0
        assert len(place.ask(ListDependents(SOURCE))) >= shared + 3
        place.close()


def put_in(name: str, folder: Path) -> str:
    """Put a record in a place that is opened and closed for it; answers its id."""
    place = BACKENDS[name](folder)
    stored = put(place)
    place.close()
    return stored.id


def killed(folder: Path) -> None:
    """A process that dies amid a transaction leaves nothing of it, and holds nobody up."""
    start_servers()
    for opened in (
        lambda: SqliteDatabase(folder / "provenance.db"),
        *(
            lambda version=version: PostgresDatabase(
                ConnectionSettings(url=server(version).database_for(folder))
            )
            for version in VERSIONS
        ),
    ):
        killed_amid_a_transaction(opened)


def killed_amid_a_transaction(opened) -> None:
    """The same for one database."""
    database = opened()
    place = StoreUnderTest(
        blob_effects(SqlBlobs(database)) | record_effects(SqlRecords(database), SqlSets(database)),
        lambda *_: None,
    )
    put(place)

    def die(_: int) -> None:
        def work(execute) -> None:
            execute(
                "INSERT INTO quarantined_blobs (id, data, set_aside_at) VALUES (?, ?, ?)",
                (blob_of(b"half").id, b"half", "2024-05-17 12:30:00+00:00"),
            )
            os._exit(0)

        opened().transaction(work)

    in_children(1, die)
    put(place)
    assert [] == database.query(
        "SELECT id FROM quarantined_blobs WHERE id = ?", blob_of(b"half").id
    )
    database.close()


def unclosed(folder: Path) -> None:
    """A database that nobody closes gives no warning: not when its thread ends, not when the process does."""
    place = BACKENDS["sqlite"](folder)
    threads = [threading.Thread(target=put, args=(place,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    put(place)
    gc.collect()
    other = BACKENDS["sqlite"](folder / "other")
    put(other)
    del other
    gc.collect()


def in_process(module: str, task: str, folder: Path, *more: str) -> None:
    """Do *task* of *module*, which is told *more*, in a fresh interpreter, to which every warning is an error."""
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore:Sending a large body",
            "-m",
            module,
            task,
            str(folder),
            *more,
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), *sys.path])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)


if __name__ == "__main__":
    TASKS = (first_use, same_record, inherited, inherited_everywhere, killed, unclosed)
    {task.__name__: task for task in TASKS}[sys.argv[1]](Path(sys.argv[2]))
