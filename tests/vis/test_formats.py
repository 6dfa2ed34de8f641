"""Each format: it parses, shows every artifact, and nothing that is written in it means anything to it."""

import itertools
import json
import re
import xml.etree.ElementTree as ET

import pydot
import pytest
from attrs import evolve
from pyrsistent import pmap

import provenance as p
from architecture.silence import silence
from provenance import vis
from provenance.events import Outcome
from provenance.vis.graph_languages import quote_dot, quote_mermaid
from provenance.vis.scene import scene_of
from provenance.vis.svg import DARK, LIGHT
from vis.samples import (
    NASTY,
    SVG,
    changed,
    classed,
    combine,
    diamonds,
    follow,
    id_of,
    join,
    read,
    source,
    texts,
    titles,
)

HTML = "{http://www.w3.org/1999/xhtml}"


def nasty():
    """A lineage whose names, arguments and facts are what nobody should write, as a foreign store might hold them."""
    sources = [source(text) for text in NASTY]
    graph = p.lineage(join(*sources[:3], **{f"k{i}": each for i, each in enumerate(sources)}))
    for text, each in zip(NASTY, sources, strict=True):
        graph = changed(
            graph,
            id_of(each),
            name=text,
            value_type=f"{text}:{text}",
            serializer=text,
            tags=(text,),
        )
    uses = {text: id_of(each) for text, each in zip(NASTY, sources, strict=True)}
    arguments = pmap(dict(itertools.pairwise(NASTY)))
    return evolve(
        graph,
        edges=graph.edges.set(graph.root, pmap(uses)),
        arguments=graph.arguments.set(graph.root, arguments).set(id_of(sources[0]), arguments),
    )


def odd(repo):
    """A lineage with each kind of node: plain, composite, file, missing; found, computed, unknown; and a circle."""
    a, b, c, gone = (source(name) for name in ("a", "b", "c", "gone"))
    top = join(a, b, follow(c), follow(gone))
    repo.delete(id_of(gone))
    graph = p.lineage(top)
    graph = changed(changed(graph, id_of(a), composite=True), id_of(b), serializer="file")
    return evolve(graph, edges=graph.edges.set(id_of(c), pmap({"name": graph.root})))


def drawings(repo):
    """Drawings of all sorts."""
    return [vis.visualize_lineage(each) for each in (source(), diamonds(3), nasty(), odd(repo))]


# ---------------------------------------------------------------- SVG


def test_svg_is_xml_with_every_artifact(repo):
    """A strict parser reads it; each artifact is there once, with its whole id in a title."""
    for drawing in drawings(repo):
        root = read(drawing.svg)
        assert f"{SVG}svg" == root.tag
        told_of = "\n".join(titles(root))
        assert all(step.artifact.id in told_of for step in drawing.scene.steps)
        assert (
            len(drawing.scene.steps) == len(classed(root, "artifact")) == len(classed(root, "step"))
        )


def test_svg_needs_nothing_from_elsewhere(repo):
    """It has no script, no links, no images, no fonts: only shapes and text."""
    for drawing in drawings(repo):
        tags = {each.tag.removeprefix(SVG) for each in read(drawing.svg).iter()}
        assert set() == tags - {
            "svg",
            "title",
            "style",
            "defs",
            "marker",
            "path",
            "rect",
            "g",
            "text",
        }
        names = {name for each in read(drawing.svg).iter() for name in each.attrib}
        assert set() == {name for name in names if name.startswith("on") or "href" in name}


def test_names_are_shown_as_they_are():
    """What looks like markup is text again after parsing."""
    root = read(vis.visualize_lineage(nasty()).svg)
    assert any("</text><script>alert(1)</script>" in each for each in titles(root))
    assert "]]>" in texts(root, "name")


def test_each_edge_has_its_argument():
    """As the text of a port, and as the title of the edge."""
    root = read(vis.visualize_lineage(combine(source("x"), {"k": source("y")})).svg)
    assert {"left", "right['k']"} == set(texts(root, "port"))
    assert {"left", "right['k']"} == {
        each.find(f"{SVG}title").text for each in classed(root, "use")
    }


def test_many_edges_are_counted():
    """Where there is no room for each argument's name, their number and what holds them are told."""
    root = read(vis.visualize_lineage(combine([source(str(i)) for i in range(9)])).svg)
    assert ["9 in left"] == texts(root, "port")
    assert 9 == len(classed(root, "use"))


def test_arguments_beyond_the_room_are_counted():
    """Five lines at most; the title has them all."""
    drawing = vis.visualize_lineage(join(**{f"a{i}": i for i in range(9)}))
    root = read(drawing.svg)
    assert (4, ["and 5 more"]) == (len(texts(root, "argument")), texts(root, "quiet")[-1:])
    assert any("a8: 8" in each for each in titles(root))


@pytest.mark.parametrize("outcome", [None, *Outcome], ids=str)
def test_each_outcome_has_a_colour(outcome):
    """One that no other has, on light pages and on dark ones, with an entry in the legend and a word in the node."""
    graph = p.lineage(source())
    scene = scene_of(graph, {} if outcome is None else {graph.root: outcome})
    root = read(vis.Drawing(graph, scene).svg)
    style = "unknown" if outcome is None else outcome.name.lower()
    assert 2 == len(classed(root, style))  # the node, and the square of the legend
    assert (outcome is not None) == (style in texts(root, "right"))
    for palette in (LIGHT, DARK):
        assert [palette.paints[outcome]] == [
            paint for paint in palette.paints.values() if paint == palette.paints[outcome]
        ]


def test_kinds_have_shapes(repo):
    """A composite is two boxes, a file a page, a missing one dashed; the root has a strong outline."""
    root = read(vis.visualize_lineage(odd(repo)).svg)
    shapes = {}
    for figure in classed(root, "artifact"):
        fact = dict(line.split(": ", 1) for line in figure.find(f"{SVG}title").text.split("\n"))
        shapes.setdefault(fact.get("kind", "plain"), []).append(
            [
                each.tag.removeprefix(SVG)
                for each in figure
                if "thing" in each.get("class", "").split()
            ]
        )
    assert ["rect", "rect"] == shapes["composite: its parts are stored on their own"][0]
    assert ["path"] == shapes["archived file"][0]
    assert (2, 1, 1) == (
        len(classed(root, "missing")),
        len(classed(root, "root")),
        len(classed(root, "back")),
    )


# ---------------------------------------------------------------- HTML


def test_html_is_one_file(repo):
    """It is well-formed, has the picture inside, one script of ours, and forbids itself to load anything."""
    for drawing in drawings(repo):
        root = ET.fromstring(drawing.html.removeprefix("<!DOCTYPE html>\n"))
        assert f"{HTML}html" == root.tag
        assert (1, 1) == (len(list(root.iter(f"{SVG}svg"))), len(list(root.iter(f"{HTML}script"))))
        policy = [
            each.get("content") for each in root.iter(f"{HTML}meta") if each.get("http-equiv")
        ]
        assert ["default-src 'none'"] == [each.split(";")[0] for each in policy]
        assert set() == {name for each in root.iter() for name in each.attrib} & {
            "src",
            "href",
            "onload",
            "onclick",
        }


# ---------------------------------------------------------------- DOT and Mermaid


def unquoted(text):
    """The text of a quoted string of DOT."""
    return re.sub(r"\\(.)", lambda match: match[1], text[1:-1]).replace("&amp;", "&")


@pytest.mark.filterwarnings("ignore:.* deprecated - use")  # pydot calls its own parser by old names
def test_dot_has_every_node_and_edge(repo):
    """A parser of the language reads a node for each artifact and each function, and every edge."""
    for drawing in drawings(repo):
        (graph,) = pydot.graph_from_dot_data(drawing.dot)
        nodes = {each.get_name() for each in graph.get_nodes()} - {"node", "edge", '"\\n"'}
        numbers = range(len(drawing.scene.steps))
        calls = [i for i in numbers if drawing.scene.steps[i].call]
        assert {f"a{i}" for i in numbers} | {f"f{i}" for i in calls} == nodes
        edges = sorted((each.get_source(), each.get_destination()) for each in graph.get_edges())
        uses = [(f"a{use.source}", f"f{use.user}") for use in drawing.scene.uses]
        assert sorted([*uses, *((f"f{i}", f"a{i}") for i in calls)]) == edges


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_dot_quotes_whatever_it_is(text):
    """The quoted string ends where it should, and means what it says."""
    assert text == unquoted(quote_dot(text))
    assert re.fullmatch(r'"(?:[^"\\]|\\.)*"', quote_dot(text), re.DOTALL)


def test_mermaid_has_every_node_and_edge(repo):
    """Each line is a node or an edge of the expected form, and every node has a class that is defined."""
    text = r'"(?:[^"\\<>&`|]|<br/>)*"'
    node = re.compile(rf"  [af]\d+(?:\[|\(\[|\[\[|>){text}(?:\]|\]\)|\]\]):::(\w+)")
    edge = re.compile(rf"  [af]\d+ -->(?:\|{text}\|)? [af]\d+")
    for drawing in drawings(repo):
        first, *lines = drawing.mermaid.splitlines()
        defined = {line.split()[1] for line in lines if line.startswith("  classDef")}
        nodes = [match[1] for line in lines if (match := node.fullmatch(line))]
        edges = [line for line in lines if edge.fullmatch(line)]
        calls = sum(step.call is not None for step in drawing.scene.steps)
        assert ("flowchart TD", set()) == (first, set(nodes) - defined)
        assert (len(drawing.scene.steps) + calls, len(drawing.scene.uses) + calls) == (
            len(nodes),
            len(edges),
        )
        assert len(lines) == len(nodes) + len(edges) + len(
            [line for line in lines if line.startswith("  classDef")]
        )


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_mermaid_codes_can_be_read_back(text):
    """Codes stand for the characters that they replace."""
    coded = quote_mermaid(text)[1:-1]
    assert text == re.sub(r"#(\d+);", lambda match: chr(int(match[1])), coded)


# ---------------------------------------------------------------- all of them


def test_equal_scenes_are_drawn_equally(repo):
    """Text for text, in any format."""
    for drawing in drawings(repo):
        again = vis.Drawing(drawing.lineage, drawing.scene)
        assert [drawing.svg, drawing.html, drawing.dot, drawing.mermaid] == [
            again.svg,
            again.html,
            again.dot,
            again.mermaid,
        ]


def test_drawing_is_silent(repo):
    """From a lineage to the text of any format nothing is opened or started."""
    graph = odd(repo)
    with silence():
        drawing = vis.visualize_lineage(graph)
        assert all([drawing.svg, drawing.html, drawing.dot, drawing.mermaid])


def test_fifteen_diamonds_stay_small():
    """The picture grows with the artifacts, not with the paths."""
    small, large = (vis.visualize_lineage(diamonds(count)) for count in (5, 15))
    for one, other in (
        (small.svg, large.svg),
        (small.dot, large.dot),
        (small.mermaid, large.mermaid),
    ):
        assert len(other) < 3.5 * len(one)


def test_a_source_of_everything_stays_small():
    """An artifact that each step of a long chain uses is drawn with one trunk: the path is not told again for each."""
    shared = source()

    def chain(count):
        top = shared
        for step in range(count):
            top = combine(p.artifact_of(top).proxy(), {"shared": shared, "step": step})
        return vis.visualize_lineage(top)

    short, long = chain(20), chain(160)
    assert len(long.svg) < 9 * len(short.svg)


def test_the_mime_bundle_can_be_sent(repo):
    """Notebooks keep it as JSON."""
    for drawing in drawings(repo):
        assert drawing.svg in json.loads(json.dumps(drawing._repr_mimebundle_()))["text/html"]
