"""What is told of the clock and the machine."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import pytest

from contract.processes import in_process
from processes import SOURCES
from provenance.effects.system import process
from provenance.effects.system.process import SystemClock, ThisMachine, git, make_run
from provenance.model.rows import run_from_json, run_to_json
from provenance.ports.machine import CurrentRun, Now, system_effects
from provenance.util.redaction import redact_arguments
from waiting import PATIENCE

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]


def machine(hook=None):
    """This machine with *hook*."""
    return ThisMachine(SystemClock(), hook)


def test_the_clock_tells_utc():
    """The time is now, in UTC; ticks only grow."""
    now = SystemClock().now()
    assert timedelta(0) == now.utcoffset()
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
    assert SystemClock().monotonic() <= SystemClock().monotonic()


def test_the_process_is_described():
    """A run names host, process, interpreter and packages, and survives being written down."""
    ask = system_effects(SystemClock(), machine().current_run)
    found = ask(CurrentRun())
    assert os.getpid() == found.process["pid"]
    assert str(Path.cwd()) == found.process["cwd"]
    assert os.cpu_count() == found.host["cpu_count"]
    assert ".".join(map(str, sys.version_info[:3])) == found.python["version"]
    assert {"attrs", "pytest"} <= set(found.packages)
    assert 40 == len(found.id)
    assert found == run_from_json(run_to_json(found))
    assert found.created_at <= ask(Now())


def test_the_process_is_described_once(monkeypatch):
    """What was collected is answered again, until it is renewed; another machine record collects for itself."""
    calls = []
    one = machine(lambda facts: calls.append(1))
    first = one.current_run()
    assert first is one.current_run()
    one.renew()
    assert first.id != one.current_run().id
    assert 2 == len(calls)


def test_a_forked_child_describes_itself(tmp_path):
    """A child has a run of its own, with its own process id."""
    in_process("effects.system.forked_run", "describe", tmp_path)


def test_the_hook_has_the_last_word():
    """A hook may answer another mapping or change the given one; what it adds is extra, as JSON can say it."""

    def changes(facts):
        facts["git"] = None
        facts["team"] = {"name": "größe", "since": datetime(2024, 1, 1, tzinfo=UTC)}

    found = machine(changes).current_run()
    assert {"team": {"name": "größe", "since": "2024-01-01 00:00:00+00:00"}} == found.extra
    assert found.git is None
    answered = machine(lambda facts: {"host": facts["host"], "seed": float("nan")}).current_run()
    assert ({}, {"seed": "nan"}) == (answered.packages, answered.extra)


def raises(facts):
    """A hook that fails when it has changed what it was given."""
    facts.clear()
    return facts["nope"]


class Silent:
    """What does not say what it is."""

    def __str__(self):
        raise OSError("no text")


def endless(facts):
    """A hook whose answer contains itself."""
    facts["facts"] = facts


FAILING = {
    "KeyError: 'nope'": raises,
    "answer must be a mapping, not 5": lambda facts: 5,
    "answer must be a mapping, not 'text'": lambda facts: "text",
    "'host' must be a mapping, not 'mine'": lambda facts: {"host": "mine"},
    "'git' must be a mapping, not [1]": lambda facts: {"git": [1]},
    "RecursionError": endless,
    "OSError: no text": lambda facts: {"what": Silent()},
    "ValueError": lambda facts: {"what": 1 << 100_000},
}


@pytest.mark.parametrize(("problem", "hook"), FAILING.items(), ids=[*FAILING])
def test_a_hook_that_fails_is_told_and_nothing_else_is_lost(caplog, problem, hook):
    """What it raises, an answer that is no mapping or that JSON cannot say: the run is what was collected without it."""
    one, plain = machine(hook), machine().current_run()
    found = one.current_run()
    one.renew()
    one.current_run()
    assert (plain.host, plain.packages, plain.git, {}) == (
        found.host,
        found.packages,
        found.git,
        found.extra,
    )
    assert found == run_from_json(run_to_json(found))
    (told,) = [each.getMessage() for each in caplog.records]
    assert "run_info_fn" in told
    assert problem in told
    assert "set_run_info_fn" in told


def test_each_hook_that_fails_is_told(caplog):
    """Once for each that is set."""
    one = machine(raises)
    one.current_run()
    for hook in (raises, endless, None):
        one.set_hook(hook)
        one.current_run()
    assert 2 == len(caplog.records)


def test_what_stops_a_program_goes_through_a_hook():
    """A `KeyboardInterrupt` in it is none of its failures."""

    def stopped(facts):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        machine(stopped).current_run()


def test_a_run_is_named_by_what_it_says():
    """Equal facts at one time are one run; another fact or time is another."""
    now = datetime(2024, 1, 1, tzinfo=UTC)
    facts = {"host": {"a": 1}, "process": {}, "python": {}, "packages": {}}
    assert make_run(now, facts) == make_run(now, dict(reversed(facts.items())))
    assert 3 == len(
        {
            each.id
            for each in (
                make_run(now, facts),
                make_run(now, {**facts, "host": {"a": 2}}),
                make_run(now + timedelta(seconds=1), facts),
            )
        }
    )


def test_git_is_asked(tmp_path, monkeypatch):
    """Commit, branch and changes are told inside a checkout."""
    monkeypatch.setattr(process, "_PATIENCE", PATIENCE)

    def sh(*command):
        return subprocess.run(
            [*GIT, *command], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    sh("init")
    assert {"commit": None, "branch": "main", "dirty": False} == git(tmp_path)
    (tmp_path / "a").write_text("1")
    sh("add", "a")
    sh("commit", "-m", "one")
    assert {"commit": sh("rev-parse", "HEAD"), "branch": "main", "dirty": False} == git(tmp_path)
    (tmp_path / "a").write_text("22")
    assert git(tmp_path)["dirty"]
    sh("checkout", "--detach")
    assert git(tmp_path)["branch"] is None


SCRIPT = """
import json, sys
sys.path[:0] = [{tests!r}]
import helper
import provenance as p
p.load_config({{"artifact_repos": {{"m": {{"type": "memory"}}}}, "record_sources": {sources}}})
f = p.provenance(name="f")(lambda: [1])
run = f().artifact.run_info
print(json.dumps([run.git, run.process["script"]]))
"""


@pytest.mark.parametrize("sources", [True, False])
def test_code_that_git_does_not_track_makes_a_checkout_dirty(tmp_path, sources):
    """A run names the script, and which executed files the commit does not hold; data does not count."""

    def sh(*command):
        subprocess.run([*GIT, *command], cwd=tmp_path, check=True, capture_output=True)

    def play():
        command = [sys.executable, "train.py"]
        paths = os.pathsep.join([SOURCES, *sys.path])
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    text = SCRIPT.format(tests="", sources=sources)
    (tmp_path / "train.py").write_text(text)
    (tmp_path / "helper.py").write_text("")
    (tmp_path / "data.csv").write_text("1")
    sh("init")
    sh("add", "helper.py")
    sh("commit", "-m", "one")
    facts, script = play()
    assert [True, ["train.py"]] == [facts["dirty"], facts["untracked"]]
    assert "train.py" == Path(script["path"]).name
    assert 40 == len(script["digest"])
    assert (text if sources else None) == script.get("text")
    sh("add", "train.py")
    sh("commit", "-m", "two")
    facts, again = play()
    assert script == again
    assert [False, None] == [facts["dirty"], facts.get("untracked")]


def test_no_git_is_no_trouble(tmp_path, monkeypatch):
    """Outside a checkout, without git and when git takes too long, nothing is told of it."""
    assert git(tmp_path) is None
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setattr(process, "_PATIENCE", 0.1)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert git(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert git(tmp_path) is None


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        (["--password", "***", "x"], ["--password", "hunter2", "x"]),
        (["--db-password=***"], ["--db-password=hunter2"]),
        (["-token", "***"], ["-token", "hunter2"]),
        (["--api_key", "***"], ["--api_key", "hunter2"]),
        (["--aws-secret-access-key", "***"], ["--aws-secret-access-key", "hunter2"]),
        (["API_TOKEN=***", "run"], ["API_TOKEN=hunter2", "run"]),
        (["postgresql://***@host/db"], ["postgresql://me:hunter2@host/db"]),
        (["https://host/?a=1&token=***&b=2"], ["https://host/?a=1&token=hunter2&b=2"]),
        (["-c", "Authorization: ***"], ["-c", "Authorization: hunter2"]),
        (["-H", "authorization: ***"], ["-H", "authorization: Bearer hunter2"]),
        (
            ["--epochs", "3", "--tokenizer", "bert", "--path", "a"],
            ["--epochs", "3", "--tokenizer", "bert", "--path", "a"],
        ),
        (["https://host/path", "a@b", "x=1"], ["https://host/path", "a@b", "x=1"]),
        (["postgresql://***@host/db"], ["postgresql://me:hun@ter2@host/db"]),
    ],
)
def test_secrets_are_not_recorded(expected, given):
    """Values of secret flags and variables, and the user part of addresses, are left out of command lines."""
    assert expected == redact_arguments(given)


def _installed(folder, name, metadata):
    (folder / f"{name}.dist-info").mkdir()
    (folder / f"{name}.dist-info" / "METADATA").write_text(metadata, "utf-8")


def test_packages_are_what_importlib_finds(tmp_path, monkeypatch):
    """Only the headers of a distribution count, and no line of its description; the first of a name wins."""
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        monkeypatch.syspath_prepend(folder)
    about = (
        "Metadata-Version: 2.1\nName: {}\nVersion: {}\nSummary: Name: x\n\nName: y\nVersion: 9\n"
    )
    _installed(first, "one-1", about.format("one", "1"))
    _installed(second, "one-2", about.format("one", "2"))
    _installed(first, "two-3", "Version: 3\nname: two\n\n")
    _installed(first, "three-4", "Name:  three\r\nVersion: 4 \r\n\r\nVersion: 5\r\n")
    _installed(first, "four", "Name: four\n\n")
    expected = {}
    for each in metadata.distributions():
        # The finder of the backport, where a library has imported it, raises for what is missing.
        if version := each.metadata.get("Version"):
            expected.setdefault(each.name, version)
    assert {key: expected[key] for key in sorted(expected)} == process.packages()
    assert {"one": "2", "two": "3", "three": "4 "}.items() <= process.packages().items()
