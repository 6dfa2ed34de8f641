"""What holds for the lineage of any pipeline."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import provenance as p
from provenance.catalog.trace import dependencies, lineage
from provenance.testing import in_memory


@p.provenance()
def step(number, inputs):
    """A value of its own for each number."""
    return [number]


@st.composite
def pipelines(draw):
    """For each step, which of the earlier ones it takes."""
    size = draw(st.integers(1, 12))
    return [draw(st.sets(st.integers(0, i - 1), max_size=4)) if i else set() for i in range(size)]


def played(pipeline):
    """Results of the steps of *pipeline*."""
    results = []
    for number, taken in enumerate(pipeline):
        results.append(step(number, {f"from {i}": results[i] for i in sorted(taken)}))
    return results


def reached(pipeline, number):
    """Numbers of the steps that *number* depends on, and itself."""
    return {number}.union(*(reached(pipeline, each) for each in pipeline[number]))


def ids(results):
    """Ids of the artifacts behind *results*."""
    return [p.artifact_of(each).id for each in results]


@given(pipelines())
@settings(max_examples=50)
def test_the_graph_is_what_was_called(pipeline):
    """The lineage of the last step holds just the steps it depends on, and an edge for each argument."""
    with in_memory():
        made = ids(played(pipeline))
        graph = lineage(made[-1])
        expected = {
            made[number]: {f"inputs['from {i}']": made[i] for i in pipeline[number]}
            for number in reached(pipeline, len(pipeline) - 1)
        }
        assert expected == {each: dict(uses) for each, uses in graph.edges.items()}


@given(pipelines())
@settings(max_examples=50)
def test_every_source_comes_first(pipeline):
    """In `dependencies` each artifact is there once, after all that it was made from."""
    with in_memory():
        found = dependencies(played(pipeline)[-1])
        order = {each.id: i for i, each in enumerate(found)}
        assert len(found) == len(order)
        assert all(
            order[source] < order[each.id] for each in found for source in each.input_artifact_ids
        )


@given(pipelines())
@settings(max_examples=50)
def test_a_part_is_the_lineage_of_the_part(pipeline):
    """What the graph says of an inner artifact is what that one's own lineage says."""
    with in_memory():
        graph = lineage(played(pipeline)[-1])
        assert all(
            graph.edges[inner] == lineage(each).edges[inner]
            for each in graph.artifacts
            for inner in [each]
        )
        assert all(graph.tree(each) == lineage(each).tree() for each in graph.artifacts)


@given(pipelines())
@settings(max_examples=50)
def test_the_tree_has_a_line_for_each_edge(pipeline):
    """However many paths there are, the tree grows with the edges alone."""
    with in_memory():
        graph = lineage(played(pipeline)[-1])
        assert 1 + sum(map(len, graph.edges.values())) == len(graph.tree().splitlines())


def through_bodies(arguments):
    """A function whose body hands its arguments on to others, alone and inside values, and returns some as they are."""

    @p.provenance(arguments=arguments)
    def joined(number, inputs):
        first = [step(number + 100, part) for part in inputs[:1]]
        return {
            "number": number,
            "first": first,
            "given": inputs,
            "again": step(number + 200, inputs),
        }

    return joined


@given(pipelines())
@settings(max_examples=10)
def test_values_keep_the_lineage_that_proxies_have(pipeline):
    """Bodies that receive values record the same artifacts, with the same edges, as bodies that receive proxies."""

    def graph(arguments):
        joined = through_bodies(arguments)
        with in_memory():
            results = []
            for number, taken in enumerate(pipeline):
                inputs = [results[i] for i in sorted(taken)] or [source(-1)]
                results.append(joined(number, inputs))
            found = lineage(p.artifact_of(results[-1]).id)
            return {each: dict(uses) for each, uses in found.edges.items()}

    expected = graph("proxies")
    assert expected == graph("values")
    # The array, and for each step its result and two in its value.
    assert len(expected) == 1 + 3 * len(reached(pipeline, len(pipeline) - 1))


@p.provenance()
def source(number):
    """An array, which carries nothing itself."""
    return np.arange(float(abs(number)))
