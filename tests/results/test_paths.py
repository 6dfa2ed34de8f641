"""Results that are paths behave as paths, in each version of Python: `pathlib` makes others of them in its own ways."""

import pathlib

import pytest

import provenance as p

MAKE = {
    "parent": lambda path: path.parent,
    "parents": lambda path: list(path.parents),
    "with_suffix": lambda path: path.with_suffix(".md"),
    "with_name": lambda path: path.with_name("c"),
    "relative_to": lambda path: path.relative_to("a"),
    "is_relative_to": lambda path: path.is_relative_to("a"),
    "absolute": lambda path: path.absolute(),
    "joined": lambda path: path / "c",
    "joined from the right": lambda path: "c" / path,
    "of it": pathlib.Path,
}


@pytest.mark.parametrize("make", MAKE)
def test_what_is_made_of_a_path_is_plain(repo, make):
    """And equal to what is made of the plain path."""
    path = pathlib.Path("a/b.txt")
    result = p.provenance(name="path")(lambda: path)()
    made = MAKE[make](result)
    assert MAKE[make](path) == made
    assert not p.is_proxy(made)
    assert not (isinstance(made, list) and any(map(p.is_proxy, made)))
