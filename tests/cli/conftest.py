"""A store with known contents, and the command line in this process."""

import io
import sys
import time

import pytest

import provenance as p
from provenance.cli.app import run
from provenance.testing import FixedClock, in_memory


class Screen(io.TextIOWrapper):
    """Standard output that may be a terminal."""

    def __init__(self, is_terminal):
        super().__init__(io.BytesIO(), "utf-8", write_through=True)
        self.is_terminal = is_terminal

    def isatty(self):
        return self.is_terminal

    @property
    def text(self):
        return self.buffer.getvalue().decode("utf-8", "replace")


@pytest.fixture
def call(monkeypatch):
    """Run a command line in this process; return its exit code, its output and its errors."""

    def call(*arguments, terminal=False, stdin="", **variables):
        with monkeypatch.context() as context:
            out, err = Screen(terminal), Screen(False)
            for name in ("NO_COLOR", "FORCE_COLOR", "PAGER", "PROVENANCE_REPO"):
                context.delenv(name, raising=False)
            for name, value in {"COLUMNS": "100", **variables}.items():
                context.setenv(name, value)
            context.setattr(sys, "stdout", out)
            context.setattr(sys, "stderr", err)
            context.setattr(sys, "stdin", io.StringIO(stdin))
            code = run([*map(str, arguments)])
            return code, out.text, err.text

    return call


@pytest.fixture
def utc(monkeypatch):
    """The time zone UTC, in which times are then shown."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@p.provenance(name="churn.load", tags=["raw"])
def load(n):
    """A list."""
    return [n] * n


@p.provenance(name="churn.train", version=1, custom_fields={"team": "a"})
def train(data, config, rate=0.1):
    """A model."""
    return {"depth": config["depth"], "rate": rate}


@p.provenance(name="churn.score")
def score(model):
    """A number."""
    return 0.75


HOSTILE = "\x1b]0;owned\x07\n[red]\u202eevil"


@p.provenance(name=f"bad.{HOSTILE}", tags=[HOSTILE], custom_fields={HOSTILE: HOSTILE})
def hostile(text):
    """What a store says that someone else writes to."""
    return text


def fill():
    """Compute a small pipeline; return the artifacts by a short name."""
    data = load(3)
    models = {depth: train(data, {"depth": depth, "loss": "log"}) for depth in (3, 6)}
    made = {"data": data, "three": models[3], "six": models[6], "score": score(models[6])}
    p.create_set([models[3], models[6]], {"name": "models", "kind": "test"})
    return {name: p.artifact_of(value) for name, value in made.items()}


@pytest.fixture
def store(utc):
    """The pipeline in a repository in memory, where time stands still."""
    with in_memory(FixedClock()):
        yield fill()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The pipeline in the default repository of an empty project, which is the working directory."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    for name in ("PROVENANCE_CONFIG", "PROVENANCE_REPO"):
        monkeypatch.delenv(name, raising=False)
    with p.environment.replacing_environment(p.config.api.default_environment()):
        fill()
        yield tmp_path
