"""What each command prints: on a terminal, in a pipe, and as JSON, in files beside this one.

After an intended change, `GOLDEN=write pytest tests/cli/test_golden.py` writes the files again.
"""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve

import provenance as p
from cli.conftest import fill
from provenance.cli.app import COMMANDS
from provenance.config.parsing import parse
from provenance.config.wiring import environment_of
from provenance.effect import with_layer
from provenance.environment import replacing_environment
from provenance.ports.records import FindRun
from provenance.testing import FixedClock

FILES = Path(__file__).parent / "golden"
RUN = {
    "host": {"nodename": "workstation", "system": "Linux"},
    "process": {"cmdline": ["python", "churn.py"]},
    "python": {"version": "3.13.1", "implementation": "CPython"},
    "git": {"commit": "4f1c09ab22d1" + "0" * 28, "branch": "main", "dirty": True},
    "packages": {"pandas": "2.2.3"},
    "extra": {},
}
OUTPUTS = {
    "ls": ["ls"],
    "ls-some": ["ls", "train", "--input", "config.depth>=4"],
    "ls-page": ["ls", "--limit", "1"],
    "ls-nothing": ["ls", "nothing"],
    "search": ["search", "--tag", "raw"],
    "show": ["show", "{six}"],
    "show-value": ["show", "{six}", "--value"],
    "show-nothing": ["show", "000000"],
    "cat": ["cat", "{six}"],
    "lineage": ["lineage", "{score}"],
    "lineage-down": ["lineage", "{data}", "--down"],
    "log": ["log"],
    "runs": ["runs"],
    "runs-one": ["runs", "{run}"],
    "sets": ["sets"],
    "sets-members": ["sets", "models", "--members"],
    "du": ["du"],
    "du-type": ["du", "--by", "type"],
    "stats": ["stats"],
    "config": ["config"],
    "verify": ["verify"],
    "why": ["why", "{six}"],
    "diff": ["diff", "{three}", "{six}"],
    "gc": ["gc"],
    "evict": ["evict", "--max-bytes", "0"],
    "forget": ["forget", "{three}"],
    "promote": ["promote", "{three}", "--to", "other"],
    "pull": ["pull", "{three}", "--from", "folder", "-r", "other"],
    "sql": ["sql", "select name, count(*) as n from artifacts group by 1 order by 1"],
    "migrate": ["migrate"],
    "export": ["export", "@models", "-o", "models.zip"],
    "bundle": ["bundle", "{bundle}", "--verify", "--trust"],
    "import": ["import", "{bundle}", "--trust", "-r", "other"],
    "import-dry-run": ["import", "{bundle}", "--dry-run", "--trust", "-r", "other"],
    "unknown": ["nonsense"],
}
ELSEWHERE = {"completion", "doctor", "ui"}
"""Commands whose output is the machine's or another library's; other tests are about them."""
OF_OTHERS = {"reproduce", "stale"}
"""Commands with tests of their own output."""


def steady(run):
    """A run on a machine that is always the same."""
    return evolve(run, **RUN, created_at=datetime(2000, 1, 1, tzinfo=UTC))


@pytest.fixture
def known(tmp_path, utc, monkeypatch):
    """The pipeline in SQLite, where neither time nor machine change; what commands name, by a short name."""
    monkeypatch.chdir(tmp_path)
    config = {
        "artifact_repos": {
            "folder": {"type": "sqlite", "db": "provenance.db", "delete": True},
            "other": {"type": "memory"},
        },
        "default_repo": "folder",
    }
    environment = environment_of(parse(config, {}), tmp_path, FixedClock())

    def answer(ask, proceed):
        found = proceed(ask)
        return steady(found) if isinstance(ask, FindRun) and found is not None else found

    def opened(name):
        repo = environment.repository(name).with_layer(lambda base: with_layer(base, answer))
        return lambda: repo

    openers = {name: opened(name) for name in config["artifact_repos"]}
    with replacing_environment(evolve(environment, openers=openers, source="provenance.yaml")):
        made = fill()
        ids = {name: artifact.id for name, artifact in made.items()}
        yield {**ids, "run": made["data"].run_id, "folder": str(tmp_path)}


@pytest.fixture
def bundle(known):
    """A bundle of the set, under a name that is in no message of another."""
    return p.export(p.load_set_by_name("models"), "given.zip")


def shown(text, known):
    """What was printed, with what differs between machines replaced."""
    text = text.replace(known["folder"], "/project")
    for length in (len(known["run"]), 12, 8):
        text = text.replace(known["run"][:length], ("0123456789abcdef" * 3)[:length])
    # The size of a bundle depends on the libraries that are installed.
    text = re.sub(r"[0-9.]+ kB\n", "100 kB\n", re.sub(r'"bytes": \d{5,}', '"bytes": 100000', text))
    return text.replace("\x1b", "\\e")


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_is_printed_is_known(call, known, bundle, name):
    """On a terminal, in a pipe and as JSON, with errors and exit codes, as the file says."""
    words = [word.format(**known, bundle=bundle) for word in OUTPUTS[name]]
    parts = []
    for title, options, terminal in (
        ("on a terminal", [], True),
        ("in a pipe", [], False),
        ("as JSON", ["--json"], False),
    ):
        code, out, err = call(*words, *options, terminal=terminal, PAGER="cat")
        if options and out:
            out = f"{json.dumps(json.loads(out), indent=1)}\n"
        parts.append(f"## {title}: exit {code}\n{out}{err}")
    text = shown("".join(parts), known)
    file = FILES / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        FILES.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert file.read_text("utf-8") == text, "if this is intended, see the top of this file"


def test_every_command_is_there():
    """A new command gets its file."""
    assert {*COMMANDS} - OF_OTHERS == {words[0] for words in OUTPUTS.values()} - {"nonsense"} | (
        ELSEWHERE
    )
    assert {f"{name}.txt" for name in OUTPUTS} == {file.name for file in FILES.iterdir()}


def test_completion_prints_a_script(call):
    """For each shell, by click."""
    for shell in ("bash", "zsh", "fish"):
        code, out, err = call("completion", shell)
        assert (0, "", True) == (code, err, "_PROVENANCE_COMPLETE" in out)


def test_doctor_checks(call, known):
    """Each check has a line, and JSON the same checks."""
    code, out, _ = call("doctor")
    items = json.loads(call("doctor", "--json")[1])["items"]
    assert 0 == code
    lines = out.splitlines()
    assert len(items) + 2 == len(lines)
    assert all(item["check"] in line for item, line in zip(items, lines[1:-1], strict=True))
