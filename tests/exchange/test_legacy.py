"""A store that the reference library made is imported, and the same calls hit."""

import hashlib
import importlib.util
import pickle
import shutil
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import psycopg
import pytest

import provenance as p
from provenance.effects.objectstore.client import RemoteFiles
from provenance.ports.blobs import RemoteLocation
from servers import moto_s3
from servers.postgres import server

LEGACY = Path(__file__).parent.parent / "data" / "legacy"
MULTIPLIER = "3469973b6bf5e2d9a995481a6122624c"
FEATURES = "0da46180201027dc3db8dc6a1ac66c9e"
COMPOSITE = "73975ccd52a401d4405ed4545ae88583"
NOTE = "849554b958ba08e811d9a694d2e30d66"
ALL = {
    row.split("'")[1]
    for row in (LEGACY / "legacy.sql").read_text("utf-8").splitlines()
    if row.startswith("INSERT INTO public.artifacts ")
}


@pytest.fixture(scope="module")
def dump():
    """The URL of a database with the tables of the reference, for tests that only read it."""
    postgres = server(16)
    postgres.drop("legacy")
    postgres.create("legacy")
    with psycopg.connect(postgres.url("legacy"), autocommit=True) as connection:
        connection.execute((LEGACY / "legacy.sql").read_text("utf-8"))
    return postgres.url("legacy")


@pytest.fixture
def blobs(tmp_path):
    """A copy of the blobs, to be damaged."""
    return shutil.copytree(LEGACY / "blobs", tmp_path / "legacy-blobs")


@pytest.fixture
def pipeline(monkeypatch):
    """The module that made the store."""
    spec = importlib.util.spec_from_file_location("pipeline", LEGACY / "pipeline.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "pipeline", module)
    spec.loader.exec_module(module)
    return module


def sqlite(folder):
    """SQLite, with files beside it."""
    return p.SqliteRepo(
        db=folder / "new.db", store=p.DiskStore(cachedir=folder / "new"), inline_limit=50
    )


def postgres(folder):
    """PostgreSQL."""
    return p.PostgresRepo(db=server(16).database_for(folder))


def memory(_):
    """Memory."""
    return p.MemoryRepo()


@pytest.mark.parametrize("target", [sqlite, postgres, memory])
def test_all_is_imported_that_can_be_read_and_the_same_calls_hit(target, dump, pipeline, tmp_path):
    """But for one value, which another version of Python pickled."""
    repo = target(tmp_path)
    report = p.import_legacy(db=dump, blobstore=LEGACY / "blobs", to=repo)
    assert ALL - {MULTIPLIER} == report.ids.keys()
    assert (len(ALL) - 1, 1) == (report.imported, report.sets)
    assert [("artifact", MULTIPLIER), ("set", "72f0080f1c355366e25a94e180df48ab")] == [
        (problem.kind, problem.id) for problem in report.problems
    ]
    assert p.verify(repo).is_sound
    with p.using_repo(repo), p.subscribe((events := []).append):
        results = pipeline.run()
    assert ["pipeline.multiplier"] == [each.name for each in events if isinstance(each, p.Miss)]
    assert len(results) + 1 == len(events)
    assert [0.0, 3.0, 6.0, 9.0, 12.0] == list(results[1]["x"])
    assert (30.0, [1, 2, 3]) == (results[2]["model"]["w"], results[2]["log"])
    assert (8, "hello") == (results[5], results[6].read_text())
    assert np.array_equal([0.0, 1.5, 3.0, 4.5, 6.0], results[4]["inner"][0])


def test_what_is_known_of_an_artifact_is_imported(dump, pipeline, memory_repo):
    """Name, version, fields, tags, times, durations, the run, and the lineage."""
    report = p.import_legacy(db=dump, blobstore=str(LEGACY / "blobs"))
    features = p.load_artifact(report.ids[FEATURES])
    assert ("pipeline.features", 2, "pipeline", "features") == (
        features.name,
        features.version,
        features.fn_module,
        features.fn_name,
    )
    assert ({"k": 1, "tags": ["t"]}, ("t",)) == (dict(features.custom_fields), features.tags)
    assert datetime(2026, 11, 28, 12, 22, 35, 149692, UTC) == features.computed_at
    assert datetime(2026, 11, 28, 12, 22, 35, 168809, UTC) == features.added_at
    durations = features.compute_duration, features.hash_duration, features.value_id_duration
    assert (0.0009815692901611328, 0.0004322528839111328, 0.002185821533203125) == durations
    run = features.run_info
    assert ("workstation", ["python", "make.py"]) == (run.host["nodename"], run.process["cmdline"])
    assert ({"git_ref": "abc123"}, "00ed41a5c3a36a18e1b2d011582cf152") == (run.extra, run.id)
    data = p.load_artifact(report.ids["7cf05cc5df0c44ee7b4c92c22390aee9"])
    assert {data.id} == features.input_artifact_ids
    nested = p.load_artifact(report.ids["17b9c0f1965c02ac3e2bb20fe9f68953"])
    assert {data.id, features.id} == nested.input_artifact_ids == nested.value_artifact_ids
    composite = p.load_artifact(report.ids[COMPOSITE])
    assert composite.composite
    assert {"pipeline.train_model", "pipeline.train_log"} == {
        p.load_artifact(each).name for each in composite.value_artifact_ids
    }
    production = p.load_set_by_name("production")
    assert {"name": "production", "v": 1} == dict(production.labels)
    assert datetime(2026, 11, 28, 12, 22, 35, 267144, UTC) == production.created_at
    assert ({"kind": "note"}, b"hello") == (
        dict(p.load_artifact(report.ids[NOTE]).custom_fields),
        p.load_artifact(report.ids[NOTE]).value.read_bytes(),
    )


def test_importing_again_changes_nothing(dump, pipeline, memory_repo):
    """What is there is known by its inputs."""
    first = p.import_legacy(db=dump, blobstore=LEGACY / "blobs")
    before = {each.id: each.added_at for each in p.search()}
    again = p.import_legacy(db=dump, blobstore=LEGACY / "blobs")
    assert (0, first.ids, first.problems) == (again.imported, again.ids, again.problems)
    assert before == {each.id: each.added_at for each in p.search()}
    assert 1 == len(p.sets())


def test_blobs_are_read_from_a_bucket(dump, pipeline, memory_repo, tmp_path):
    """By an URL, and by the settings that the reference's configuration has."""
    place = f"{moto_s3.BUCKET}/{tmp_path.name}"
    options = moto_s3.storage_options()
    bucket = RemoteFiles("s3", RemoteLocation("s3", place, options))
    for blob in (LEGACY / "blobs").iterdir():
        bucket.publish(str(blob), blob.name, blob.stat().st_size)
    settings = {"type": "s3", "basepath": place, "s3_config": options, "read": True}
    report = p.import_legacy(db=dump, blobstore=settings)
    assert ALL - {MULTIPLIER} == report.ids.keys()
    assert "hello" == p.load_artifact(report.ids[NOTE]).value.read_text()


def test_what_cannot_be_read_is_listed_and_what_needs_it_too(dump, pipeline, blobs, memory_repo):
    """The rest is imported; when it can be read again, the next import takes it along."""
    lost = blobs / "16c05565f6851de729f5cba0e12f4e5f"
    held = lost.read_bytes()
    lost.unlink()
    report = p.import_legacy(db=dump, blobstore=blobs)
    assert {
        "95fe870d230569fb9c02b3e2eea43a19",
        "33864857703f1592484ebeebe7ec1513",
        NOTE,
    } == report.ids.keys()
    reasons = {problem.id: problem.reason for problem in report.problems}
    assert ALL - report.ids.keys() <= reasons.keys()
    assert "7cf05cc5df0c44ee7b4c92c22390aee9" in reasons[FEATURES]
    assert {"adder", "archive_file"} == {each.name for each in p.search()}
    lost.write_bytes(held)
    again = p.import_legacy(db=dump, blobstore=blobs)
    assert ALL - {MULTIPLIER} == again.ids.keys()
    assert len(ALL) - 1 == again.imported + report.imported
    assert 8 == len(p.load_set_by_name("production"))


def test_a_damaged_file_is_not_imported(dump, pipeline, blobs, memory_repo):
    """Its name is the MD5 of its bytes."""
    (blobs / "5d41402abc4b2a76b9719d911017c592.txt").write_bytes(b"jello")
    report = p.import_legacy(db=dump, blobstore=blobs)
    assert NOTE not in report.ids
    assert "MD5" in next(each.reason for each in report.problems if each.id == NOTE)


def test_an_import_that_was_stopped_goes_on(dump, pipeline, monkeypatch, memory_repo):
    """At any artifact: what is there is whole, and the rest follows."""
    from provenance.calls import flow

    store, calls = flow.store_draft, []

    def failing(repo, draft):
        calls.append(draft)
        if len(calls) > 3:
            raise p.StoreUnavailableError("memory", "it is full", "make room")
        return store(repo, draft)

    monkeypatch.setattr(flow, "store_draft", failing)
    with pytest.raises(p.StoreUnavailableError):
        p.import_legacy(db=dump, blobstore=LEGACY / "blobs")
    assert p.verify(memory_repo).is_sound
    assert [] == [*p.sets()]
    monkeypatch.setattr(flow, "store_draft", store)
    report = p.import_legacy(db=dump, blobstore=LEGACY / "blobs")
    assert 0 < report.imported < len(report.ids) == len(ALL) - 1


def test_without_their_modules_functions_are_listed(dump, memory_repo):
    """Their calls hit only if they ignore nothing."""
    report = p.import_legacy(db=dump, blobstore=LEGACY / "blobs", import_modules=False)
    assert ALL - {MULTIPLIER} == report.ids.keys()
    missing = {each.id for each in report.problems if each.kind == "function"}
    assert {"pipeline.add", "pipeline.features", "pipeline.train"} <= missing


def test_modules_can_have_new_names(dump, memory_repo, monkeypatch):
    """As those of a script, or of a package that was renamed."""
    module = ModuleType("renamed")
    code = """
import provenance as p

@p.provenance()
def load_data(query, n=5):
    raise AssertionError
"""
    exec(code, vars(module))
    monkeypatch.setitem(sys.modules, "renamed", module)
    p.import_legacy(db=dump, blobstore=LEGACY / "blobs", modules={"pipeline": "renamed"})
    assert [0.0, 1.5, 3.0, 4.5, 6.0] == list(module.load_data("q"))


def pickled(value):
    """A blob as the reference writes it."""
    return zlib.compress(pickle.dumps(value, 2))


class Stand:
    """What pickles as a class of the reference does."""

    def __init__(self, state):
        self.__dict__.update(state)


def test_a_file_inside_of_a_value_leads_to_its_artifact(dump, pipeline, blobs, memory_repo):
    """It is pickled as an object that holds the key of its blob."""
    Stand.__module__, Stand.__qualname__, before = (
        "provenance.core",
        "ArchivedFile",
        Stand.__qualname__,
    )
    key = "5d41402abc4b2a76b9719d911017c592.txt"
    core = ModuleType("provenance.core")
    core.ArchivedFile = Stand
    sys.modules["provenance.core"] = core
    try:
        data = pickled({"note": Stand({"blob_id": key}), "all": [Stand({"blob_id": key})]})
    finally:
        del sys.modules["provenance.core"]
        Stand.__module__, Stand.__qualname__ = __name__, before
    (blobs / "2da1b6b8e76607feb5084311ea72fddd").write_bytes(data)
    report = p.import_legacy(db=dump, blobstore=blobs)
    value = p.load_artifact(report.ids["95fe870d230569fb9c02b3e2eea43a19"])
    assert {report.ids[NOTE]} == value.value_artifact_ids
    assert (b"hello", b"hello") == (
        value.value["note"].read_bytes(),
        value.value["all"][0].read_bytes(),
    )


def test_nothing_of_the_reference_stays_in_sight(dump, pipeline, memory_repo):
    """The modules that pickles name are there only while they are read."""
    p.import_legacy(db=dump, blobstore=LEGACY / "blobs")
    assert [] == [name for name in sys.modules if name in ("provenance.repos", "provenance.core")]


def test_what_is_not_there_is_an_error(dump, memory_repo, tmp_path):
    """A folder, a database, a kind of store; and the password is not shown."""
    with pytest.raises(p.StoreUnavailableError, match="does not exist"):
        p.import_legacy(db=dump, blobstore=tmp_path / "nowhere")
    with pytest.raises(p.ConfigError, match="tape"):
        p.import_legacy(db=dump, blobstore={"type": "tape"})
    with pytest.raises(p.ConfigError, match="not a place of blobs"):
        p.import_legacy(db=dump, blobstore={"type": "memory"})
    with pytest.raises(p.StoreUnavailableError) as error:
        p.import_legacy(db="postgresql://me:secret@127.0.0.1:1/x", blobstore=tmp_path)
    assert "secret" not in str(error.value)
    empty = server(16).database_for(tmp_path)
    with pytest.raises(p.StoreUnavailableError, match="reference"):
        p.import_legacy(db=empty, blobstore=tmp_path, schema="nowhere")


CODE = """
import provenance as p

@p.provenance()
def mixed(a, *rest, key=1, **more):
    raise AssertionError

@p.provenance()
def nothing(a):
    raise AssertionError

@p.provenance(archive_file=True, preserve_file_ext=True, delete_original_file=True)
def drawn(a):
    raise AssertionError

@p.provenance(name="column", remove=["engine"], tags=["now"])
def series(a, engine=None):
    raise AssertionError

@p.provenance()
def flaky(captured=()):
    raise AssertionError

class Model:
    def __init__(self, depth):
        self.depth = depth

    @p.provenance()
    def fit(self, a):
        raise AssertionError

def closed(limit):
    @p.provenance(name="closed")
    def inner(a):
        raise AssertionError
    return inner
"""


@pytest.fixture
def others(monkeypatch):
    """A module of functions of other kinds."""
    module = ModuleType("others")
    exec(CODE, vars(module))
    monkeypatch.setitem(sys.modules, "others", module)
    return module


@pytest.fixture
def recorded(blobs, tmp_path):
    """A function that adds a row to a store of the reference, and the URL of its database."""
    postgres = server(16)
    name = f"legacy_{abs(hash(str(tmp_path)))}"
    postgres.create(name)
    connection = psycopg.connect(postgres.url(name), autocommit=True)
    connection.execute((LEGACY / "legacy.sql").read_text("utf-8"))
    for table in ("artifacts", "artifact_sets", "artifact_set_members"):
        connection.execute(f"DELETE FROM public.{table}")

    def add(function, kargs, data, varargs=(), **columns):
        number = len(list(blobs.glob("a*")))
        row = {
            "id": f"a{number:031x}",
            "value_id": f"b{number:031x}",
            "run_id": "00ed41a5c3a36a18e1b2d011582cf152",
            "name": f"others.{function}",
            "version": 0,
            "fn_module": "others",
            "fn_name": function,
            "composite": False,
            "compute_duration": 1.5,
            "computed_at": datetime(2020, 1, 2, tzinfo=UTC),
            "serializer": "joblib",
            **columns,
        }
        names = ", ".join(row)
        holes = ", ".join(["%s"] * len(row))
        statement = f"INSERT INTO public.artifacts ({names}) VALUES ({holes})"
        connection.execute(statement, list(row.values()))
        (blobs / row["id"]).write_bytes(pickled({"kargs": kargs, "varargs": varargs}))
        (blobs / row["value_id"]).write_bytes(data)
        return row["id"]

    yield add, postgres.url(name), blobs
    connection.close()
    postgres.drop(name)


def test_functions_of_other_kinds_hit(recorded, others, memory_repo, tmp_path):
    """Variadic arguments, `None`, files, series, removed parameters, methods, other names."""
    add, url, blobs = recorded
    column = pd.Series([1, 2], name="x")
    column.to_frame().to_parquet(tmp_path / "column")
    model = others.Model(3)
    png = b"not really a picture"
    add("mixed", {"a": 1, "key": 2, "x": 3}, pickled("mixed"), (5, 6))
    add("nothing", {"a": 1}, pickled(None))
    key = f"{hashlib.md5(png).hexdigest()}.png"
    add("drawn", {"a": 1}, png, serializer="file", value_id=key)
    data = (tmp_path / "column").read_bytes()
    add("series", {"a": 1}, data, serializer="pd_series_parquet", name="column")
    add("fit", {"self": model, "a": 1}, pickled("fit"))
    add("gone", {"a": 1}, pickled("gone"), name="chosen")
    report = p.import_legacy(db=url, blobstore=blobs)
    assert [("function", "others.gone")] == [(each.kind, each.id) for each in report.problems]
    assert 6 == report.imported
    assert "mixed" == others.mixed(1, 5, 6, key=2, x=3)
    assert others.nothing(1) is None
    drawn = others.drawn(1)
    assert (png, ".png") == (drawn.read_bytes(), drawn.extension)
    assert column.equals(p.unwrap(others.series(1, engine="any")))
    assert "fit" == model.fit(1)
    assert (blobs / key).exists()

    @p.provenance(name="chosen")
    def renamed(a):
        raise AssertionError

    assert "gone" == renamed(1)
    assert p.verify().is_sound


def test_a_row_without_a_run_or_with_broken_inputs(recorded, others, memory_repo):
    """The run is made of what is known; inputs that cannot be read are a problem of their row alone."""
    add, url, blobs = recorded
    lost = add("nothing", {"a": 1}, pickled(None))
    (blobs / lost).write_bytes(pickled(["no", "inputs"]))
    kept = add("nothing", {"a": 2}, pickled(7))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE public.artifacts DROP CONSTRAINT artifacts_run_id_fkey")
        connection.execute("DELETE FROM public.runs")
    report = p.import_legacy(db=url, blobstore=blobs)
    assert ([kept], [lost]) == ([*report.ids], [each.id for each in report.problems])
    run = p.load_artifact(report.ids[kept]).run_info
    assert datetime(2020, 1, 2, tzinfo=UTC) == run.created_at


def test_rows_that_need_each_other_are_listed(recorded, others, memory_repo):
    """No order of them is right, and the import ends."""
    add, url, blobs = recorded
    first = add("nothing", {"a": 1}, pickled(1))
    second = add("nothing", {"a": 2}, pickled(2), input_artifact_ids=[first])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE public.artifacts SET input_artifact_ids = %s WHERE id = %s", ([second], first)
        )
    core = ModuleType("provenance.repos")
    exec("def load_proxy(id): pass\nload_proxy.__module__ = 'provenance.repos'", vars(core))

    class Reference:
        def __init__(self, to):
            self.to = to

        def __reduce__(self):
            return core.load_proxy, (self.to,)

    sys.modules["provenance.repos"] = core
    try:
        (blobs / first).write_bytes(pickled({"kargs": {"a": Reference(second)}, "varargs": ()}))
        (blobs / second).write_bytes(pickled({"kargs": {"a": Reference(first)}, "varargs": ()}))
    finally:
        del sys.modules["provenance.repos"]
    report = p.import_legacy(db=url, blobstore=blobs)
    assert {} == report.ids
    assert {first, second} == {each.id for each in report.problems}
