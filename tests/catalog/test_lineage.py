"""Where artifacts came from: the graph, its order, and its tree."""

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from pyrsistent import PMap

import provenance as p
from provenance.catalog.graph import describe_inputs, summarize
from provenance.catalog.trace import dependencies, lineage
from provenance.effect import Effect, with_layer
from provenance.environment import using_repo
from provenance.model.ids import ArtifactId
from provenance.model.records import Inputs
from provenance.ports.blobs import ReadBlob
from provenance.ports.records import FindInputs, FindRecord
from provenance.repository.inputs import Summary
from provenance.testing import in_memory, memory_environment


@p.provenance()
def source(name="a"):
    """A value made from nothing."""
    return [name]


@p.provenance()
def follow(data, by=1):
    """The values before, and one more."""
    return [*data, by]


@p.provenance()
def join(*parts, **named):
    """How many it was given."""
    return [len(parts), len(named)]


@p.provenance()
def combine(left, right=None):
    """Something made of two."""
    return ["combined"]


@dataclass
class Box:
    content: object


class Colour(Enum):
    RED = 1


@pytest.fixture(autouse=True)
def repo():
    """An empty repository in memory."""
    with in_memory() as repo:
        yield repo


def asked_while(repo, work):
    """The effects that *work*, given a repository that watches, asks for."""
    asked = []

    def watch(effect, inner):
        asked.append(effect)
        return inner(effect)

    with using_repo(evolve(repo, interpreter=with_layer(repo.interpreter, watch))) as watched:
        work(watched)
    return asked


def id_of(proxy) -> ArtifactId:
    """Id of the artifact behind *proxy*."""
    return p.artifact_of(proxy).id


def edges_of(proxy) -> dict[str, str]:
    """What the call that made *proxy* was given."""
    return dict(lineage(proxy).edges[id_of(proxy)])


def names(found) -> list[str]:
    """Names of the functions that made these artifacts."""
    return [each.fn_name for each in found]


# ---------------------------------------------------------------- the graph


def test_the_lineage_of_a_source_is_itself():
    """What was made from no artifact has a lineage of one artifact and no edges."""
    graph = lineage(source())
    assert ({id_of(source())}, {}) == (set(graph.artifacts), dict(graph.edges[graph.root]))


def test_an_edge_is_named_by_the_argument():
    """An artifact passed by position or keyword is an edge of its parameter's name."""
    a, b = source("a"), source("b")
    assert {"left": id_of(a), "right": id_of(b)} == edges_of(combine(a, right=b))


def test_an_artifact_passed_twice_is_two_edges():
    """One artifact in two arguments is in both of them."""
    a = source()
    assert {"left": id_of(a), "right": id_of(a)} == edges_of(combine(a, a))


def test_edges_lead_into_structures():
    """Artifacts inside lists, tuples and dictionaries are named by the way to them."""
    a, b, c = source("a"), source("b"), source("c")
    made = combine({"train": a, 1: [b]}, (0, c))
    assert {"left['train']": id_of(a), "left[1][0]": id_of(b), "right[1]": id_of(c)} == edges_of(
        made
    )


def test_variadic_arguments_are_edges():
    """`*args` are numbered, `**kwargs` named."""
    a, b = source("a"), source("b")
    assert {"*0": id_of(a), "other": id_of(b)} == edges_of(join(a, other=b))


def test_captured_artifacts_are_edges():
    """What a closure brought with it is marked as captured."""
    a = source()

    @p.provenance()
    def inner():
        return len(a)

    assert {"captured a": id_of(a)} == edges_of(inner())


def test_an_artifact_inside_an_object_is_an_edge():
    """An artifact that no path leads to is an edge all the same."""
    a = source()
    assert {f"some input ({id_of(a)[:8]})": id_of(a)} == edges_of(combine(Box(a)))


def test_members_of_a_set_are_edges():
    """Artifacts in a set are told apart by their ids."""

    @p.provenance()
    def number(n):
        return n

    one, two = number(1), number(2)
    expected = {f"left{{{id_of(each)[:8]}}}": id_of(each) for each in (one, two)}
    assert expected == edges_of(combine(frozenset({one, two})))


def test_other_arguments_are_told_in_short():
    """Arguments that hold no artifact are there as text, by name."""
    made = follow(source(), by=3)
    assert {"by": "3"} == dict(lineage(made).arguments[id_of(made)])


def test_the_graph_is_immutable():
    """The graph and its maps offer no way to change them."""
    graph = lineage(follow(source()))
    with pytest.raises(AttributeError):
        graph.root = "other"
    assert {PMap} == {
        type(each)
        for each in (graph.artifacts, graph.edges, graph.arguments, graph.edges[graph.root])
    }


def test_artifacts_of_the_graph_load_their_values():
    """The artifacts in a lineage are whole: their values can be read."""
    graph = lineage(follow(source("x")))
    assert [["x"], ["x", 1]] == [graph.artifacts[each].value for each in graph.order]


@pytest.mark.parametrize(
    "door", [lambda made: made, p.artifact_of, id_of, lambda made: id_of(made)[:8]]
)
def test_a_proxy_an_artifact_and_an_id_are_one(door):
    """Lineage is the same by proxy, artifact, id or unambiguous prefix."""
    made = follow(source())
    assert lineage(made) == lineage(door(made))


@pytest.mark.parametrize("plain", [3, None, ["a"], b"0123456789"])
def test_a_plain_value_has_no_lineage(plain):
    """What stands for no artifact is refused by type."""
    with pytest.raises(TypeError, match="expected an artifact"):
        lineage(plain)


def test_an_unknown_id_is_not_found():
    """An id that names nothing is an error that says so."""
    with pytest.raises(p.ArtifactNotFoundError):
        lineage("0" * 40)


# ---------------------------------------------------------------- what is missing


def test_a_deleted_source_is_named_as_missing(repo):
    """A lineage survives the deletion of what it came from, and says what is not there any more."""
    a = source()
    made = follow(follow(a), by=2)
    repo.delete(id_of(a))
    graph = lineage(made)
    assert (frozenset({id_of(a)}), 2) == (graph.missing, len(graph.artifacts))


def test_a_deleted_source_is_shown_as_missing(repo):
    """The tree has a line for what was deleted, at its place."""
    a = source()
    made = follow(a)
    repo.delete(id_of(a))
    assert re.fullmatch(
        r"└─ data: \?\s+[0-9a-f]{8}\s+no longer recorded", lineage(made).tree().splitlines()[1]
    )


def losing(repo, artifact, damage):
    """*repo*, unable to tell the inputs of *artifact*."""

    def lose(effect, inner):
        is_asked = isinstance(effect, ReadBlob) and effect.blob == artifact.inputs_blob
        if is_asked or effect == FindInputs(artifact.id):
            raise damage
        return inner(effect)

    return evolve(repo, interpreter=with_layer(repo.interpreter, lose))


@pytest.mark.parametrize(
    "damage", [p.BlobNotFoundError("b", "s"), p.CorruptBlobError("b", "s", "torn")]
)
def test_lost_inputs_leave_the_edges(damage, repo):
    """Where a call's inputs cannot be read, its edges come from its record."""
    a = source()
    made = p.artifact_of(follow(a))
    graph = lineage(losing(repo, made, damage).get_by_id(made.id))
    assert ({f"some input ({id_of(a)[:8]})": id_of(a)}, {}) == (
        dict(graph.edges[made.id]),
        dict(graph.arguments[made.id]),
    )


def test_a_read_only_result_has_a_lineage():
    """A result that is in no store can be traced to the artifacts that it was made from."""
    a = source()
    made = follow.with_options(read_only=True)(a, by=5)
    assert ["source", "follow"] == names(dependencies(made))


def test_a_lineage_stays_in_its_repository():
    """What was read from one repository is traced there, whatever the current one is."""
    made = follow(source())
    with using_repo(memory_environment().repository()):
        assert ["source", "follow"] == names(dependencies(made))


# ---------------------------------------------------------------- nodes, not paths; records, not values


def test_diamonds_are_visited_once(repo):
    """A tower of 15 diamonds asks for each of its records at most once."""
    top = source()
    for level in range(15):
        top = combine(follow(top, by=-level), follow(top, by=level + 1))
    asked = asked_while(repo, lambda watched: lineage(watched.get_by_id(id_of(top))))
    looked_up = [each.id for each in asked if isinstance(each, FindRecord)][1:]
    assert (45, 45) == (len(looked_up), len(set(looked_up)))


def test_the_tree_of_diamonds_has_a_line_for_each_edge():
    """The tree of 15 diamonds does not unfold into 32,767 paths."""
    top = source()
    for level in range(15):
        top = combine(follow(top, by=-level), follow(top, by=level + 1))
    assert 1 + 15 * 4 == len(lineage(top).tree().splitlines())


def test_a_long_chain_needs_no_stack():
    """A chain of 1,200 artifacts is traced, ordered and drawn."""
    top = source()
    for step in range(1_199):
        top = follow.with_options(input_hash_fn=None)(_shallow(top), by=step)
    graph = lineage(top)
    assert (1_200, 1_200) == (len(graph.order), len(graph.tree().splitlines()))


def _shallow(proxy):
    """*proxy* over its stored value, unread: values of the chain grow, and are not needed."""
    return p.artifact_of(proxy).proxy()


def test_no_value_is_read(repo):
    """Tracing, ordering and drawing read the inputs of calls, and not one value."""
    made = combine(follow(source()), {"k": follow(source(), by=2)})
    values = {each.value_blob for each in dependencies(made)}
    asked = asked_while(repo, lambda watched: lineage(watched.get_by_id(id_of(made))).tree())
    read = {each.blob for each in asked if isinstance(each, ReadBlob)}
    assert set() == read & values


def test_tracing_only_looks(repo):
    """Nothing but records and inputs is asked for: nothing is written."""
    made = follow(source())
    asked: list[Effect] = asked_while(
        repo, lambda watched: dependencies(watched.get_by_id(id_of(made)))
    )
    assert set() == {type(each) for each in asked} - {FindRecord, FindInputs, ReadBlob}


def test_a_circle_ends():
    """A source recomputed from its own product makes a circle; tracing and drawing it ends."""

    @p.provenance()
    def same(x):
        return x

    @p.provenance()
    def also(x):
        return x

    first = same(1)
    second = also(first)
    again = same.recompute(second)
    graph = lineage(again)
    assert ({id_of(first), id_of(second)}, again, 3) == (
        set(graph.order),
        1,
        len(graph.tree().splitlines()),
    )


# ---------------------------------------------------------------- dependencies


def test_dependencies_come_before_what_was_made_from_them():
    """Sources first, what was asked for last."""
    a = source("a")
    made = combine(follow(a), join(source("b"), follow(a)))
    found = names(dependencies(made))
    assert ("combine", ["combine", "follow", "join", "source", "source"]) == (
        found[-1],
        sorted(found),
    )


# ---------------------------------------------------------------- the tree


def uncertain_hidden(text: str) -> str:
    """*text* with ids and seconds, which differ from run to run, written as # and s."""
    return re.sub(
        r" +[0-9a-f]{8} +(see above|no longer recorded|[\d.]+ s)",
        lambda m: f"  # {m[1].split()[-1]}",
        text,
    )


def test_the_tree_shows_how_it_was_made():
    """A line for each step, with its arguments; what was shown is named and not taken apart again."""
    shared = follow(source("x"), by=2)
    tree = lineage(combine({"train": shared, "test": follow(shared, by=[1, 2])}, shared)).tree()
    assert [
        "combine  # s",
        "├─ left['test']: follow(by=[1, 2])  # s",
        "│  └─ data: follow(by=2)  # s",
        "│     └─ data: source(name='x')  # s",
        "├─ left['train']: follow …  # above",
        "└─ right: follow …  # above",
    ] == uncertain_hidden(tree).splitlines()


def test_ids_and_seconds_stand_in_columns():
    """Whatever the names, ids begin in one column."""
    tree = lineage(combine(follow(source("a long argument")), 1)).tree()
    assert 1 == len({re.search(r"[0-9a-f]{8}  ", line).start() for line in tree.splitlines()})


def test_a_part_of_the_tree():
    """Given an id or its first digits, the tree begins there."""
    inner = follow(source("x"))
    graph = lineage(combine(inner, 1))
    assert lineage(inner).tree() == graph.tree(id_of(inner)[:10])


@pytest.mark.parametrize("prefix", ["", "not an id", "ffffffffff"])
def test_a_part_that_is_not_there(prefix):
    """A prefix of no artifact, or of several, is an error."""
    with pytest.raises(p.ArtifactNotFoundError):
        lineage(follow(source())).tree(prefix)


def test_numbered_edges_are_in_the_order_of_numbers():
    """`*2` comes before `*10`."""
    made = join(*[source(str(i)) for i in range(12)])
    assert [f"*{i}" for i in range(12)] == [place for place, _ in lineage(made).uses(id_of(made))]


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("None", None),
        ("'text'", "text"),
        ("'aaaaaaaaaaaaaaaaaaaaa…", "a" * 100),
        ("(1, 2.5)", (1, 2.5)),
        ("{'a': [True]}", {"a": [True]}),
        ("[[<list>]]", [[[1]]]),
        ("<list of 5>", [1, 2, 3, 4, 5]),
        ("<set of 2>", {1, 2}),
        ("'a/b'", Path("a/b")),
        ("Colour.RED", Colour.RED),
        ("id_of", id_of),
        ("Box", Box),
        ("<Box>", Box(1)),
        ("<Frame>", Summary("lib:Frame", None)),
    ],
)
def test_a_value_in_short(expected, value):
    """Small builtin values are written out, everything else by what it is."""
    assert expected == summarize(value)


def test_an_array_in_short():
    """Arrays and tables are told by their shape."""
    import numpy as np

    assert "<ndarray 3x4>" == summarize(np.zeros((3, 4)))


def test_an_artifact_in_short_is_not_read(repo):
    """An unread proxy is not read to be told."""
    unread = p.artifact_of(source()).proxy()
    asked = asked_while(repo, lambda _: summarize([unread]))
    assert ([], "[<artifact>]") == (asked, summarize([unread]))


def test_without_input_artifacts_nothing_is_searched():
    """Large plain inputs are not searched for artifacts when the record names none."""
    record = p.artifact_of(source())
    searched = []

    class Watched(list):
        def __iter__(self):
            searched.append(self)
            return super().__iter__()

    describe_inputs(record, Inputs({"x": Watched([1])}))
    assert [] == searched


def test_the_runs_are_looked_up_when_they_are_asked_for():
    """Each run that computed an artifact of the lineage is there once."""
    with in_memory():
        graph = lineage(combine(source(), follow(source())))
        runs = graph.runs()
        assert isinstance(runs, PMap)
        assert graph.run_ids == set(runs) == {p.artifact_of(source()).run_id}
        assert runs[next(iter(runs))] == p.artifact_of(source()).run_info
        with using_repo(memory_environment().repository()):
            nothing = p.lineage(combine.with_options(read_only=True)(1))
        assert {} == dict(nothing.runs())


@pytest.mark.parametrize(("depth", "expected"), [(0, 1), (1, 2), (2, 3), (9, 4), (None, 4)])
def test_a_depth_leaves_out_what_is_farther(depth, expected):
    """Edges lead to what is there; nothing counts as missing."""
    with in_memory():
        graph = p.lineage(follow(follow(follow(source()))), depth=depth)
    assert expected == len(graph.artifacts) == len(graph.order)
    assert not graph.missing


def test_an_untrusted_repository_has_a_lineage(tmp_path):
    """Where inputs would have to be unpickled, their JSON tells which artifacts they were."""
    with using_repo(p.SqliteRepo(db=tmp_path / "one.db")):
        left = follow(source("a"))
        trusted = p.lineage(join(left, source("b"), table=[left, {"deep": source("c")}], n=(1, 2)))
    far = p.SqliteRepo(db=tmp_path / "one.db", trusted=False)
    graph = p.lineage(far[trusted.root])
    assert trusted.edges == graph.edges
    assert trusted.tree().replace("(1, 2)", "[1, 2]") == graph.tree()


@dataclass(frozen=True)
class Candidate:
    """What a function returns around an argument."""

    model: object
    score: float


@pytest.mark.parametrize("make", [Candidate, lambda model, score: {"model": model, "score": score}])
@pytest.mark.parametrize("arguments", ["proxies", "values"])
@pytest.mark.parametrize("is_stored", [False, True])
def test_what_an_input_holds_is_no_input(make, arguments, is_stored):
    """The edges of a call are the artifacts that it was given, whether they were computed or found; in bodies too."""

    @p.provenance(name="model")
    def model(n):
        return np.arange(n)

    @p.provenance(name="evaluate")
    def evaluate(model):
        return make(model, float(model.sum()))

    @p.provenance(name="count")
    def count(candidates):
        return len(candidates)

    @p.provenance(name="pick", arguments=arguments)
    def pick(candidates):
        return {"count": count(candidates)}

    with p.using_repo(p.MemoryRepo()):
        given = [evaluate(model(3)), evaluate(model(4))]
        if is_stored:
            given = [evaluate(model(3)), evaluate(model(4))]
        best = p.artifact_of(pick(given))
        ids = frozenset(p.artifact_of(each).id for each in given)
        counted = p.artifact_of(best.value["count"])
        assert ids == best.input_artifact_ids == counted.input_artifact_ids
        lines = p.lineage(best).tree().splitlines()
    assert 8 == len(lines)


def chain(length, width=1):
    """Results by step, each made from all of the step before."""
    step = p.provenance(name="step")(lambda before, number: [number])
    steps = [[step([], -1)]]
    for number in range(length):
        steps.append([step(steps[-1], number * width + i) for i in range(width)])
    return [[p.artifact_of(each) for each in some] for some in steps]


def test_the_nearest_artifacts_are_found(memory_repo):
    """A lineage can be limited to a number of them, and tells how many sources are left out where."""
    steps = chain(4, width=3)
    (root, *_) = steps[-1]
    whole = p.lineage(root)
    assert (11, {}) == (len(whole.artifacts), dict(whole.beyond))
    near = p.lineage(root, most=3)
    assert {root.id} < set(near.artifacts) < {root.id, *(each.id for each in steps[-2])}
    assert {root.id: 1} == {key: near.beyond[key] for key in near.beyond if key == root.id}
    for graph in (near, p.lineage(root, depth=1)):
        assert set(graph.missing) == set()
        for key in graph.artifacts:
            all_sources = {source for _, source in whole.uses(key)}
            shown = {source for _, source in graph.uses(key)}
            assert len(all_sources - shown) == graph.beyond.get(key, 0)


def test_lineage_goes_in_the_other_direction_too(memory_repo):
    """Who used what, up to a number of steps or of artifacts; the rest is counted."""
    steps = chain(3, width=2)
    (root,) = steps[0]
    whole = p.lineage(root, down=True)
    assert {each.id for each in p.descendants(root)} | {root.id} == set(whole.artifacts)
    assert root.id == whole.order[0]
    assert set(whole.order) == set(whole.artifacts)
    places = {key: place for place, key in enumerate(whole.order)}
    for key in whole.artifacts:
        full = p.lineage(key)
        assert full.uses(key) == whole.uses(key)
        assert all(places[source] < places[key] for _, source in whole.uses(key))
    near = p.lineage(root, depth=1, down=True)
    assert {root.id, *(each.id for each in steps[1])} == set(near.artifacts)
    assert {2} == set(near.beyond.values())
    few = p.lineage(root, most=2, down=True)
    assert (2, True) == (len(few.artifacts), sum(few.beyond.values()) > 0)
    tree = near.tree().splitlines()
    assert tree[0].startswith("step(")
    assert ["├─ before[0]: ste", "└─ before[0]: ste"] == [line[:17] for line in tree[1:]]
    assert 1 == len(p.lineage(steps[-1][0], down=True).artifacts)


def test_what_used_an_equal_value_is_found_downwards(memory_repo):
    """A later call used the artifact in place of one of equal value."""
    make = p.provenance(name="make")(lambda number: ["equal"])
    use = p.provenance(name="use")(len)
    use(make(1))
    second = make(2)
    result = use(second)
    graph = p.lineage(second, down=True)
    assert {p.artifact_of(second).id} == {
        source for _, source in graph.uses(p.artifact_of(result).id)
    }
