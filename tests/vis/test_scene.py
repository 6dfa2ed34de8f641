"""What is drawn: a node for each artifact, with what its record tells."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve
from pyrsistent import pmap

import provenance as p
from provenance import vis
from provenance.escaping import escape_invisible
from provenance.events import Outcome
from provenance.ports.blobs import DeleteBlob
from provenance.vis.measure import fit_text, width
from provenance.vis.scene import Kind
from vis.samples import NASTY, changed, combine, diamonds, follow, id_of, join, source


def scene(of):
    """The scene of a drawing of *of*."""
    return vis.visualize_lineage(of).scene


def things(of):
    """The artifacts of a scene, by the name of the function that made them."""
    return {step.call.title if step.call else None: step.artifact for step in scene(of).steps}


def test_every_artifact_is_one_step():
    """15 diamonds are 46 artifacts and 60 uses, not 32,767 paths."""
    top = diamonds(15)
    drawn = scene(top)
    assert set(p.lineage(top).artifacts) == {step.artifact.id for step in drawn.steps}
    assert (46, 60) == (len(drawn.steps), len(drawn.uses))


def test_sources_come_first():
    """Every use leads from an earlier step to a later one, the root is what was asked for."""
    top = combine(follow(source()), source("b"))
    drawn = scene(top)
    assert all(not use.turns_back and use.source < use.user for use in drawn.uses)
    assert id_of(top) == drawn.steps[drawn.root].artifact.id


def test_a_function_is_told_with_its_parameters():
    """Name, version, and the arguments that were no artifacts; artifacts are uses by the name of the argument."""

    @p.provenance(version=3, name="fit")
    def fit(data, rounds, rate=0.1):
        return 1

    drawn = scene(fit({"train": source()}, rounds=7))
    call = drawn.steps[drawn.root].call
    assert ("fit · v3", (("rate", "0.1"), ("rounds", "7"))) == (call.title, call.arguments)
    assert ["data['train']"] == [use.argument for use in drawn.uses]


def test_a_short_builtin_value_is_beside_the_id():
    """As a short text; one that is lost is left out, and not computed again."""
    result = source("a")
    thing = things(result)["source"]
    assert "['a']" == thing.value
    assert f"{thing.short_id}  ['a']" == thing.label
    graph = p.lineage(result)
    artifact = p.artifact_of(result)
    artifact.repo.interpreter(DeleteBlob(artifact.value_blob))
    assert [""] == [step.artifact.value for step in scene(graph).steps]


def test_a_long_value_is_elided():
    """Of a value there are type and size, and what else the record tells of it; never the value."""
    thing = things(source("a secret value" * 100))["source"]
    assert ("list", "kB") == (thing.type, thing.size.split()[1])
    assert {"id", "function", "value", "value id", "computed", "run", "here"} == dict(
        thing.facts
    ).keys()
    assert "a secret value" not in str(thing)


def test_composites_and_files_are_told_apart():
    """By what their records say."""
    a, b = source("a"), source("b")
    graph = p.lineage(combine(a, follow(b)))
    graph = changed(changed(graph, id_of(a), composite=True), id_of(b), serializer="file")
    kinds = {step.artifact.id: step.artifact.kind for step in scene(graph).steps}
    assert (Kind.COMPOSITE, Kind.FILE, Kind.PLAIN) == (
        kinds[id_of(a)],
        kinds[id_of(b)],
        kinds[graph.root],
    )


def test_a_missing_artifact_is_a_node_without_a_function(repo):
    """What was deleted is drawn where it was, as gone."""
    a = source()
    made = follow(a)
    repo.delete(id_of(a))
    (gone,) = [step for step in scene(made).steps if step.call is None]
    assert (Kind.MISSING, id_of(a)) == (gone.artifact.kind, gone.artifact.id)


def test_outcomes_are_those_of_this_process():
    """A miss, a hit, and what was computed anew are told apart; what this process never met has none."""
    hit, miss, again = source("hit"), source("miss"), source("again")
    p.reset_stats()
    source("hit"), source.recompute("again")
    top = join(hit, miss, again)
    outcomes = {step.artifact.id: step.artifact.outcome for step in scene(top).steps}
    assert [Outcome.HIT, None, Outcome.RECOMPUTED, Outcome.MISS] == [
        outcomes[id_of(x)] for x in (hit, miss, again, top)
    ]


def test_the_latest_outcome_counts():
    """What was computed first and found afterwards was found."""
    source(), source()
    assert Outcome.HIT == things(source())["source"].outcome


def test_a_circle_turns_back_once():
    """A source recomputed from its own product: one edge turns back, and the drawing has both artifacts."""
    first = combine(1)
    second = follow(first)
    graph = p.lineage(second)
    closed = evolve(graph, edges=graph.edges.set(id_of(first), pmap({"left": id_of(second)})))
    drawn = scene(closed)
    assert (2, [False, True]) == (len(drawn.steps), sorted(use.turns_back for use in drawn.uses))


def test_artifacts_apart_from_the_root_are_drawn_too():
    """A graph that was put together by hand loses nothing."""
    graph, other = p.lineage(source("a")), p.lineage(source("b"))
    both = evolve(graph, artifacts=graph.artifacts.update(other.artifacts))
    assert {graph.root, other.root} == {step.artifact.id for step in scene(both).steps}


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_whatever_is_written_is_visible(text):
    """No line breaks, controls, lone surrogates or turned directions are left; it can be encoded."""
    shown = escape_invisible(text)
    assert shown.isprintable() or "\u200d" in shown
    assert shown == shown.encode().decode()


@pytest.mark.parametrize("text", NASTY, ids=ascii)
@pytest.mark.parametrize("room", [2.0, 5.0, 30.0])
def test_a_text_is_cut_to_its_room(text, room):
    """It fits, and what fits uncut is left whole."""
    cut = fit_text(text, room)
    assert width(cut) <= room
    assert (cut == text) == (width(text) <= room)


def test_times_are_told_in_utc():
    """When an artifact was computed is there to the second."""
    made = source()
    graph = changed(
        p.lineage(made), id_of(made), computed_at=datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    )
    assert dict(scene(graph).steps[0].artifact.facts)["computed"].startswith(
        "2001-02-03 04:05:06 UTC, in "
    )


def test_what_is_left_out_has_a_box(memory_repo):
    """With the number of sources or of users, in each format; it leads from or to the artifact."""
    step = p.provenance(name="step")(lambda before, number: [number])
    sources = [step([], number) for number in range(5)]
    root = step(sources, -1)
    up = p.lineage(root, most=3)
    scene = vis.visualize_lineage(up).scene
    (box,) = [i for i, each in enumerate(scene.steps) if each.artifact.kind is Kind.MORE]
    assert "+ 3 more" == scene.steps[box].artifact.type
    assert [scene.root] == [use.user for use in scene.uses if use.source == box]
    assert scene.title.endswith("3 artifacts")
    users = [step([sources[0]], number) for number in range(10, 14)]
    down = p.lineage(sources[0], most=3, down=True)
    scene = vis.visualize_lineage(down).scene
    (box,) = [i for i, each in enumerate(scene.steps) if each.artifact.kind is Kind.MORE]
    assert [(scene.root, False)] == [
        (use.source, use.turns_back) for use in scene.uses if use.user == box
    ]
    assert scene.title.startswith("Uses of step")
    assert len(users) + 1 == int(scene.steps[box].artifact.type.split()[1]) + 2
    for graph, text in ((up, "+ 3 more"), (down, "+ 3 more")):
        drawing = vis.visualize_lineage(graph)
        for form in (drawing.svg, drawing.dot):
            assert text in form
        assert "#43; 3 more" in drawing.mermaid
        ET.fromstring(drawing.svg)
