"""Processes that a configured process starts, in whatever way, find its stores without being configured again."""

import json
import os
import sys
from pathlib import Path

import pytest

import provenance as p
from processes import printed
from provenance.config.sources import find_config, to_json

SCRIPT = """
import sys
import provenance as p

@p.provenance()
def square(x):
    return [x * x]

@p.provenance()
def even(n):
    return n == 0 or bool(odd(n - 1))

@p.provenance()
def odd(n):
    return n != 0 and bool(even(n - 1))

def plain(x):
    return [p.current_config().default_repo, p.get_use_cache(), square(x)[0]]

if __name__ == "__main__":
    p.load_config({
        "blobstores": {"files": {"type": "disk", "cachedir": "blobs"}},
        "artifact_repos": {"mine": {"type": "sqlite", "db": "records.db", "store": "files"}},
    })
    exec(sys.argv[1])
"""
LOKY = """
from joblib import Parallel, delayed
parallel = Parallel(n_jobs=2)
print([each[0] for each in parallel(delayed(square)(x) for x in range(4))], [square.is_cached(x) for x in range(4)])
print([bool(each) for each in parallel(delayed(even)(n) for n in (4, 5))], odd.is_cached(3))
print(parallel(delayed(plain)(x) for x in (1, 2)))
"""
POOLS = """
import multiprocessing, os
for way in ("spawn", "forkserver", "fork"):
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    with multiprocessing.get_context(way).Pool(2) as pool:
        print(pool.map(plain, [len(way), 20]), square.is_cached(len(way)))
        print(pool.map(square, [40]), square.is_cached(40))
"""
EXECUTORS = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
    print(pool.submit(plain, 7).result(), pool.submit(list, square(3)).result())
"""


@pytest.fixture
def script(tmp_path):
    """A script that loads a configuration; relative paths in it are from this folder."""
    (tmp_path / "script.py").write_text(SCRIPT)

    def ran(work):
        program = f"import os, sys; os.execv(sys.executable, [sys.executable, '-W', 'error', 'script.py', {work!r}])"
        return printed(program).splitlines()

    return ran


def test_workers_of_joblib_compute_into_the_same_stores(script, tmp_path):
    """Decorated functions of `__main__`, recursive ones too, and plain ones that call them run in loky's workers."""
    assert [
        "[0, 1, 4, 9] [True, True, True, True]",
        "[True, False] True",
        "[['mine', True, 1], ['mine', True, 4]]",
    ] == script(LOKY)
    assert not (tmp_path / ".provenance").exists()


def test_pools_of_every_kind_compute_into_the_same_stores(script):
    """Spawned, forked and served processes find what their parent loaded."""
    lines = script(POOLS)
    assert [
        f"[['mine', True, {len(way) ** 2}], ['mine', True, 400]] True"
        for way in ("spawn", "forkserver", "fork")
    ] == lines[::2]
    assert all(line.endswith("[1600] >] True") for line in lines[1::2])


def test_results_travel_to_executors(script):
    """A proxy that is sent to a spawned process is read there from the same store."""
    assert ["['mine', True, 49] [9]"] == script(EXECUTORS)


CHILD = """
import provenance as p
print(p.get_default_repo().name, p.get_use_cache(), p.get_read_only(), [*p.current_config().artifact_repos])
"""


def test_other_programs_are_told_too(tmp_path):
    """A child in another folder finds the configuration, and what setters changed since it was loaded."""
    repos = {name: {"type": "sqlite", "db": f"{name}.db"} for name in ("one", "other")}
    p.load_config({"artifact_repos": repos, "default_repo": "one"})
    p.set_use_cache(False)
    p.set_default_repo("other")
    (tmp_path / "elsewhere").mkdir()
    os.chdir("elsewhere")
    assert "other False False ['one', 'other']" == printed(CHILD).strip()
    p.set_use_cache(True)
    assert "other True False ['one', 'other']" == printed(CHILD).strip()


def test_a_child_may_be_told_something_else(tmp_path):
    """Whoever starts a process with a configuration of its own is obeyed, and so is what it loads itself."""
    p.load_config({"artifact_repos": {"one": {"type": "memory"}}})
    (tmp_path / "p.yaml").write_text("artifact_repos: {named: {type: memory}}")
    assert "named True" in printed(CHILD, PROVENANCE_CONFIG=str(tmp_path / "p.yaml"))
    loading = (
        "import provenance as p; p.load_config({'artifact_repos': {'own': {'type': 'memory'}}})"
    )
    assert "own True" in printed(loading + CHILD)


def test_a_default_that_nobody_loaded_is_not_told(tmp_path):
    """A child in another project finds that project's stores."""
    program = f"import provenance as p; p.get_default_repo(); import os; print({'PROVENANCE_CONFIG'!r} in os.environ)"
    assert "False" == printed(program).strip()


def test_secrets_are_told_as_they_were_written(monkeypatch):
    """`${NAME}` is filled in by each process for itself."""
    monkeypatch.setenv("HIDDEN", "s3cret")
    p.load_config({"artifact_repos": {"one": {"type": "sqlite", "db": "${HIDDEN}.db"}}})
    assert (
        "s3cret" in os.environ["PROVENANCE_CONFIG"],
        "${HIDDEN}" in os.environ["PROVENANCE_CONFIG"],
    ) == (
        False,
        True,
    )


def test_a_hook_stays_with_its_process(caplog):
    """A function cannot be told: the children have all but it."""
    p.load_config({"artifact_repos": {"one": {"type": "memory"}}, "run_info_fn": lambda info: info})
    assert "run_info_fn" not in json.loads(os.environ["PROVENANCE_CONFIG"])
    assert [] == caplog.records


def test_the_text_is_the_configuration(tmp_path):
    """What is told is found again, with the folder that relative paths are from; what is no JSON is a ConfigError."""
    raw = {"artifact_repos": {"one": {"type": "sqlite", "db": Path("x.db")}}}
    text = to_json(raw, tmp_path)
    there = {"artifact_repos": {"one": {"type": "sqlite", "db": "x.db"}}}
    assert (there, tmp_path) == find_config({"PROVENANCE_CONFIG": text}, Path(sys.prefix))[:2]
    with pytest.raises(p.ConfigError, match="PROVENANCE_CONFIG"):
        find_config({"PROVENANCE_CONFIG": "{broken"}, tmp_path)
