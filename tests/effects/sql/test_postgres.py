"""The PostgreSQL database: how it is reached, what is said when it is not, what users find in it."""

import _thread
import logging
import os
import signal
import socket
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa

import provenance as p
from contract.samples import MOMENT, TIME, new_id, record, run
from provenance.effects.io import blob_of
from provenance.effects.sql import statements
from provenance.effects.sql.postgres import PostgresDatabase
from provenance.effects.sql.postgres_connection import ConnectionSettings
from provenance.effects.sql.records import SqlRecords
from provenance.effects.sql.stores import SqlBlobs, SqlSets
from provenance.errors import ConfigError, StoreUnavailableError
from provenance.model.queries import Query
from provenance.model.records import InlineBlob, freeze_options
from provenance.ports.records import FindRecord, ListIds, PutRecord
from servers.postgres import GUARDED, server
from servers.proxy import Proxy
from waiting import PATIENCE, until

SECRET = "s3cr%2Ft"


@pytest.fixture
def url(tmp_path):
    """Address of an empty database."""
    return server(18).database_for(tmp_path)


@pytest.fixture
def database(url):
    """An empty database."""
    made = PostgresDatabase(ConnectionSettings(url=url, connect_timeout=30, statement_timeout=60))
    yield made
    made.close()


@pytest.fixture
def hasty(url):
    """The same, by who waits only two seconds for a statement."""
    made = PostgresDatabase(ConnectionSettings(url=url, connect_timeout=30, statement_timeout=2))
    yield made
    made.close()


@pytest.fixture
def proxy(url):
    """The way to the database that can be cut."""
    made = Proxy(url)
    yield made
    made.close()


def put(database, **changes):
    """Put a record."""
    return SqlRecords(database).put_record(PutRecord(record(**changes), run(), "{}"))


def refused(seconds=15.0, **access):
    """What is said, quickly and without any secret, where the database of *access* cannot be used."""
    database = PostgresDatabase(
        ConnectionSettings(**{"connect_timeout": 2, "statement_timeout": 2, **access}), "team"
    )
    begun = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="'team' is unavailable") as caught:
        database.query("SELECT 1")
    assert time.monotonic() - begun < seconds
    told = "".join(traceback.format_exception(caught.value))
    shown = (
        told,
        repr(caught.value),
        repr(database),
        repr(caught.value.__context__),
        repr(caught.value.__cause__),
    )
    assert [] == [each for each in shown if "s3cr" in each]
    return str(caught.value)


# ---------------------------------------------------------------- what cannot be reached


@pytest.fixture
def guarded(url):
    """Address of the database with a user whose password is another one."""
    name = url.rpartition("/")[2]
    if not server(18).run("SELECT 1 FROM pg_roles WHERE rolname = %s", GUARDED):
        server(18).run(f"CREATE ROLE {GUARDED} LOGIN SUPERUSER PASSWORD 'right'")
    return f"{server(18).address.replace('postgres@', f'{GUARDED}:{SECRET}@')}/{name}"


@pytest.mark.parametrize("create_db", [True, False])
def test_a_wrong_password(guarded, caplog, create_db):
    """It is told at once, with the advice to check it, and shown nowhere."""
    caplog.set_level(logging.DEBUG)
    assert "password authentication failed" in refused(url=guarded, create_db=create_db)
    assert "s3cr" not in caplog.text
    assert "guarded" not in p.PostgresRepo(db=guarded).name


def test_the_right_password(guarded):
    """Whoever has it gets in."""
    database = PostgresDatabase(ConnectionSettings(url=guarded.replace(SECRET, "right")))
    assert [("guarded",)] == database.query("SELECT current_user::text")
    database.close()


def test_nobody_listens():
    """A port where there is no server is told at once."""
    with socket.socket() as silent:  # bound, so that nobody else takes the port
        silent.bind(("127.0.0.1", 0))
        told = refused(url=f"postgresql://me:{SECRET}@127.0.0.1:{silent.getsockname()[1]}/x")
    assert "check that the server is up" in told


def test_a_host_that_is_none():
    """A name that leads nowhere is told."""
    assert "no.such.host" in refused(
        url=f"postgresql://me:{SECRET}@no.such.host.invalid/x", seconds=PATIENCE
    )


def test_a_host_that_never_answers():
    """A black hole is given up after the time to connect."""
    with socket.create_server(("127.0.0.1", 0)) as hole:
        told = refused(url=f"postgresql://me:{SECRET}@127.0.0.1:{hole.getsockname()[1]}/x")
    assert "timeout" in told


def test_no_address():
    """What is no address of such a database is refused before anything is reached; nothing of it is shown."""
    for wrong in (
        "mysql://me:s3cret@host/x",
        "s3cret",
        "postgresql://me:s3cret@host",
        "postgresql://h:s3cret/x/y",
    ):
        with pytest.raises(ConfigError, match="invalid PostgreSQL URL") as caught:
            PostgresDatabase(ConnectionSettings(url=wrong))
        assert "s3c" not in "".join(traceback.format_exception(caught.value))


def test_a_password_of_other_servers_is_hidden_too():
    """Settings show neither user nor password, wherever those stand in the address."""
    environment = p.from_config(
        {
            "artifact_repos": {
                "team": {"type": "postgres", "db": "postgresql://me:s3cret@h/x?sslpassword=s3cret"}
            }
        }
    )
    assert "s3cret" not in repr(environment) + repr(environment.config)
    assert "h/x" in repr(environment.config)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"scheme": "x"}, "did you mean 'schema'"),
        ({"schema": ""}, "schema must be a name"),
        ({"schema": "x" * 64}, "schema must be a name"),
        ({"schema": "a\0b"}, "schema must be a name"),
        ({"db": "sqlite:///x.db"}, "invalid PostgreSQL URL"),
        ({"migrate": "never"}, "migrate"),
        ({"connect_timeout": 0}, "connect_timeout"),
        ({"statement_timeout": "1"}, "float"),
    ],
)
def test_mistakes_of_a_configuration(changed, match):
    """Each is an error of the configuration that says where it is, before anything is reached."""
    entry = {"type": "postgres", "db": "postgresql://me:s3cret@h/x", **changed}
    with pytest.raises(ConfigError, match=match) as caught:
        p.from_config({"artifact_repos": {"team": entry}})
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_a_driver_that_is_not_installed(monkeypatch):
    """It is told with what brings it, and without what was to be reached."""
    for name in [
        each for each in sys.modules if each.startswith("provenance.effects.sql.postgres")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(p.MissingLibraryError, match=r"pip install 'psycopg\[binary\]'"):
        p.PostgresRepo(db=f"postgresql://me:{SECRET}@host/x")


# ---------------------------------------------------------------- what is not there yet


def test_a_database_that_is_not_there(url):
    """It is told, or made where that is allowed."""
    other = f"{url}_new"
    assert "does not exist" in refused(url=other)
    database = PostgresDatabase(ConnectionSettings(url=other, create_db=True))
    one = put(database)
    assert one == SqlRecords(database).find_record(one.id)
    database.close()
    server(18).drop(other.rpartition("/")[2])


def test_a_schema_that_is_not_there(url):
    """It is told, or made where that is allowed; whatever it is called, it is a name and nothing else."""
    for schema in ('we-ird"; drop', "größe", "'; SELECT 1 --", "%s", "a b\\c"):
        assert "create_schema: true" in refused(url=url, schema=schema)
        database = PostgresDatabase(ConnectionSettings(url=url, schema=schema, create_schema=True))
        one = put(database)
        assert one == SqlRecords(database).find_record(one.id)
        with database.engine.connect() as connection:
            assert schema == connection.execute(sa.text("SELECT current_schema()")).scalar()
        database.close()
    plain = PostgresDatabase(ConnectionSettings(url=url))
    assert () == SqlRecords(plain).list_ids("", 10)
    plain.close()


@pytest.mark.parametrize("driver", ["postgresql", "postgresql+psycopg2"])
def test_tables_of_an_earlier_library_are_in_the_way(url, driver):
    """The error says what they are and how to bring them over; beside them, in a schema, there is room."""
    other = f"{url.rpartition('/')[2]}_{len(driver)}"
    server(18).run(f"CREATE DATABASE {other}")
    server(18).run("CREATE TABLE artifacts (id varchar PRIMARY KEY)", database=other)
    where = server(18).url(other).replace("postgresql", driver, 1)
    with pytest.raises(p.StoreUnavailableError, match=r"earlier .*provenance import --from-legacy"):
        list(p.PostgresRepo(db=where).interpreter(ListIds("", 1)))
    repo = p.PostgresRepo(db=where, schema="ours", persistent_connections=False)
    assert () == repo.interpreter(ListIds("", 1))
    server(18).drop(other)


def test_a_server_that_refuses_the_schema(url):
    """A name that is the server's own is told."""
    assert "pg_mine" in refused(url=url, schema="pg_mine", create_schema=True)


def test_a_database_that_takes_no_changes(url, database):
    """It is read; what would change it is refused."""
    one = put(database)
    server(18).run(
        f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_read_only = on"
    )
    other = PostgresDatabase(ConnectionSettings(url=url))
    assert one == SqlRecords(other).find_record(one.id)
    with pytest.raises(StoreUnavailableError, match="write: false"):
        put(other)
    other.close()


# ---------------------------------------------------------------- what happens on the way


def test_sessions_that_the_server_ended(url, database):
    """The next statement and the next transaction work, in every thread, as if nothing had been."""
    one = put(database)
    for _ in range(3):
        assert server(18).kill_sessions(url) >= 1
        assert one == SqlRecords(database).find_record(one.id)
        assert server(18).kill_sessions(url) >= 1
        put(database, input_artifact_ids=frozenset({one.id}))
    assert 3 == len(SqlRecords(database).list_dependents(one.id))


def test_a_transaction_that_is_cut_off_is_done_again(url, database):
    """It had not come to its end, so that it certainly took no effect."""
    turns = []

    def work(execute):
        execute(statements.QUARANTINE_BLOB, (new_id(), b"x", TIME))
        turns.append(1)
        if len(turns) == 1:
            server(18).kill_sessions(url)
        return execute("SELECT count(*) FROM quarantined_blobs", ()).fetchall()

    assert [(1,)] == database.transaction(work)
    assert [1, 1] == turns


def test_a_network_that_is_cut(proxy):
    """A connection that ends amid the answer is told or made anew; the next statement works."""
    database = PostgresDatabase(
        ConnectionSettings(url=proxy.url, connect_timeout=30, statement_timeout=60)
    )
    one = put(database)
    for _ in range(3):
        proxy.cut()
        assert one == SqlRecords(database).find_record(one.id)
    database.close()


def test_a_connection_that_was_idle_for_long_is_not_used_again(database, monkeypatch):
    """A laptop that slept, or a notebook left open, would wait a minute for an answer that never comes."""
    (before,), now = database.query("SELECT pg_backend_pid()"), time.time
    assert [before] == database.query("SELECT pg_backend_pid()")
    monkeypatch.setattr(time, "time", lambda: now() + 400)
    (after,) = database.query("SELECT pg_backend_pid()")
    assert before != after
    assert [after] == database.query("SELECT pg_backend_pid()")
    assert 1 == database.engine.pool.checkedin()


def test_a_network_that_falls_silent(proxy):
    """Whoever waits is told within the time of a statement, and is served again afterwards."""
    database = PostgresDatabase(
        ConnectionSettings(url=proxy.url, connect_timeout=2, statement_timeout=1)
    )
    one = put(database)
    for fail in (lambda: SqlRecords(database).find_record(one.id), lambda: put(database)):
        proxy.freeze()
        begun = time.monotonic()
        with pytest.raises(
            StoreUnavailableError, match=r"no response in 2 seconds.*check the network"
        ):
            fail()
        assert time.monotonic() - begun < 15
        proxy.thaw()
        assert one == SqlRecords(database).find_record(one.id)
    database.close()


def test_the_value_is_still_there_when_the_store_is_not(proxy):
    """A result that could not be recorded is in the error; the next call works."""
    repo = p.PostgresRepo(db=proxy.url, connect_timeout=2, statement_timeout=1)
    with p.using_repo(repo):
        double(1)
        proxy.freeze()
        with pytest.raises(StoreUnavailableError):
            double(2)
        proxy.thaw()
        assert [4, 4] == double(2)


@p.provenance()
def double(n):
    """Be computed."""
    return [2 * n] * 2


def test_a_statement_that_takes_too_long(hasty):
    """The server ends it; the connection goes on being used."""
    with pytest.raises(StoreUnavailableError, match="statement_timeout"):
        hasty.query("SELECT pg_sleep(60)")
    assert [(1,)] == hasty.query("SELECT 1")


def test_a_lock_that_somebody_holds(url, database, hasty):
    """Waiting for it ends, too."""
    one = put(database)
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE artifacts")
        with pytest.raises(StoreUnavailableError, match="timeout"):
            SqlRecords(hasty).find_record(one.id)


@pytest.fixture
def interruptible():
    """Ctrl-C is heard, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupted_statement(url, database, interruptible):
    """Ctrl-C ends it at once, and the next one works."""
    asleep = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND state = 'active' AND query LIKE '%%pg_sleep(30)%%'"

    def interrupt():
        until(lambda: server(18).run(asleep, url.rpartition("/")[2]))
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        database.query("SELECT pg_sleep(30)")
    assert time.monotonic() - begun < 15
    thread.join()
    assert [(1,)] == database.query("SELECT 1")


def test_transactions_in_each_others_way(database):
    """Two that wait for one another both come to their end."""
    ids, both_hold_one, begun = (new_id(), new_id()), threading.Barrier(2), [0, 0]

    def work(turn):
        def change(execute):
            execute(statements.QUARANTINE_BLOB, (ids[turn], b"y", TIME))
            begun[turn] += 1
            if begun[turn] == 1:
                both_hold_one.wait(PATIENCE)
            execute(statements.QUARANTINE_BLOB, (ids[1 - turn], b"z", TIME))

        database.transaction(change)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (0, 1)))
    assert [1, 2] == sorted(begun)
    assert [(2,)] == database.query("SELECT count(*) FROM quarantined_blobs")


def test_a_failing_transaction_leaves_nothing(database):
    """What a transaction did before it failed is undone, and the next one works."""

    def work(execute):
        execute(statements.QUARANTINE_BLOB, ("a" * 40, b"bytes", TIME))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.transaction(work)
    assert [] == database.query("SELECT data FROM quarantined_blobs")


def test_a_record_that_is_deleted_while_it_is_put_again(database):
    """Whoever comes second and finds the first one gone again stores its own."""
    one = record()
    execute = SqlRecords(database).put_record
    gone = threading.Event()

    def churn():
        while not gone.is_set():
            SqlRecords(database).delete_record(one.id)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        answers = [
            execute(PutRecord(record(id=one.id, version=turn), run(), "{}")) for turn in range(60)
        ]
    finally:
        gone.set()
        thread.join()
    assert {one.id} == {each.id for each in answers}


def test_without_persistent_connections_none_stays(url):
    """Each is closed when its answer is there; the server needs a moment to let it go."""
    database = PostgresDatabase(ConnectionSettings(url=url, persistent=False))
    put(database)
    until(lambda: 0 == server(18).sessions(url))
    database.close()


# ---------------------------------------------------------------- what users find


def test_the_sql_of_the_guide(url):
    """Artifacts are found by their arguments as the guide for SQL users shows it."""
    repo = p.PostgresRepo(db=url)
    with p.using_repo(repo):
        for a in (1, 4, 5):
            p.provenance(name=f"add{a}")(expensive_add)(a, 3)
    query = """select * from artifacts
                   where fn_name = 'expensive_add'
                   and (inputs_json ->> 'a')::int IN (1, 4)
            """
    found = pd.read_sql(query, repo.engine)
    assert [{"a": 1, "b": 3}, {"a": 4, "b": 3}] == [
        {name: each[name] for name in ("a", "b")} for each in found["inputs_json"]
    ]


def expensive_add(a, b):
    """Be added."""
    return a + b


def test_columns_are_of_their_types(database):
    """Times, arrays, JSON and truth values are what they are to PostgreSQL."""
    source = new_id()
    one = put(database, input_artifact_ids=frozenset({source}))
    query = f"""SELECT computed_at, input_artifact_ids, custom_fields #>> '{{größe,0}}', tags, composite
                FROM artifacts WHERE '{source}' = ANY (input_artifact_ids) AND tags @> '["a"]'"""
    with database.engine.connect() as connection:
        assert [(MOMENT, [source], "1", ["a", "b"], False)] == list(
            connection.execute(sa.text(query))
        )
    assert [(one.id,)] == database.query("SELECT id FROM artifacts")


@pytest.mark.parametrize(
    "hostile", ["a\0b", "\ud800", "'; DROP TABLE artifacts; --", "%s %(x)s ?", "\\", "🐍", ""]
)
def test_hostile_texts_come_back(database, hostile):
    """Whatever is in names, tags, fields and inputs, it is read as it was put, and found by searching."""
    fields = freeze_options({hostile: [hostile, {hostile: 1.0}], "n": -0.0, "big": 2**70})
    name = hostile.replace("\ud800", "")
    one = record(name=name, custom_fields=fields, tags=(hostile,), value_type=name)
    inputs = '{"x":1e3,"y":"\\u0000\\ud800"}'
    SqlRecords(database).put_record(PutRecord(one, run(extra={hostile: hostile}), inputs))
    records = SqlRecords(database)
    found = records.find_record(one.id)
    assert one == found
    assert "-0.0" == str(found.custom_fields["n"])
    assert inputs == records.find_inputs(one.id)
    assert {hostile: hostile} == records.find_run(one.run_id).extra
    queries = [{"tags": frozenset({hostile})}, {"custom_fields": fields}, {"name": name}]
    for query in queries:
        assert (one,) == records.search_records(Query(**query), None, 5).records


def test_names_may_be_long(database):
    """A name of a hundred thousand letters is no problem of an index."""
    name = "".join(chr(33 + each * each % 90) for each in range(100_000))
    one = put(database, name=name, tags=(name,), custom_fields=freeze_options({name: name}))
    assert one == SqlRecords(database).find_record(one.id)
    assert (one,) == SqlRecords(database).search_records(Query(name=name), None, 5).records


@pytest.mark.parametrize(
    "statement",
    ["FIND_RECORD", "FIND_RECORDS_BY_VALUE", "LIST_DEPENDENTS", "LIST_IDS", "FIND_INPUTS"],
)
def test_no_look_up_scans_a_table(database, statement):
    """Each look-up goes through an index, so that its time does not grow with the number of artifacts."""
    from provenance.effects.sql.postgres_dialect import translate

    text = getattr(statements, statement)
    values = ["a"] * (text.count("?") - 2 * ("LIMIT" in text)) + [1, 0] * ("LIMIT" in text)
    translation = translate(text, values)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SET enable_seqscan = off")
        plan = connection.exec_driver_sql(f"EXPLAIN {translation.text}", translation.bind(values))
        assert [] == [line for (line,) in plan if "Seq Scan" in line]


def test_a_search_is_planned_for_its_values(database):
    """However often it is repeated, the server settles for no plan that disregards what is searched for; a look-up has one."""
    records = SqlRecords(database)
    sets = SqlSets(database)
    for i in range(15):
        wanted = freeze_options({"n": i})
        records.find_record(new_id())
        records.search_records(Query(tags=frozenset({f"tag {i}"})), None, 5)
        records.search_records(Query(inputs=wanted, custom_fields=wanted), None, 5)
        sets.find_set_by_labels(wanted)
    # The server plans what was prepared without the values, once it has been executed ten times.
    prepared = "SELECT count(*) FROM pg_prepared_statements WHERE strpos(statement, ?) > 0"
    assert [(0,)] == database.query(prepared, "@>")
    assert [(1,)] == database.query(prepared, "WHERE artifacts.id = ")


def test_the_server_compiles_nothing(database):
    """It would take a second for the sums of `du`, which are added up in less."""
    assert [("off",)] == database.query("SHOW jit")


def test_quarantined_bytes_are_kept(database):
    """A blob put aside can be inspected in a table of its own."""
    data = InlineBlob(blob_of(b"x"), b"x")
    SqlRecords(database).put_record(PutRecord(record(value_blob=data.blob), run(), "{}", (data,)))
    SqlBlobs(database).quarantine(data.blob)
    assert [(data.blob.id, b"x")] == database.query("SELECT id, data FROM quarantined_blobs")


def test_a_fork_amid_a_transaction(url, database):
    """A child uses connections of its own, and the parent's transaction goes on."""

    def work(execute):
        execute(statements.QUARANTINE_BLOB, ("a" * 40, b"x", TIME))
        child = os.fork()
        if child == 0:
            os._exit(0 if [(0,)] == database.query("SELECT count(*) FROM quarantined_blobs") else 1)
        assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        execute(statements.QUARANTINE_BLOB, ("b" * 40, b"y", TIME))

    database.query("SELECT 1")
    database.transaction(work)
    assert [(2,)] == database.query("SELECT count(*) FROM quarantined_blobs")


def test_a_handle_asks_the_database(url):
    """A repository made without configuration finds what another one recorded."""
    first, second = p.PostgresRepo(db=url), p.PostgresRepo(db=url)
    one = record()
    first.interpreter(PutRecord(one, run(), "{}"))
    assert one == second.interpreter(FindRecord(one.id))
    assert one.id in second


def aside(key):
    """Work that puts a row into the table of what is put aside."""
    return lambda execute: execute(statements.QUARANTINE_BLOB, (key, b"bytes", TIME)).rowcount


def test_what_re_enters_has_a_transaction_of_its_own(database):
    """A handler of a signal that stores something in the middle of a transaction neither ends it nor goes with it."""

    def work(execute):
        aside("a")(execute)
        assert 1 == database.transaction(aside("b"))
        assert 1 == database.change(statements.QUARANTINE_BLOB, ("c", b"bytes", TIME))
        assert [("b",), ("c",)] == database.query("SELECT id FROM quarantined_blobs ORDER BY id")
        raise KeyError

    with pytest.raises(KeyError):
        database.transaction(work)
    assert [("b",), ("c",)] == database.query("SELECT id FROM quarantined_blobs ORDER BY id")
    database.transaction(aside("a"))
    assert 3 == len(database.query("SELECT id FROM quarantined_blobs"))


def test_what_re_enters_does_not_wait_for_what_it_interrupted(url):
    """What writes the same row as the transaction that it came into the middle of is refused soon, and says why."""
    database = PostgresDatabase(ConnectionSettings(url=url))

    def work(execute):
        aside("a")(execute)
        for again in (
            lambda: database.transaction(aside("a")),
            lambda: database.change(statements.QUARANTINE_BLOB, ("a", b"others", TIME)),
        ):
            with pytest.raises(
                StoreUnavailableError,
                match="the interrupted code, or another process, is writing the same",
            ):
                again()

    database.transaction(work)
    assert [("a",)] == database.query("SELECT id FROM quarantined_blobs")
    database.close()


def test_what_re_enters_while_tables_are_made_does_not_wait(tmp_path):
    """Who comes into the middle of the making of the tables is refused soon, and they are made."""
    name = f"entered_{tmp_path.name}"[:50]
    server(18).create(name)
    database = PostgresDatabase(ConnectionSettings(url=server(18).url(name)))
    refused = []

    def interrupt(_connection, _cursor, statement, *_):
        if "CREATE TABLE" in statement and not refused:
            refused.append(True)
            with pytest.raises(StoreUnavailableError, match="lock timeout"):
                database.transaction(aside("a"))

    sa.event.listen(database._pool, "before_cursor_execute", interrupt)
    assert 1 == database.transaction(aside("b"))
    assert ([True], [("b",)]) == (refused, database.query("SELECT id FROM quarantined_blobs"))
    database.close()
