"""Rows, places and paths: what holds for any graph."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.vis import layered as rows_module
from provenance.vis.layered import BEND_GAP, assign_rows, crossings, isotonic, most_in_row, place
from provenance.vis.layout import lay_out
from provenance.vis.measure import blocks_of
from vis.samples import graphs, plain_scene


def row_of(rows):
    """The row of each node and bend."""
    return {each: i for i, row in enumerate(rows.rows) for each in row}


@given(graphs())
def test_every_node_stands_in_one_row(graph):
    """Each node and each bend is there once."""
    rows = assign_rows(*graph)
    standing = [each for row in rows.rows for each in row]
    bends = {bend for path in rows.paths.values() for bend in path}
    assert sorted({*range(graph[0]), *bends}) == sorted(standing)


@given(graphs())
def test_edges_lead_down_row_by_row(graph):
    """From its source over its bends to its user an edge goes down one row at a time."""
    rows = assign_rows(*graph)
    depth = row_of(rows)
    for (source, user), path in rows.paths.items():
        stations = [depth[each] for each in (source, *path, user)]
        assert list(range(stations[0], stations[0] + len(stations))) == stations


@given(graphs())
def test_an_edge_is_there_once(graph):
    """Parallel edges are one."""
    assert set(graph[1]) == set(assign_rows(*graph).paths)


@given(graphs())
def test_edges_from_one_node_share_their_bends(graph):
    """A node has no more than one bend in a row."""
    rows = assign_rows(*graph)
    depth = row_of(rows)
    owned = {(source, bend) for (source, _), path in rows.paths.items() for bend in path}
    assert len(owned) == len({(source, depth[bend]) for source, bend in owned})


@given(st.integers(1, 400))
def test_a_row_is_not_too_long(count):
    """What nothing connects is folded into rows."""
    rows = assign_rows(count, []).rows
    assert max(map(len, rows)) <= most_in_row(count)


@given(graphs(12), st.randoms())
def test_crossings_are_counted_as_by_hand(graph, random):
    """The quick count agrees with looking at every pair of edges."""
    rows = assign_rows(*graph)
    mixed = [random.sample(row, len(row)) for row in rows.rows]
    place = {each: i for row in mixed for i, each in enumerate(row)}
    expected = 0
    for row in mixed:
        ends = [(place[a], place[b]) for a in row for b in rows.down.get(a, ())]
        expected += sum(a < c and b > d for a, b in ends for c, d in ends)
    assert expected == crossings(mixed, rows.down)


def test_edges_that_need_not_cross_do_not():
    """A pair of crossed edges is untangled, and a chain of 15 diamonds has no crossing."""
    rows = assign_rows(4, [(0, 3), (1, 2)])
    assert 0 == crossings(rows.rows, rows.down)
    chain = [(3 * i, 3 * i + j) for i in range(15) for j in (1, 2)] + [
        (3 * i + j, 3 * i + 3) for i in range(15) for j in (1, 2)
    ]
    rows = assign_rows(46, chain)
    assert (0, 46, 31) == (
        crossings(rows.rows, rows.down),
        sum(map(len, rows.rows)),
        len(rows.rows),
    )


def test_too_many_bends_go_straight(monkeypatch):
    """When bends run out, the longest edges have none, and are drawn all the same."""
    monkeypatch.setattr(rows_module, "MOST_BENDS", 3)
    edges = [*((i, i + 1) for i in range(9)), (0, 9), (1, 4)]
    assert (None, 2) == (
        assign_rows(10, edges).paths[0, 9],
        len(assign_rows(10, edges).paths[1, 4]),
    )
    wires = lay_out(plain_scene(10, edges)).wires
    assert ["use straight"] == [each.style for each in wires if each.style != "use"]


@given(graphs(), st.data())
def test_nothing_stands_on_another(graph, data):
    """In a row, blocks and bends keep their distance, in the order of the row."""
    scene = plain_scene(*graph)
    blocks, rows = blocks_of(scene), assign_rows(*graph)
    places = place(rows, blocks, 0.0)
    half = [block.width / 2 for block in blocks]
    for row in rows.rows:
        for left, right in pairwise(row):
            room = sum(half[each] if each < len(half) else 0.0 for each in (left, right))
            assert places.middles[right] - places.middles[left] >= room + BEND_GAP - 1e-6


@given(graphs())
@settings(max_examples=50)
def test_everything_is_on_the_sheet(graph):
    """Every box lies within the sheet, and rows do not overlap."""
    layout = lay_out(plain_scene(*graph))
    for figure in layout.figures:
        assert 0 <= figure.artifact.x <= figure.artifact.x + figure.artifact.width <= layout.width
        assert 0 <= figure.call.y <= figure.artifact.bottom <= layout.height


@given(graphs())
@settings(max_examples=50)
def test_the_same_scene_is_laid_out_the_same(graph):
    """Nothing depends on chance, or on the order of sets."""
    assert lay_out(plain_scene(*graph)) == lay_out(plain_scene(*graph))


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0.1, 10)), min_size=1, max_size=20))
def test_the_rising_sequence_rises(wishes):
    """It never falls, keeps the weighted mean, and leaves alone what rises already."""
    values, weights = zip(*wishes, strict=True)
    found = isotonic(values, weights)
    assert found == sorted(found)
    gap = sum(w * (a - b) for a, b, w in zip(found, values, weights, strict=True))
    assert abs(gap) < 1e-6 * (1 + sum(weights)) * 1e3
    assert sorted(values) == isotonic(sorted(values), weights)
