"""What users look at first: lists of a repository, records as JSON, names of the earlier library."""

import json
import pickle
import subprocess
import sys

import joblib
import pytest

import provenance as p
from provenance.testing import in_memory


@p.provenance(tags=["t"], custom_fields={"year": 2026, "nested": {"a": [1]}})
def number(n):
    """A value of its own."""
    return {"n": n}


def test_a_repository_lists_what_it_has(repo):
    """Artifacts, sets and runs; the error for a set that is missing says how."""
    made = [number(n) for n in range(3)]
    kept = p.create_set(made, "kept")
    assert {p.artifact_of(each) for each in made} == {*list(repo)}
    assert (kept,) == repo.sets() == p.sets()
    assert repo.runs() == p.runs()
    assert [p.artifact_of(made[0]).run_id] == [run.id for run in repo.runs()]
    with pytest.raises(p.SetNotFoundError, match=r"provenance\.sets\(\)"):
        p.load_set_by_name("lost")


def test_several_are_looked_up_at_once(repo):
    """In the order of their ids; one that is missing is an error."""
    made = [p.artifact_of(number(n)) for n in range(3)]
    assert made[::-1] == repo.batch_get_by_id([each.id for each in made[::-1]])
    with pytest.raises(p.ArtifactNotFoundError):
        repo.batch_get_by_id([made[0].id, "0" * 40])


def test_what_is_json_goes_through_json(repo):
    """Custom fields, labels, recorded inputs and runs, as they are; nothing of them can be changed."""
    artifact = p.artifact_of(number(1))
    labels = p.create_set([artifact], {"name": "kept", "build": {"a": 1}}).labels
    assert {"year": 2026, "nested": {"a": [1]}, "tags": ["t"]} == json.loads(
        json.dumps(artifact.custom_fields)
    )
    assert {"name": "kept", "build": {"a": 1}} == json.loads(json.dumps(labels))
    assert {"n": 1} == json.loads(json.dumps(repo.get_recorded_inputs(artifact)))
    assert artifact.run_info["host"] == json.loads(json.dumps(artifact.run_info))["host"]
    for frozen in (artifact.custom_fields, labels, artifact.run_info):
        with pytest.raises(TypeError, match="never changes"):
            frozen["more"] = 1
        with pytest.raises(TypeError, match="never changes"):
            frozen.update(more=1)
        assert frozen == pickle.loads(pickle.dumps(frozen))


def test_a_run_reads_as_the_mapping_of_its_facts(repo):
    """What a hook added is at the top, beside host and process; as attributes, times are times."""
    p.set_run_info_fn(lambda facts: {**facts, "git_ref": "abc", "id": "mine"})
    try:
        run = p.artifact_of(number(1)).run_info
    finally:
        p.set_run_info_fn(None)
    assert ("abc", run.host["nodename"]) == (run["git_ref"], run["host"]["nodename"])
    assert (run.id, run.created_at.isoformat()) == (run["id"], run["created_at"])
    assert {"host", "process", "python", "git", "packages"} <= run.keys()


def test_names_of_the_earlier_library(repo, tmp_path):
    """`artifact.repo`, `blob_id`, the original name of a file; `_db_engine` says what to use."""
    result = number(1)
    artifact = p.artifact_of(result)
    assert repo is artifact.repo is repo[artifact.id].repo
    assert artifact.content_digest == artifact.blob_id
    (tmp_path / "raw.csv").write_text("a")
    file = p.archive_file("raw.csv")
    assert ("raw.csv", file.digest) == (file.original_filename, file.blob_id)
    with pytest.raises(AttributeError, match="no attribute '_db_engine'; use `engine`"):
        _ = repo._db_engine
    with pytest.raises(AttributeError, match=r"no attribute 'engin'$"):
        _ = repo.engin
    ephemeral = number.with_options(read_only=True)(7)
    with pytest.raises(TypeError, match="in no repository"):
        _ = p.artifact_of(ephemeral).repo


def test_a_pickled_result_elsewhere_says_that_it_is_a_reference(repo, tmp_path):
    """The error names the repository that has the result, and how to pickle the value."""
    joblib.dump(number(1), tmp_path / "reference")
    joblib.dump(p.unwrap(number(1)), tmp_path / "value")
    with in_memory():
        found = joblib.load(tmp_path / "reference")
        with pytest.raises(
            p.ArtifactNotFoundError, match=r"reference to a result of repository '.*unwrap"
        ):
            len(found)
        assert {"n": 1} == joblib.load(tmp_path / "value")
    assert {"n": 1} == joblib.load(tmp_path / "reference")


def test_alembic_is_quiet(tmp_path):
    """Its steps are no lines of a program that logs what it does, unless it asks for them."""
    code = """
import logging, sys
import provenance as p
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
if len(sys.argv) > 1: logging.getLogger("alembic").setLevel("INFO")
import sqlalchemy as sa
from provenance.effects.sql.migrate import migrate
with sa.create_engine("sqlite://").begin() as connection:
    migrate(connection, 1, 1)
"""
    lines = [
        subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.count("alembic")
        for arguments in ([], ["loud"])
    ]
    assert 0 == lines[0] < lines[1]


def test_a_repository_travels_by_what_it_was_opened_from(tmp_path):
    """A handle that is pickled opens the same database again; nothing is created."""
    repo = p.SqliteRepo(db=tmp_path / "a.db")
    with p.using_repo(repo):
        made = p.artifact_of(number(1))
    again = pickle.loads(pickle.dumps(repo))
    assert (repo.name, repo.repository_id) == (again.name, again.repository_id)
    assert {"n": 1} == again.get_by_id(made.id).value


def test_a_repository_of_one_process_says_so_when_it_is_pickled():
    """In memory, or over one in memory, it is an error at the call that would send it."""
    with pytest.raises(p.EngineError, match="'memory' exists in this process only"):
        pickle.dumps(p.MemoryRepo())
    chain = p.ChainedRepo(stores=[p.MemoryRepo(), p.SqliteRepo(db="a.db")])
    with pytest.raises(p.EngineError, match=r"fn\.map"):
        pickle.dumps(chain)


class Renamed:
    """A class whose name is not there when its instance is read."""


def test_a_value_whose_class_is_gone_is_not_called_damaged(tmp_path, monkeypatch):
    """Its bytes are sound: the code is what is missing, and the event says so."""
    with p.using_repo(p.SqliteRepo(db=tmp_path / "a.db")):
        p.provenance(name="made")(lambda: [Renamed()])()
    monkeypatch.delattr(sys.modules[__name__], "Renamed")
    events = []
    with p.using_repo(p.SqliteRepo(db=tmp_path / "a.db")), p.subscribe(events.append):
        made = p.provenance(name="made", on_code_change="ignore")(lambda: [1, object])
        assert 2 == len(made())
    [reason] = [event.reason for event in events if isinstance(event, p.Recovered)]
    assert "the stored value refers to code that this process lacks" == reason.value
