"""The recipes of `docs/guides/orchestrators.md` run, and run again without computing anything."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

import provenance as p
from provenance.environment import replacing_environment

RECIPES = Path(__file__).parents[2] / "examples" / "orchestrators"
MODELS = [pytest.approx(207.5), pytest.approx(415.0)]
TIMEOUT = 600


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The root of a project, in which the default repository is."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(folder, *command, **variables):
    """Run a command in the project; return what it prints."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(RECIPES),
        "HOME": str(folder),
        "DO_NOT_TRACK": "1",
        **variables,
    }
    environment.pop("PROVENANCE_CONFIG", None)
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def stored(folder):
    """What the project's default repository has: when each function computed what."""
    settings = {"type": "sqlite", "db": str(folder / ".provenance" / "provenance.db")}
    config = {"artifact_repos": {"default": settings}, "default_repo": "default"}
    with replacing_environment(p.from_config(config)):
        return sorted(
            (one.fn_name, one.computed_at, one.value, sorted(one.input_artifact_ids))
            for one in p.get_default_repo()
        )


def assert_lineage(folder):
    """One `load`, and a `train` of its result for each rate."""
    found = stored(folder)
    assert [name for name, *_ in found] == ["load", "train", "train"]
    assert sorted(value for name, _, value, _ in found if name == "train") == MODELS
    assert all(len(inputs) == (name == "train") for name, _, _, inputs in found)
    return found


def test_prefect(folder):
    """A second run of the flow gets its results from the store."""
    settings = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "ERROR",
    }
    command = sys.executable, str(RECIPES / "prefect_flow.py")
    assert "207.5" in run(folder, *command, **settings)
    first = assert_lineage(folder)
    assert re.search(r"hits=3, misses=0", run(folder, *command, **settings))
    assert stored(folder) == first


def test_airflow(folder):
    """Ids of artifacts go through XCom; a second run computes nothing."""
    settings = {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(RECIPES),
    }
    run(folder, sys.executable, "-m", "airflow", "db", "migrate", **settings)
    command = sys.executable, str(RECIPES / "airflow_dag.py")
    run(folder, *command, **settings)
    first = assert_lineage(folder)
    run(folder, *command, **settings)
    assert stored(folder) == first


def test_luigi(folder):
    """Tasks are complete once their calls are hits."""
    command = sys.executable, str(RECIPES / "luigi_tasks.py")
    assert "3 ran successfully" in run(folder, *command)
    first = assert_lineage(folder)
    assert "Did not run any tasks" in run(folder, *command)
    assert stored(folder) == first


def test_xdist(folder):
    """A fixture that several workers want is computed once, for this run and the next."""
    command = sys.executable, "-m", "pytest", "-n", "4", "-p", "no:cacheprovider"
    recipe = str(RECIPES / "test_shared.py")
    assert "8 passed" in run(folder, *command, f"--rootdir={folder}", recipe)
    first = stored(folder)
    assert [name for name, *_ in first] == ["load", "train"]
    assert "8 passed" in run(folder, *command, f"--rootdir={folder}", recipe)
    assert stored(folder) == first


def test_notebook(folder):
    """Functions of cells run in processes, and are hits when the notebook is executed again."""
    cells = re.split(r"(?m)^# %%.*$", (RECIPES / "notebook.py").read_text("utf-8"))[1:]
    for misses in (6, 0):
        notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
        client = nbclient.NotebookClient(
            notebook, timeout=TIMEOUT, resources={"metadata": {"path": str(folder)}}
        )
        client.execute()
        printed = json.dumps(notebook.cells)
        assert f"55 {misses}" in printed
        assert "True" in printed
        assert "since this result was computed" not in printed
