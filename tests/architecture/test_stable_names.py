"""What pickles, records, hashes and reprs say of the library are public names, so that moving a definition changes no id."""

import io
import pickle
from importlib import import_module

import pytest

import provenance as p
from provenance.events import Hit
from provenance.testing import in_memory

PUBLIC = {
    "provenance",
    *(
        f"provenance.{name}"
        for name in (
            "archives",
            "effect",
            "errors",
            "events",
            "extending",
            "functional",
            "testing",
            "vis",
        )
    ),
}
"""The package and its public modules."""
NEVER_STORED = {"ArgumentDecorator", "Config", "Decorator"}
"""Protocols have no instances, and a configuration is only passed between running processes."""


@p.provenance()
def double(x):
    """Two of it."""
    return [x, x]


@p.provenance(returns_composite=True)
def halves(x):
    """A composite."""
    return {"left": [x], "right": [x]}


def plain(x):
    """A function whose name leads to itself."""
    return [x]


again = p.provenance(version=3)(plain)


class Names(pickle.Unpickler):
    """Notes which names a pickle looks up."""

    def __init__(self, data):
        super().__init__(io.BytesIO(data))
        self.found = set()

    def find_class(self, module, name):
        self.found.add((module, name))
        return super().find_class(module, name)


def samples(folder):
    """Values and records of the library that a user may hash, pickle or pass on."""
    (folder / "one.txt").write_text("one")
    artifact = double.artifact(1)
    yield from (double(1), artifact, artifact.inputs, artifact.run_info, artifact.value_blob)
    yield from (
        halves(1),
        p.unwrap(halves(1)),
        p.create_set([double(1)], "set"),
        p.lineage(double(1)),
        double.plan(1),
    )
    yield from (p.archive_file(folder / "one.txt"), p.unwrap(p.archive_file(folder / "one.txt")))
    yield from (
        p.unwrap(p.archive_file(folder)),
        p.lazy_dict({"a": lambda: 1}),
        p.stats(),
        p.explain_hash([1]),
    )
    yield from (
        p.hash_differences([1], [2]),
        p.verify(),
        p.collect_garbage(),
        p.evict(max_bytes=0, dry_run=True),
    )
    yield from (p.ConfigError("a", "b", "c"), Hit("id", "name", 1.0), double, again)


def public(module, name):
    """What a public name leads to."""
    assert module in PUBLIC, (module, name)
    assert not name.startswith("_"), (module, name)
    found = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def test_pickles_name_public_things(tmp_path):
    """Each name of ours in a pickle is in a public module, has no underscore, and leads to what says that it is there."""
    with in_memory():
        for value in samples(tmp_path):
            names = Names(pickle.dumps(value))
            names.load()
            for module, name in names.found:
                if module.split(".")[0] == "provenance":
                    found = public(module, name)
                    assert module == found.__module__


@pytest.mark.parametrize(
    "name",
    [name for name in p.__all__ if isinstance(getattr(p, name), type) and name not in NEVER_STORED],
)
def test_public_classes_say_where_they_are_public(name):
    """The type of a value, which hashes and records contain, does not depend on the module that defines it."""
    found = getattr(p, name)
    assert public(found.__module__, found.__qualname__) is found
