"""Sets of artifacts, as users make, capture, find and take them apart."""

import asyncio
import contextvars
import copy
import pickle
import threading
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

import provenance as p
from contract.samples import new_id
from provenance.environment import replacing_environment
from provenance.testing import in_memory


@p.provenance()
def number(n):
    """A number in a dictionary."""
    return {"n": n}


@p.provenance()
def total(numbers):
    """Their sum."""
    return sum(each["n"] for each in numbers)


@p.provenance()
def through(n):
    """A function that calls another one."""
    return number(n)["n"]


@pytest.fixture(params=["memory_repo", "stored"])
def repo(request):
    """The default repository, in memory and on disk."""
    return request.getfixturevalue(request.param)


def id_of(value):
    """Its artifact's id."""
    return p.artifact_of(value).id


def test_a_block_is_captured(repo):
    """All calls of the block are in the set, hits too, and what came before and after is not."""
    before = number(0)
    hit = number(1)
    with p.capture_set("production") as capture:
        results = [number(1), number(2), total([number(1), number(3)])]
    number(4)
    expected = frozenset(map(id_of, [hit, *results, number(3)]))
    assert expected == capture.set.artifact_ids == p.load_set_by_name("production").artifact_ids
    assert id_of(before) not in capture.set
    assert "production" == capture.set.name
    assert UTC == capture.set.created_at.tzinfo


def test_an_initial_set_is_part_of_what_is_captured(repo):
    """The set begins with the members of another one."""
    first = p.create_set([number(1)])
    with p.capture_set({"name": "more", "build": 7}, first) as capture:
        number(2)
    assert frozenset({id_of(number(1)), id_of(number(2))}) == capture.set.artifact_ids
    assert capture.set == p.load_set_by_labels({"build": 7})


def test_an_initial_set_may_be_given_by_its_members(repo):
    """As artifacts, results or ids, to both ways of capturing."""
    members = [number(1), p.artifact_of(number(2)), p.artifact_of(number(3)).id]
    with p.capture_set("block", members) as capture:
        number(4)
    expected = p.create_set([number(n) for n in range(1, 5)])
    made = p.provenance_set("function", (each for each in members))(lambda: number(4))
    assert expected == capture.set == made()
    assert expected == made(), "what is given once holds for every call"


def test_a_set_is_built_from_its_members_and_its_labels(repo):
    """`ArtifactSet(ids, name)` is what it says; what is no collection of artifacts is refused."""
    result = number(1)
    made = p.ArtifactSet([result, p.artifact_of(result).id], "mine")
    assert (p.create_set([result]), "mine", None) == (made, made.name, made.created_at)
    assert made == pickle.loads(pickle.dumps(made)) == p.load_set_by_id(made.put().id)
    for wrong in (p.artifact_of(result).id, ["no id"], 5):
        with pytest.raises(TypeError, match="artifact"):
            p.ArtifactSet(wrong, "mine")


def test_labels_are_made_from_all_parameters_by_name(repo):
    """Defaults and keywords of `**kwargs` are among them, however the call passes its arguments."""
    seen = []

    def note(**parameters):
        seen.append(parameters)
        return {"size": parameters["size"]}

    @p.provenance_set(set_labels_fn=note)
    def pipeline(build, *rest, size=2, **options):
        number(size)

    made = pipeline(7, 8, deep=True)
    assert [{"build": 7, "rest": (8,), "size": 2, "deep": True}] == seen
    assert made == p.load_set_by_labels({"size": 2})
    named = p.provenance_set(set_labels_fn=lambda size: f"of {size}")(
        lambda build, size=3: number(1)
    )
    assert "of 3" == named(1).name


def test_captures_nest(repo):
    """An inner block captures for itself and for the outer one; functions that are called inside functions count too."""
    with p.capture_set("outer") as outer:
        number(1)
        with p.capture_set("inner") as inner:
            through(2)
    assert frozenset({id_of(number(2)), id_of(through(2))}) == inner.set.artifact_ids
    assert outer.set == inner.set.add(number(1))


def test_a_block_that_raises_stores_nothing(repo):
    """Half a pipeline is no set."""
    with pytest.raises(ZeroDivisionError), p.capture_set("half"):
        raise ZeroDivisionError(number(1))
    with pytest.raises(p.SetNotFoundError, match="half"):
        p.load_set_by_name("half")


def test_a_capture_without_a_repository_is_refused_before_the_block(tmp_path):
    """Where its set is to go is known before hours of work, not after."""
    nowhere = p.from_config({"artifact_repos": {}}, tmp_path)
    begun = []
    with (
        replacing_environment(nowhere),
        pytest.raises(p.ConfigError, match="no default repository"),
        p.capture_set("x"),
    ):
        begun.append(1)
    assert [] == begun


def test_threads_beside_a_block_are_not_captured(repo):
    """Each thread captures what it calls itself."""
    sets = {}
    barrier = threading.Barrier(4)

    def work(n):
        with p.capture_set(f"thread {n}") as capture:
            barrier.wait()
            number(n)
            barrier.wait()
        sets[n] = capture.set

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    with p.capture_set("none") as none:
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert {n: frozenset({id_of(number(n))}) for n in range(4)} == {
        n: each.artifact_ids for n, each in sets.items()
    }
    assert frozenset() == none.set.artifact_ids


def test_tasks_are_captured_by_the_block_that_starts_them(repo):
    """Tasks of a block belong to it, and tasks beside it do not."""

    @p.provenance()
    async def later(n):
        await asyncio.sleep(0)
        return n

    async def captured(numbers):
        with p.capture_set() as capture:
            await asyncio.gather(*(later(n) for n in numbers))
        return capture.set

    async def main():
        sets = await asyncio.gather(captured([1, 2]), captured([2, 3]))
        return sets, [id_of(await later(n)) for n in (1, 2, 3)]

    (first, second), ids = asyncio.run(main())
    assert (frozenset(ids[:2]), frozenset(ids[1:])) == (first.artifact_ids, second.artifact_ids)


def test_read_only_results_are_not_captured(repo):
    """What is in no store is in no set."""
    with p.capture_set() as capture:
        result = number.with_options(read_only=True)(1)
    assert 0 == len(capture.set)
    with pytest.raises(TypeError, match="in no store"):
        p.create_set([result])


def test_a_function_may_return_its_set(repo):
    """`provenance_set` gives the set of what the function called, under labels from its arguments."""

    @p.provenance_set(set_labels_fn=lambda build, **_: {"build": build})
    def pipeline(build, size=2):
        """Docs."""
        for n in range(size):
            number(n)

    made = pipeline(7, size=3)
    assert made == p.load_set_by_labels({"build": 7}) == p.create_set(map(number, range(3)))
    assert ("pipeline", "Docs.") == (pipeline.__name__, pipeline.__doc__)
    assert 1 == len(p.provenance_set("one", p.create_set([]))(lambda: number(1))())
    with pytest.raises(p.ConfigError, match="one of them"):
        p.provenance_set("a", set_labels_fn=lambda: "b")


class Experiment:
    """Methods with a set each."""

    @p.provenance_set("of the class")
    @classmethod
    def of_the_class(cls, n):
        """One of a class."""
        return number(n)

    @p.provenance_set("free")
    @staticmethod
    def free(n):
        """One of nothing."""
        return number(n)

    @classmethod
    @p.provenance_set("below")
    def below(cls, n):
        """The other way round."""
        return number(n)


@pytest.mark.parametrize("method", ["of_the_class", "free", "below"])
def test_methods_may_return_their_set(repo, method):
    """Above `classmethod` and `staticmethod` as below."""
    for place in (Experiment, Experiment()):
        made = getattr(place, method)(3)
        assert frozenset([id_of(number(3))]) == made.artifact_ids
        assert method.replace("_", " ") == made.name


def test_what_is_no_function_has_no_set():
    """It is refused where it decorates, and so is the decorator without its parentheses."""
    with pytest.raises(p.ConfigError, match=r"provenance_set: .*test_sets.*provenance_set\(\)"):
        p.provenance_set(number)
    with pytest.raises(p.ConfigError, match=r"provenance_set: .*provenance_set\(\)"):
        p.provenance_set(classmethod(number))
    with pytest.raises(p.ConfigError, match="provenance_set: must be callable, got 5"):
        p.provenance_set("x")(5)
    with pytest.raises(
        p.ConfigError, match="provenance_set, set_labels_fn: must be callable, got 5"
    ):
        p.provenance_set(set_labels_fn=5)


@pytest.mark.parametrize("labels", [5, {"a": object()}])
def test_labels_of_a_function_are_looked_at_where_it_is_decorated(labels):
    """As they do not depend on the call."""
    with pytest.raises(p.ConfigError, match="labels"):
        p.provenance_set(labels)


def test_an_initial_set_is_a_set(repo):
    """Else nothing runs."""
    with (
        pytest.raises(p.ConfigError, match=r"initial_set: expected an ArtifactSet or .*, got 5"),
        p.capture_set("x", 5),
    ):
        pytest.fail("the block has begun")
    with pytest.raises(p.ConfigError, match=r"initial_set: expected an ArtifactSet or .*, got 'x'"):
        p.provenance_set(initial_set="x")


def test_what_is_labelled_is_a_set(repo):
    """Or the id of one."""
    for wrong in (5, None):
        with pytest.raises(
            p.ConfigError, match=rf"label_set: expected an ArtifactSet, got {wrong}"
        ):
            p.label_set(wrong, "x")


@pytest.mark.parametrize("given", ["abcdef", "0" * 40, b"abcdef", 5, None])
def test_members_are_given_as_a_list(repo, given):
    """The letters of one id are no ids: that a collection is wanted is said."""
    for make in (p.create_set, p.ArtifactSet.of):
        with pytest.raises(TypeError, match=f"expected a collection of artifacts, got {given!r}"):
            make(given)
    with pytest.raises(TypeError, match=r"pass a list, as in \['abcdef'\]"):
        p.create_set("abcdef")


def test_members_may_come_in_a_result(repo):
    """A result that is a list of artifacts is one, too."""
    listed = p.provenance(name="listed")(lambda: [number(1), number(2)])
    assert (
        p.create_set([number(1), number(2)])
        == p.create_set(listed())
        == p.create_set(iter(listed()))
    )


def test_members_are_given_as_one_likes(repo):
    """Ids, their first digits, artifacts and proxies are members; what is none of these is refused."""
    one = number(1)
    artifact = p.artifact_of(one)
    assert {1} == {
        len(p.create_set([each])) for each in (one, artifact, artifact.id, artifact.id[:8])
    }
    assert 1 == len(p.create_set([one, artifact, artifact.id]))
    with pytest.raises(p.ArtifactNotFoundError):
        p.create_set([new_id()])
    with pytest.raises(TypeError, match="expected an artifact"):
        p.create_set([1])


def test_sets_are_found(repo):
    """By id or its first digits, by name, by labels; what is not there is an error that says what was looked for."""
    made = p.create_set([number(1)], {"name": "a", "build": 1})
    again = p.label_set(made.id, "b")
    assert (
        made
        == again
        == p.load_set_by_id(made.id[:8])
        == p.load_set_by_name("a")
        == p.load_set_by_labels({"build": 1})
    )
    assert ("b", "a") == (p.load_set_by_name("b").name, p.load_set_by_name("a").name)
    assert repo.contains_set(made.id)
    repo.delete_set(made.id)
    assert not repo.contains_set(made.id)
    for look in (p.load_set_by_id, p.load_set_by_name, p.load_set_by_labels):
        with pytest.raises(p.SetNotFoundError, match=made.id):
            look(made.id)


def test_labels_are_json(repo):
    """Labels that JSON cannot say are refused before anything runs."""
    for labels in ({"x": {1}}, {1: "x"}, {"x": float("nan")}):
        with pytest.raises(p.ConfigError, match="no JSON form"), p.capture_set(labels):
            raise AssertionError
    assert {"deep": {"a": [1, None]}} == dict(p.create_set([], {"deep": {"a": (1, None)}}).labels)


def test_proxies_by_name(repo):
    """The members of a set are had as proxies, unread, by name; several of one name as a list, if that is wanted."""
    made = p.create_set([number(1), total([number(1)])])
    names = {
        p.artifact_of(each).name.rpartition(".")[2]: each for each in made.proxy_dict().values()
    }
    assert ({"n": 1}, 1) == (names["number"], names["total"])
    several = made.add(number(2)).put()
    with pytest.raises(p.DuplicateNameError, match="number"):
        several.proxy_dict()
    grouped = several.proxy_dict(group_artifacts_of_same_name=True)
    (name,) = [each for each in grouped if each.endswith(".number")]
    assert [{"n": 1}, {"n": 2}] == grouped[name]
    assert [1, 2] == [each.value["n"] for each in several.artifacts_named(name)]
    assert 1 == grouped[name.replace("number", "total")]


def test_reading_a_set_reads_no_value(repo):
    """A set whose values are gone is still a set."""
    made = p.create_set([number(1)], "gone")
    repo.delete(number(1).artifact.id)
    loaded = p.load_set_by_name("gone")
    assert made.artifact_ids == loaded.artifact_ids
    with pytest.raises(p.ArtifactNotFoundError):
        loaded.proxy_dict()


ids = st.frozensets(st.sampled_from([f"{n:040x}" for n in range(6)]))


@given(ids, ids, ids)
def test_the_algebra_is_that_of_sets(a, b, c):
    """Union, intersection and difference are those of the members, and equal members are equal sets."""
    one, other, third = (p.ArtifactSet.of(each, "x") for each in (a, b, c))
    assert (a | b, a & b, a - b) == tuple(
        each.artifact_ids for each in (one | other, one & other, one - other)
    )
    assert (a | b | c) == one.union(other, third).artifact_ids
    assert (one == other, hash(one) == hash(other)) == (a == b, a == b)
    assert a == one.add(*b).remove(*(b - a)).artifact_ids
    assert sorted(a) == list(one)
    assert [None, None, "y"] == [one.add().name, (one | other).name, one.rename("y").name]
    assert {"name": "y", "k": 1} == dict(one.relabel({"k": 1, "name": "z"}).rename("y").labels)


def test_what_is_not_in_a_set_cannot_be_removed():
    """As with Python's sets."""
    empty = p.ArtifactSet.of([])
    with pytest.raises(
        KeyError, match=f"artifact {'0' * 40} is not in the set {empty.id}; "
    ) as raised:
        empty.remove("0" * 40)
    assert isinstance(raised.value, p.MemberNotFoundError)
    with pytest.raises(TypeError):
        p.ArtifactSet.of([]) | {"0" * 40}


def test_a_set_is_put_where_one_says():
    """A repository of one's own takes a set, and its members are looked for there."""
    with in_memory() as first:
        made = p.create_set([number(1)], "mine")
    with in_memory() as second, pytest.raises(p.SetNotFoundError):
        p.load_set_by_name("mine", second)
    assert [{"n": 1}] == list(p.load_set_by_name("mine", first).proxy_dict().values())
    assert made == first.get_set_by_labels("mine")


def test_members_are_whole_ids():
    """Without a repository to ask, the first digits of an id stand for nothing."""
    for wrong in ("abcdef", "0" * 39, "0" * 41, "../../etc"):
        with pytest.raises(TypeError, match="expected an artifact"):
            p.ArtifactSet.of([wrong])


@pytest.mark.parametrize(
    "labels", [7, [1], {"a": object()}, {1: 2}, "\ud800", {"name": "a\udfffb"}]
)
def test_labels_that_no_store_takes_are_refused_before_anything_runs(repo, labels):
    """What is no mapping, has no JSON form, or a name that no database takes."""
    with pytest.raises(p.ConfigError, match="labels"), p.capture_set(labels):
        pytest.fail("the block has begun")
    assert {"a": "\ud800"} == p.create_set([], {"a": "\ud800"}).labels


def captured_in_steps(labels):
    """A generator that is suspended within a block."""
    with p.capture_set(labels) as capture:
        yield capture


def test_blocks_may_end_in_any_order(repo):
    """Of blocks in generators the outer one may end first; when both have ended, neither receives anything more."""
    one, other = captured_in_steps("one"), captured_in_steps("other")
    first, second = next(one), next(other)
    assert next(one, None) is None
    inside = id_of(number(1))
    assert next(other, None) is None
    number(2)
    assert (frozenset(), {inside}) == (first.artifact_ids, second.artifact_ids)
    assert p.load_set_by_name("other") == second.set


def test_a_block_may_end_in_another_context(repo):
    """As those of asynchronous fixtures do, which are finished by another task than began them."""
    steps = captured_in_steps("elsewhere")
    contextvars.copy_context().run(next, steps)
    assert next(steps, None) is None
    assert p.load_set_by_name("elsewhere") == p.ArtifactSet.of([])


async def coroutine():
    """Its body is run by whoever awaits it."""


def generator():
    """Its body is run by whoever iterates over it."""
    yield 1


async def asynchronous_generator():
    """As is this one's."""
    yield 1


class Caller:
    """Its calls have to be awaited."""

    async def __call__(self):
        """As that of `coroutine`."""


@pytest.mark.parametrize(
    "function",
    [coroutine, generator, asynchronous_generator, p.provenance(coroutine), Caller()],
    ids=range(5),
)
def test_what_runs_only_later_has_no_set(function):
    """A call of such a function makes no artifacts: a set of them would always be empty."""
    with pytest.raises(p.ConfigError, match="capture_set"):
        p.provenance_set("x")(function)


def test_a_set_is_a_value(repo):
    """It is hashed by its members, and is copied and pickled without the repository that it came from."""
    members = [number(1), number(2)]
    stored = p.create_set(members, "a")
    assert (
        p.hash(stored)
        == p.hash(p.ArtifactSet.of(members, {"other": 1}))
        != p.hash(p.ArtifactSet.of(members[:1]))
    )
    for other in (copy.copy(stored), copy.deepcopy(stored), pickle.loads(pickle.dumps(stored))):
        assert (stored, stored.labels, stored.created_at) == (other, other.labels, other.created_at)
        assert stored.artifacts == other.artifacts


def test_a_set_may_be_an_input_and_a_result(repo):
    """It is recorded as it is, and what it was given is a hit."""
    keep = p.provenance(name="keep")(lambda chosen: chosen)
    first = keep(p.create_set([number(1)], "a"))
    again = keep(p.create_set([number(1)], "b"))
    assert p.artifact_of(first) == p.artifact_of(again)
    assert (
        {id_of(number(1))}
        == again.artifact_ids
        == p.artifact_of(again).inputs["kargs"]["chosen"].artifact_ids
    )
