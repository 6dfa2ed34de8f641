"""Repositories as users hold them: finding, reading, listing, deleting."""

import pickle

import pandas as pd
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

import provenance as p
from later import in_a_day
from provenance.ports.records import PutRecord
from provenance.testing import in_memory
from strategies import nested

pair = p.provenance(name="pair")(lambda x, y=0: [x, y])
total = p.provenance(name="total")(lambda values, *more, **options: sum(values))


@pytest.fixture(params=["memory", "sqlite"])
def home(request):
    """A repository in memory, or in a file."""
    return request.getfixturevalue("repo" if request.param == "memory" else "stored")


def test_an_artifact_is_found_by_id_and_prefix(home):
    """Whole id, or its first digits, at least six; `in` and `[]` take both."""
    artifact = pair.artifact(1)
    for text in (artifact.id, artifact.id[:6], artifact.id[:20]):
        assert artifact == home[text] == home.get_by_id(text) == p.load_artifact(text)
        assert text in home
        assert [1, 0] == home.get_value(text) == p.load_proxy(text)
    assert artifact.id[:5] not in home
    assert 7 not in home


def test_what_is_not_there(home):
    """Looking says no; asking for it is an error that names id and repository."""
    missing = "0" * 40
    assert missing not in home
    for ask in (
        home.get_by_id,
        home.get_value,
        home.get_inputs,
        home.delete,
        home.__getitem__,
        p.load_artifact,
        p.load_proxy,
    ):
        with pytest.raises(p.ArtifactNotFoundError, match=f"{missing}.*{home.name}"):
            ask(missing)


def test_ambiguous_prefixes(home):
    """A prefix that fits several artifacts lists them, and is in the repository."""
    record = pair.artifact(1)
    twin = evolve(
        home.load_record(record.id), id=record.id[:-1] + ("0" if record.id[-1] != "0" else "1")
    )
    home.interpreter(PutRecord(twin, record.run_info, "{}"))
    with pytest.raises(p.AmbiguousIdError) as raised:
        home.get_by_id(record.id[:8])
    assert sorted([record.id, twin.id]) == sorted(raised.value.matches)
    assert record == home[record.id]


def test_by_value(home):
    """All artifacts with one value, oldest first."""
    first = p.provenance(name="first")(lambda: [7])
    then = p.provenance(name="then")(lambda: [7])
    artifacts = [first.artifact(), then.artifact()]
    assert artifacts == list(home.get_by_value_id(p.hash([7])))
    assert () == home.get_by_value_id(p.hash([8]))


def test_inputs_are_read_as_they_were_given(home):
    """By name after defaults, `*args` and `**kwargs` too; artifacts among them are unread proxies of themselves."""
    source = pair(1)
    artifact = p.artifact_of(total([1, 2], "x", {"deep": [source]}, option=source))
    inputs = home.get_inputs(artifact.id)
    assert {"kargs", "varargs"} == set(inputs)
    assert [1, 2] == inputs["kargs"]["values"]
    assert (
        p.artifact_of(source)
        == p.artifact_of(inputs["kargs"]["option"])
        == p.artifact_of(inputs["varargs"][1]["deep"][0])
    )
    assert {p.artifact_of(source).id} == artifact.input_artifact_ids


@given(
    st.lists(nested, max_size=3),
    st.dictionaries(st.sampled_from(["x", "y", "__varargs", "kargs"]), nested, max_size=2),
)
def test_any_inputs_are_read_as_they_were_given(args, kwargs):
    """Types and values of all arguments come back, whether they are kept as JSON or as bytes."""
    f = p.provenance(name="f")(lambda *args, **kwargs: 0)
    with in_memory():
        inputs = f.artifact(*args, **kwargs).inputs
        assert p.hash([tuple(args), kwargs]) == p.hash([inputs["varargs"], inputs["kargs"]])


def test_progeny(home):
    """What was computed directly from an artifact."""
    source = pair(1)
    children = [
        total.artifact(source),
        total.artifact([3], source),
        pair.artifact({"deep": source}),
    ]
    total.artifact([children[0].proxy()])
    assert sorted(each.id for each in children) == list(
        home.dependent_ids(p.artifact_of(source).id)
    )


def test_deleting(home):
    """The artifact, its value and inputs go; others stay."""
    one, other = pair.artifact(1), pair.artifact(2)
    in_a_day(home).delete(one.id[:8])
    assert (False, True) == (one.id in home, other.id in home)
    assert () == home.get_by_value_id(one.value_id)
    with pytest.raises(p.BlobNotFoundError):
        _ = one.value
    assert [2, 0] == other.value


def test_artifacts_equal_by_id(home):
    """Equal and hashed by id, shown by id, name, type, size and time."""
    one, same, other = pair.artifact(1), pair.artifact(1), pair.artifact(2)
    assert one == same != other
    assert 2 == len({one, same, other})
    assert repr(one).startswith(f"<provenance.Artifact({one.id}) 'pair', version 0, list, ")
    assert one != one.id


def test_records_are_frozen(home):
    """Nothing of an artifact can be changed."""
    artifact = pair.artifact(1)
    with pytest.raises(AttributeError):
        artifact.name = "other"
    with pytest.raises(AttributeError):
        artifact.value = 1


def test_a_value_is_read_anew(home):
    """`artifact.value` is the reader's own each time."""
    artifact = pair.artifact(1)
    artifact.value.append("changed")
    assert [1, 0] == artifact.value == artifact.proxy()


def test_times_are_aware_and_utc(home):
    """So that they can be compared wherever they were recorded."""
    artifact = home[pair.artifact(1).id]
    assert [0.0, 0.0] == [
        each.utcoffset().total_seconds() for each in (artifact.computed_at, artifact.added_at)
    ]


def test_the_run_is_recorded_once(home):
    """All artifacts of a process share it; it says where, with what and from which code."""
    runs = [pair.artifact(i).run_info for i in range(2)]
    assert runs[0] == runs[1]
    run = runs[0]
    assert run.process["pid"] > 0
    assert "provenance" in run.packages or run.packages
    assert run.python["version"].startswith("3.")
    assert run.host["nodename"]


def test_sql_users_are_first_class(stored):
    """The engine reads artifacts and runs; a repository without a database says that it has none."""
    pair(1), pair(2)
    frame = pd.read_sql("SELECT * FROM artifacts", stored.engine)
    assert {pair.artifact_id(1), pair.artifact_id(2)} == set(frame["id"])
    assert {
        "name",
        "version",
        "value_id",
        "computed_at",
        "input_artifact_ids",
        "custom_fields",
    } <= set(frame.columns)


def test_a_repository_in_memory_has_no_engine(repo):
    """Asking for it is an error with advice."""
    with pytest.raises(p.ConfigError, match="sqlite"):
        _ = repo.engine


def test_nested_artifacts_lead_to_the_repository_that_they_came_from(stored, repo):
    """References inside a value do not go to whatever is the default when they are used."""
    with p.using_repo(stored):
        whole = p.provenance(name="whole")(lambda: {"part": pair(1)})
        artifact = whole.artifact()
    value = artifact.value
    assert artifact.id not in repo
    assert [1, 0] == value["part"]
    assert [1, 0] == p.artifact_of(value["part"]).value


def test_a_pickled_proxy_follows_the_current_repository(stored, repo):
    """One that a user unpickles is read from the repository that is then current."""
    with p.using_repo(stored):
        data = pickle.dumps(pair.with_options(name="pair", lazy=True)(1))
    back = pickle.loads(data)
    with p.using_repo(stored):
        assert [1, 0] == back
