"""Names from stores reach no terminal, log or picture as anything but text that can be seen."""

import io
import logging
import unicodedata

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import pmap

import provenance as p
from provenance import vis
from provenance.escaping import escape_invisible
from provenance.events import Hit, MissReason, Recovered
from provenance.hashing.explain import Change, Difference
from provenance.history.reproduce import Failed, NotComparable, Reproduction
from provenance.telemetry import emit

HOSTILE = {
    "a sequence that clears a terminal": "\x1b[2J",
    "one that is a single character": "\x9b2J",
    "a title of a terminal": "\x1b]0;forged\x07",
    "a line": "\nroot: all is sound",
    "a carriage return": "\rforged",
    "a line of Unicode": "\u2028forged",
    "a turned direction": "\u202egnp.exe",
    "an isolate": "\u2066forged",
    "a joiner of graphemes": "\u034f",
    "a Hangul filler": "\u115f",
    "another filler": "\u3164",
    "a half one": "\uffa0",
    "a selector of variants": "\ufe0f",
    "one of the supplement": "\U000e0101",
    "a tag": "\U000e0041",
    "a space of no width": "\u200b",
    "a mark of byte order": "\ufeff",
    "a soft hyphen": "\u00ad",
    "a blank of Braille": "\u2800",
    "half a character": "\ud800",
    "a NUL": "\0",
}
EVERY = pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)


@EVERY
def test_it_is_escaped(hostile):
    """What comes out is printable, can be encoded, and can be told from the text without it."""
    shown = escape_invisible(f"a{hostile}b")
    assert shown.isprintable()
    assert hostile[0] not in shown
    assert "ab" != shown.encode().decode()


@given(st.text())
def test_everything_that_is_left_can_be_seen(text):
    """Any text becomes one line; the joiners that scripts and emoji need remain."""
    shown = escape_invisible(text)
    left = {
        unicodedata.category(character) for character in shown if character not in "\u200c\u200d"
    }
    assert set() == left & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert shown == escape_invisible(shown)


@EVERY
def test_a_tree_is_as_many_lines_as_artifacts(hostile):
    """In names, arguments, argument names and ids alike."""
    with p.using_repo(p.MemoryRepo()):
        source = p.provenance(name="source")(lambda: 1)()
        graph = p.lineage(p.provenance(name="user")(lambda data, text: data)(source, "x"))
    artifacts = {key: evolve(each, name=f"x{hostile}") for key, each in graph.artifacts.items()}
    graph = evolve(
        graph,
        artifacts=pmap(artifacts),
        arguments=pmap({graph.root: pmap({f"a{hostile}": f"b{hostile}"})}),
        edges=graph.edges.set(
            graph.root, pmap({f"c{hostile}": f"{hostile}d", "data": p.artifact_of(source).id})
        ),
    )
    lines = graph.tree().split("\n")
    assert 3 == len(lines)
    assert all(line.isprintable() for line in lines)
    assert hostile[0] not in "".join(lines).replace("\n", "")
    drawing = vis.visualize_lineage(graph)
    assert hostile[0] not in str(drawing.scene.title)


@EVERY
def test_a_message_is_one_line(hostile):
    """The facts beside it stay as they are."""
    error = p.CorruptRecordError(f"x{hostile}", f"y{hostile}", f"z{hostile}")
    assert f"x{hostile}" == error.artifact_id
    for text in (str(error), error.message, *map(str, error.args)):
        assert text.isprintable()
        assert hostile[0] not in text


@EVERY
def test_a_log_entry_is_one_line(hostile):
    """Of whatever module, and whoever formats it."""
    sink = io.StringIO()
    handler = logging.StreamHandler(sink)
    logger = logging.getLogger("provenance")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        emit(Hit("1f" * 20, f"name{hostile}", 1.0))
        emit(
            Recovered("1f" * 20, f"n%s{hostile}", 1.0, MissReason.BLOB_CORRUPT, f"detail{hostile}")
        )
        logger.warning("%s is archived", f"file{hostile}")
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
    lines = sink.getvalue().split("\n")
    assert ["name", "n%s", "file", ""] == [
        next((start for start in ("name", "n%s", "file") if start in line), "") for line in lines
    ]
    assert all(line.isprintable() for line in lines)
    assert hostile[0] not in "".join(lines)


@EVERY
def test_an_explanation_is_a_line_for_each_part(hostile):
    """Keys come from values that come from stores."""
    tree = str(p.explain_hash({f"k{hostile}": f"v{hostile}"}, f"p{hostile}"))
    assert 2 == len(tree.split("\n"))
    assert hostile[0] not in tree.replace("\n", "")
    for difference in p.hash_differences({f"k{hostile}": 1}, {f"k{hostile}": 2}):
        assert str(difference).isprintable()


@EVERY
def test_what_is_computed_again_is_a_line(hostile):
    """The names of functions and modules come from stores, and so do the facts of runs."""
    for outcome in (
        NotComparable("1f" * 20, f"n{hostile}", f"r{hostile}"),
        Failed("1f" * 20, f"n{hostile}", (), f"e{hostile}"),
    ):
        assert str(outcome).isprintable()
        change = Difference(f"d{hostile}", Change.CONTENT, f"a{hostile}", f"b{hostile}")
        lines = repr(Reproduction("1f" * 20, (outcome,), (change,))).split("\n")
        assert 3 == len(lines)
        assert all(line.isprintable() for line in lines)
