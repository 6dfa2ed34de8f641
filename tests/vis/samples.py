"""Pipelines to be drawn, and readers of the pictures."""

import xml.etree.ElementTree as ET

from attrs import evolve
from hypothesis import strategies as st

import provenance as p
from provenance.vis.scene import ArtifactNode, Kind, Scene, Step, Use

SVG = "{http://www.w3.org/2000/svg}"
NASTY = [
    "</text><script>alert(1)</script>",
    "]]>",
    "\"'&amp;<!--",
    "two\nlines\x00\x1b",
    "\u202eturned",
    "\ud800 alone \ufffe",
    '\\N \\"quoted\\" \\',
    "a|b`c#d;%%{init}%%",
    "数据 größe 👩\u200d🔬",
    "end",
    "n" * 500,
    "",
]


@p.provenance()
def source(name="a"):
    """A value made from nothing."""
    return [name]


@p.provenance()
def follow(data, by=1):
    """As many as before."""
    return [len(data), by]


@p.provenance()
def combine(left, right=None):
    """Something made of two."""
    return ["combined"]


@p.provenance()
def join(*parts, **named):
    """How many it was given."""
    return [len(parts), len(named)]


def diamonds(count):
    """A tower of diamonds."""
    top = source()
    for level in range(count):
        top = combine(follow(top, by=-level), follow(top, by=level + 1))
    return top


def id_of(proxy):
    """Id of the artifact behind *proxy*."""
    return p.artifact_of(proxy).id


def changed(graph, artifact_id, **facts):
    """*graph*, one of whose records says something else."""
    return evolve(
        graph,
        artifacts=graph.artifacts.set(artifact_id, evolve(graph.artifacts[artifact_id], **facts)),
    )


def read(svg):
    """The SVG, as a parser that takes no nonsense reads it."""
    return ET.fromstring(svg)


def texts(root, style=None):
    """What is written in the picture, or as text of one style."""
    return [
        each.text or "" for each in root.iter(f"{SVG}text") if style in (None, each.get("class"))
    ]


def titles(root):
    """What the picture tells when the pointer rests somewhere."""
    return [each.text or "" for each in root.iter(f"{SVG}title")]


def classed(root, style):
    """Elements that are of this class, among others."""
    return [each for each in root.iter() if style in (each.get("class") or "").split()]


# ---------------------------------------------------------------- graphs of any shape


def plain_scene(count, uses):
    """A scene of *count* steps of which nothing is recorded, with these uses."""
    steps = tuple(
        Step(ArtifactNode(str(i).zfill(40), Kind.MISSING, "?", "", None, ()), None)
        for i in range(count)
    )
    return Scene(count - 1, steps, tuple(Use(a, b, str(i)) for i, (a, b) in enumerate(uses)))


@st.composite
def graphs(draw, most=30):
    """A number of nodes, and edges from lower to higher ones."""
    count = draw(st.integers(1, most))
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(
        lambda pair: pair[0] < pair[1]
    )
    return count, draw(st.lists(pairs, max_size=3 * count) if count > 1 else st.just([]))
