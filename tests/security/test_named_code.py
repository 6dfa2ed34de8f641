"""What others may write names code: modules of functions, programs of runs. None of it is imported or run."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve

import provenance as p
from contract.samples import new_id, record, run
from processes import SOURCES, printed
from provenance.effects.system.process import SystemClock, ThisMachine
from provenance.history.programs import is_genuine
from provenance.model.records import InlineBlob
from provenance.model.rows import run_from_json, run_to_json
from provenance.ports.blobs import WriteBlob
from provenance.ports.machine import CurrentRun
from provenance.ports.records import PutRecord

EVIL = "from pathlib import Path\nPath('executed').touch()\n"


@pytest.fixture(autouse=True)
def _canary(monkeypatch):
    """A module and a program that were not run when the test ends."""
    monkeypatch.syspath_prepend(".")
    Path("evil_module.py").write_text(EVIL)
    yield
    assert not Path("executed").exists()


def plant(**facts):
    """Id of an artifact that somebody else wrote."""
    stores = p.SqliteRepo(db="records.db").interpreter
    stored = stores(WriteBlob(lambda sink: sink.write(b"[1]") and None))
    brought = (stored,) if isinstance(stored, InlineBlob) else ()
    forged = record(
        id=new_id(),
        serializer="json",
        value_blob=stored.blob,
        inputs_blob=None,
        code="ab" * 20,
        **facts,
    )
    stores(PutRecord(forged, run(), '{"__varargs": []}', brought))
    return forged.id


@pytest.mark.parametrize("fn_name", ["fn", "Class.fn"])
def test_a_module_that_an_untrusted_store_names_is_not_imported(fn_name):
    """Neither to see whether its code has changed, nor to compute again."""
    planted = plant(fn_module="evil_module", fn_name=fn_name)
    repo = p.SqliteRepo(db="records.db", trusted=False)
    (found,) = p.stale(repo=repo)
    assert "trusted: false" in found.problem
    assert "trusted: false" in str(p.reproduce(planted, repo=repo))
    with p.using_repo(repo):
        p.why(planted)
        p.diff(planted, planted)
        assert p.lineage(planted).tree()


def test_a_program_that_an_untrusted_store_names_is_not_run():
    """The run of a record of `__main__` names a file."""
    planted = plant(fn_module="__main__", fn_name="fn")
    facts = {"cmdline": ["python", str(Path("evil_module.py").absolute())], "cwd": "/"}
    with sqlite3.connect("records.db") as connection:
        (info,) = connection.execute("SELECT info FROM runs").fetchone()
        edited = json.dumps({**json.loads(info), "process": facts})
        connection.execute("UPDATE runs SET info = ?", (edited,))
    connection.close()
    repo = p.SqliteRepo(db="records.db", trusted=False)
    (found,) = p.stale(repo=repo)
    assert "trusted: false" in found.problem
    assert "trusted: false" in str(p.reproduce(planted, repo=repo))


SCRIPT = """
import provenance as p

p.load_config({"artifact_repos": {"local": {"type": "sqlite", "db": "records.db", "signing_key": "k" * 32}}})

@p.provenance()
def fn(n):
    return [n]

if __name__ == "__main__":
    print(p.artifact_of(fn(1)).id)
"""
LOOK = """
import provenance as p

p.load_config({"artifact_repos": {"local": {"type": "sqlite", "db": "records.db", "signing_key": "k" * 32}}})
(found,) = p.search()
print(p.reproduce(found))
print(p.stale())
"""


def edited(facts, process):
    """Change what a run says of its process."""
    return {**facts, "process": process}


def hidden(facts, process):
    """Keep what the id is a digest of beside what is changed."""
    return {**facts, "process": process, "extra": {"process": facts["process"]}}


def renamed(facts, process):
    """Give the changed run the id that fits it."""
    plain = {name: facts[name] for name in ("host", "python", "git", "packages")}
    run_id = p.hash([facts["created_at"], {**plain, "process": process}])
    return {**facts, "process": process, "id": run_id}


@pytest.mark.parametrize("edit", [edited, hidden, renamed])
def test_a_signed_repository_does_not_run_what_an_edited_run_names(edit):
    """Runs are not signed, but records are with the ids of their runs, which are digests of them."""
    Path("script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    subprocess.run([sys.executable, "script.py"], check=True, env=environment, capture_output=True)
    assert "same" in printed(LOOK)
    with sqlite3.connect("records.db") as connection:
        (info,) = connection.execute("SELECT info FROM runs").fetchone()
        facts = json.loads(info)
        command = ["python", str(Path("evil_module.py").absolute())]
        facts = edit(facts, {**facts["process"], "cmdline": command})
        connection.execute("UPDATE runs SET info = ?", (json.dumps(facts),))
    connection.close()
    assert 2 == printed(LOOK).count("was changed, so that")


@pytest.mark.parametrize(
    "dropped", [{"packages"}, {"git", "host"}, {"host", "process", "python", "git", "packages"}]
)
def test_a_run_is_genuine_that_a_hook_has_cut(dropped):
    """The user's function may drop parts of what is recorded of a process."""

    def cut(facts):
        return {name: fact for name, fact in facts.items() if name not in dropped}

    current = ThisMachine(SystemClock(), cut).current_run()
    assert is_genuine(run_from_json(run_to_json(current)))
    facts = {"cmdline": ["python", "other.py"]}
    assert not is_genuine(evolve(current, process=facts))
    if current.process:
        hidden = {"process": dict(current.process)}
        assert not is_genuine(evolve(current, process={}, extra=hidden))


@pytest.mark.parametrize("is_started", [False, True])
def test_a_run_is_genuine_that_comes_back(repo, is_started):
    """As it was collected, and as a store gives it back, also of a process that another run started."""
    from provenance.engines.worker import naming_parents

    current = repo.interpreter(CurrentRun())
    if is_started:
        starter = evolve(current, id="5" * 40)
        worker = naming_parents((starter,), repo.interpreter)
        current = worker.answer_to(CurrentRun)(CurrentRun())
        assert current.parent_id == starter.id
    assert is_genuine(current)
