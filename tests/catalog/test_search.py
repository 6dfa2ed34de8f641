"""Finding artifacts: by what is recorded of them, by their value, by what was made of them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given

import provenance as p
from provenance.testing import in_memory
from strategies import nested

TABLE = np.arange(1_000)


@pytest.fixture(params=["memory_repo", "stored"])
def repo(request):
    """The default repository, in memory and on disk."""
    return request.getfixturevalue(request.param)


@p.provenance(tags=["numbers"], custom_fields={"team": "a", "level": 1}, version=2)
def number(n, table=None):
    """A number in a dictionary."""
    return {"n": n}


@p.provenance()
def total(numbers):
    """Their sum."""
    return sum(each["n"] for each in numbers)


def ids(artifacts):
    """Their ids."""
    return [each.id for each in artifacts]


def id_of(value):
    """Its artifact's id."""
    return p.artifact_of(value).id


def test_everything_is_found_last_first(repo):
    """Without conditions a search finds all, lazily, in pages, the one that was recorded last first."""
    made = [id_of(number(n)) for n in range(250)]
    found = p.search()
    assert made[::-1] == ids(found) == ids(found)
    assert made[-1] == found.first.id
    assert p.search("nothing").first is None
    assert [] == list(p.search("nothing"))
    again = id_of(number(250))
    assert again == next(iter(found)).id


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"name": "*.number"}, ["one", "two", "with table"]),
        ({"name": "*.total"}, ["total"]),
        ({"version": 2}, ["one", "two", "with table"]),
        ({"version": 2, "name": "*total"}, []),
        ({"tags": ["numbers"]}, ["one", "two", "with table"]),
        ({"tags": ["numbers", "x"]}, []),
        ({"custom_fields": {"team": "a"}}, ["one", "two", "with table"]),
        ({"custom_fields": {"level": 1.5}}, []),
        ({"inputs": {"n": 1}}, ["one", "with table"]),
        ({"inputs": {"n": 1, "table": None}}, ["one"]),
        ({"inputs": {"n": True}}, []),
        ({"inputs": {"table": TABLE.copy()}}, ["with table"]),
        ({"inputs": {"table": TABLE + 1}}, []),
        ({"since": datetime(2020, 1, 1, tzinfo=UTC)}, ["one", "two", "with table", "total"]),
        ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, []),
        ({"run": "0" * 40}, []),
    ],
)
def test_conditions(repo, conditions, expected):
    """All that are given must hold."""
    made = {"one": number(1), "two": number(2), "with table": number(1, TABLE)}
    made["total"] = total([made["one"], made["two"]])
    names = {id_of(value): name for name, value in made.items()}
    assert expected == [names[each.id] for each in p.search(**conditions)][::-1]


def test_artifacts_as_conditions(repo):
    """What was made with an artifact is found by it: anywhere among the inputs, or as a certain argument."""
    one, two = number(1), number(2)
    made, other = total([one, two]), total([two])
    assert {id_of(made), id_of(other)} == set(ids(p.search(uses=[two])))
    assert [id_of(made)] == ids(p.search(uses=[p.artifact_of(one), id_of(two)]))
    assert [id_of(other)] == ids(p.search(inputs={"numbers": [two]}))
    run = p.artifact_of(made).run_info
    assert 4 == len(list(p.search(run=run))) == len(list(p.search(run=run.id)))
    with pytest.raises(TypeError, match="expected an artifact"):
        p.search(uses=[1])


def test_times_need_a_zone(repo):
    """A time without one is refused, before anything is looked for."""
    with pytest.raises(p.ConfigError, match="time zone"):
        p.search(since=datetime(2020, 1, 1))  # noqa: DTZ001 - that it has none is the point
    number(1)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert (1, 0) == (len(list(p.search(until=later))), len(list(p.search(since=later))))


@pytest.mark.parametrize(
    "condition",
    [
        {"name": 1},
        {"name": "\ud800"},
        {"run": "\ud800"},
        {"version": 1 << 70},
        {"version": "1"},
        {"since": 5},
        {"inputs": 5},
        {"inputs": {1: 2}},
        {"custom_fields": ["a"]},
        {"tags": 5},
        {"tags": [5]},
    ],
    ids=str,
)
def test_what_no_artifact_could_have_is_refused(repo, condition):
    """Before any store is asked, and in the same way for all."""
    with pytest.raises(p.ConfigError, match=f"search, {next(iter(condition))}"):
        p.search(**condition)


@pytest.mark.parametrize("uses", ["0" * 40, 5, None])
def test_artifacts_are_given_as_a_list(repo, uses):
    """The digits of one id are no artifacts."""
    with pytest.raises(TypeError, match=r"search, uses: expected a collection of artifacts"):
        p.search(uses=uses)


def test_what_is_found_as_a_table(repo):
    """A DataFrame has a row for each artifact, with what is recorded."""
    total([number(1), number(2)])
    table = p.search().to_pandas()
    assert (3, "id") == (len(table), table.index.name)
    assert [True] == list(table["name"].str.endswith("total"))[:1]
    assert [0, 2, 2] == list(table["version"])
    of_all = [name for name in table.columns if not name.startswith("inputs.")]
    assert list(p.search("none").to_pandas().columns) == of_all


def test_who_made_a_value(repo):
    """A plain value leads to the artifacts that have an equal one."""
    first = p.provenance(name="a")(lambda: {"x": TABLE})()
    second = p.provenance(name="b")(lambda: {"x": TABLE.copy()})()
    assert [id_of(first), id_of(second)] == ids(p.who_made({"x": TABLE})) == ids(p.who_made(first))
    assert () == p.who_made({"x": TABLE + 1})


@given(nested)
def test_every_value_finds_its_maker(value):
    """Whatever a function returns, its artifact is found by it."""
    with in_memory():
        made = p.provenance(name="any")(lambda: value).artifact()
        assert [made.id] == ids(p.who_made(value))


def test_progeny_at_any_remove(repo):
    """What was made from an artifact, directly or not, each after its own sources; an artifact in a value counts."""
    one = number(1)
    first = total([one, number(2)])
    second = total([number(p.unwrap(first)), one])
    holder = p.provenance(name="holder")(lambda x: {"deep": [x]})(first)
    found = ids(p.descendants(one))
    assert {id_of(first), id_of(second), id_of(holder)} == set(found)
    assert found.index(id_of(first)) < found.index(id_of(holder))
    assert () == p.descendants(holder)
    assert found == ids(p.descendants(id_of(one)))


def test_a_result_that_is_another_ones_keeps_the_edge(repo):
    """A function that returns what another one returned is traced to it."""
    outer = p.provenance(name="outer")(lambda n: number(n + 0))
    made = outer(5)
    assert [id_of(number(5)), id_of(made)] == ids(p.dependencies(made))


@pytest.mark.parametrize("value", [7, None, "text", [1, {"a": 2}]])
def test_inputs_that_are_in_no_store_are_plain_values(repo, value):
    """What was computed read-only is recorded, and found, as what it is."""
    same = p.provenance(name="same")(lambda x: x)
    made = same.artifact(same.with_options(name="same", read_only=True)(value))
    assert made == p.search(inputs={"x": value}).first
    assert made.input_artifact_ids == frozenset()


def test_one_tag_is_a_list_of_one(repo):
    """A string is refused, as the decorator does: its letters are no tags, and would find nothing."""
    with pytest.raises(p.ConfigError, match=r"tags.*\['urgent'\]"):
        p.search(tags="urgent")


def test_nothing_found_is_false(repo):
    """As an empty list is; with something to be found it is true, and looked up anew each time."""
    found = p.search("*number")
    assert not found
    assert not p.search("nope")
    number(1)
    assert found
    assert not p.search("nope")


@p.provenance(name="churn.train")
def train(config, *tables, rate=0.1):
    """A model."""
    return {"config": config, "rate": rate}


CONFIGS = {
    "deep": {"depth": 6, "loss": {"name": "log", "weights": [1, 2]}, "a.b": {"c.d": 1}},
    "flat": {"depth": 3, "loss": {"name": "huber", "weights": []}},
    "none": {"depth": None, "on": "2026-11-28"},
    "number": 3,
}


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"config.depth": 6}, ["deep"]),
        ({"config.depth": 6.0}, []),
        ({"config.depth": None}, ["none"]),
        ({"config.depth >=": 3}, ["deep", "flat"]),
        ({"config.depth>=": 3.5}, ["deep"]),
        ({"config.depth >": 3}, ["deep"]),
        ({"config.depth <": 6}, ["flat"]),
        ({"config.depth <=": 6}, ["deep", "flat"]),
        ({"config.depth !=": 6}, ["flat", "none"]),
        ({"config.depth =": 6}, ["deep"]),
        ({"config.depth ==": 6}, ["deep"]),
        ({"config.depth >": "3"}, []),
        ({"config.depth >": True}, []),
        ({"config.on >": "2026-11-27"}, ["none"]),
        ({"config >=": 3}, ["number"]),
        ({"config.loss.name": "huber"}, ["flat"]),
        ({"config.loss": {"name": "log"}}, ["deep"]),
        ({"config": {"loss": {"name": "log"}}}, ["deep"]),
        ({"config": {"depth": 3}}, ["flat"]),
        ({"config": {}}, []),
        ({"config.loss.weights": [1, 2]}, ["deep"]),
        ({"config.loss.weights": [1]}, []),
        ({"config.a.b.c.d": 1}, ["deep"]),
        ({"config.missing": 1}, []),
        ({"config.missing !=": 1}, []),
        ({"config.depth.x": 1}, []),
        ({"config.depth >": 3, "rate <": 1}, ["deep"]),
        ({"config.depth >": 3, "rate >": 1}, []),
    ],
)
def test_conditions_on_arguments(repo, inputs, expected):
    """Dotted paths lead into dictionaries, which may be given in part; operators compare."""
    names = {id_of(train(config)): name for name, config in CONFIGS.items()}
    assert expected == [names[each.id] for each in p.search(inputs=inputs)][::-1]


def test_a_large_argument_is_found_by_its_size(repo):
    """What is recorded of it is a dictionary like others."""
    made = train(TABLE)
    assert [id_of(made)] == ids(p.search(inputs={"config.shape": [1_000]}))
    assert [] == ids(p.search(inputs={"config.dtype": "float32"}))
    assert [id_of(made)] == ids(p.search(inputs={"config": TABLE}))


def test_keyword_arguments_may_have_any_name(repo):
    """A parameter whose name has dots or operators is found by it."""

    @p.provenance()
    def options(**given):
        return len(given)

    made = options(**{"a.b": 1, "x <": 2})
    assert [id_of(made)] == ids(p.search(inputs={"a.b": 1})) == ids(p.search(inputs={"x <": 2}))
    assert [id_of(made)] == ids(p.search(inputs={"a.b >": 0}))


@pytest.mark.parametrize(
    ("name", "is_found"),
    [
        ("train", True),
        ("churn.train", True),
        ("*.train", True),
        ("ch*", True),
        ("rain", False),
        ("churn", False),
        ("tr*", False),
        ("tr[a]in", False),
        ("*[a]in", True),
    ],
)
def test_short_names_are_found(repo, name, is_found):
    """A name is found by its end after a dot, too; a pattern must match the whole name."""
    made = train(1)
    number(1)
    assert ([id_of(made)] if is_found else []) == ids(p.search(name))


def test_times_may_be_text(repo):
    """ISO 8601: a date or a time, in local time unless it has a zone; the date of an end includes its day."""
    made = p.artifact_of(train(1))
    moment = made.computed_at
    local = moment.astimezone()
    day, next_day = local.date(), local.date() + timedelta(days=1)
    assert [made.id] == ids(p.search(since=str(day), until=str(next_day)))
    day_before = day - timedelta(days=1)
    assert [] == ids(p.search(until=str(day_before))) == ids(p.search(since=str(next_day)))
    assert [made.id] == ids(p.search(until=str(day))) == ids(p.search(since=day, until=day))
    assert [made.id] == ids(p.search(since=moment.isoformat()))
    assert [made.id] == ids(p.search(since=local.replace(tzinfo=None).isoformat()))
    assert [] == ids(p.search(until=moment.isoformat()))
    for wrong in ("yesterday", "2026-13-01", "", "9999-12-31T23:59:59-23:59"):
        with pytest.raises(p.ConfigError, match="search, since"):
            p.search(since=wrong)


def test_recorded_inputs_need_no_value(repo):
    """They are what the record says: values, ids of artifacts, and descriptions of what is large."""
    one = number(1)
    made = p.artifact_of(train({"depth": 3}, one, TABLE))
    found = repo.get_recorded_inputs(made)
    assert {"depth": 3} == found["config"]
    assert 0.1 == found["rate"]
    assert {"artifact": id_of(one)} == found["*args"][0]
    assert "numpy:ndarray" == found["*args"][1]["type"]
    assert {"n": 1, "table": None} == repo.get_recorded_inputs(one)
    with pytest.raises(p.ArtifactNotFoundError):
        repo.get_recorded_inputs("0" * 40)


def test_a_table_has_a_column_for_each_parameter(repo):
    """Named `inputs.` and the parameter; artifacts are their ids."""
    one = number(1)
    train(one, rate=0.5)
    frame = p.search().to_pandas()
    assert [0.5] == list(frame["inputs.rate"].dropna())
    assert id_of(one) in set(frame["inputs.config"])
    assert {"inputs.config", "inputs.n", "inputs.rate", "inputs.table"} == {
        name for name in frame.columns if name.startswith("inputs.")
    }
