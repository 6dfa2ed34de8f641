"""Builds the stored repository that every later version must still read.

    python tests/golden/make_repository.py NEW_FOLDER

Run it only to add a repository of a new format.
"""

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import provenance as p
from provenance.environment import replacing_environment

CONFIG = {
    "blobstores": {"disk": {"type": "disk", "cachedir": "blobs"}},
    "artifact_repos": {
        "golden": {"type": "sqlite", "db": "records.db", "store": "disk", "inline_limit": 500}
    },
    "run_info_fn": lambda _: {
        "host": {"nodename": "a-host"},
        "process": {"pid": 1},
        "python": {"version": "3.11.0"},
        "git": {"commit": "0" * 40, "branch": "main", "dirty": False},
        "packages": {"provenance": "0.1.0"},
        "ticket": 42,
    },
}


@p.provenance(
    name="golden.numbers",
    version=2,
    tags=["a", "b"],
    custom_fields={"n": 1, "deep": {"x": [None, 1.5]}},
)
def numbers(n, *more, key="default", **options):
    """A small result, kept in the database."""
    return {"n": n, "more": list(more), "key": key, "options": options}


@p.provenance(name="golden.large")
def large(source, factor=2.5):
    """A large result, kept as a file, of an artifact."""
    return [factor * len(source)] * 1000


@p.provenance(name="golden.parts")
def parts(sources, text="größe \ud800 \0"):
    """A result that holds artifacts."""
    return {"first": sources[0], "all": tuple(sources), "text": text}


@p.provenance(
    name="golden.nothing", serializer="joblib", dump_kwargs={"compress": 3}, singletons="proxy"
)
def nothing():
    """No result."""


@p.provenance(name="golden.split", returns_composite=True, serializer={"text": "cloudpickle"})
def split(n):
    """Several results."""
    return {"text": "x" * n, "numbers": list(range(n)), "held": numbers(n)}


@p.provenance(name="golden.file", archive_file=True, preserve_file_ext=True)
def written(text):
    """A file."""
    path = Path(tempfile.mkdtemp()) / "made.txt"
    path.write_text(text, "utf-8")
    return path


@p.provenance(name="golden.folder", archive_file=True)
def folder_of(names):
    """A folder of files."""
    folder = Path(tempfile.mkdtemp())
    for name in names:
        (folder / name).write_text(name * 400, "utf-8")
    return folder


def made():
    """All calls of the repository, by name."""
    one, two = numbers(1), numbers(2, 3.5, "x", key=b"bytes", z={1, 2}, y=(None, True))
    big = large(one)
    whole, file = split(3), written("größe")
    return {
        "one": one,
        "two": two,
        "large": big,
        "parts": parts([one, {"deep": big}]),
        "nothing": nothing(),
        "whole": whole,
        **{f"part {key}": part for key, part in whole.items()},
        "of a part": parts([whole["numbers"]]),
        "file": file,
        "of a file": parts([file]),
        "folder": folder_of(["a", "b"]),
    }


def ids():
    """The ids of calls that need no store."""
    return {
        "default name": p.provenance(_sample).artifact_id(1),
        "version": p.provenance(version=3)(_sample).artifact_id(1),
        "name": p.provenance(name="chosen")(_sample).artifact_id(1),
        "all kinds": numbers.artifact_id(1, 2.0, "3", key=None, a=b"", b=[()], c={"x": {1}}),
        "captured": p.provenance(name="closure")(_closure([1, "x"])).artifact_id(),
        "defaults": p.provenance(name="chosen")(_sample).artifact_id(1, b=2),
        "time": numbers.artifact_id(datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC)),
    }


def _sample(a, b=2):
    return [a, b]


_sample.__module__ = "golden"


def _closure(captured):
    def inner():
        return captured

    return inner


def facts(artifact):
    """What must stay true of an artifact."""
    return {
        "id": artifact.id,
        "value_id": artifact.value_id,
        "name": artifact.name,
        "version": artifact.version,
        "serializer": artifact.serializer,
        "input_artifact_ids": sorted(artifact.input_artifact_ids),
        "tags": list(artifact.tags),
        "custom_fields": dict(artifact.custom_fields),
        "input_hashes": artifact.input_hashes,
        "code": artifact.code,
        "fn_qualname": artifact.fn_qualname,
        "computed_at": artifact.computed_at.isoformat(),
        "content_digest": artifact.content_digest,
        "size_bytes": artifact.size_bytes,
        "inputs": p.hash(dict(artifact.inputs)),
        "value": p.hash(artifact.value),
    }


def build(folder: Path):
    """Fill *folder* with a repository and the facts about it."""
    folder.mkdir(parents=True)
    environment = p.from_config(CONFIG, folder)
    p.set_run_info_fn(CONFIG["run_info_fn"])
    with replacing_environment(environment):
        results = made()
        artifacts = {name: facts(p.artifact_of(result)) for name, result in results.items()}
        sets = [
            p.create_set(list(results.values()), {"name": "golden", "deep": {"n": [1, None]}}).id
        ]
        sets.append(p.create_set([], "empty").id)
    environment.repository().engine.dispose()
    text = json.dumps(
        {"artifacts": artifacts, "ids": ids(), "sets": sets}, indent=1, sort_keys=True
    )
    (folder / "facts.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]))
