"""What a repository says of its records is what was signed: edited columns, inserted edges and foreign rows are left out."""

import sqlite3

import pytest

import provenance as p

KEYS = pytest.mark.parametrize("key", [None, "the key of the team"])


def repository(key="the key of the team"):
    """The repository of this folder."""
    return p.SqliteRepo("team", db="team.db", signing_key=key)


@pytest.fixture(name="models")
def _models(key):
    """Artifacts of three calls and of one on top of the first."""
    with p.using_repo(repository(key)):
        train = p.provenance(name="train", tags=["t"], custom_fields={"f": 1})(lambda n: n * 10)
        models = {n: p.artifact_of(train(n)) for n in (3, 5, 7)}
        report = p.provenance(name="report")(lambda model: model + 1)
        models["report"] = p.artifact_of(report(train(3)))
    return models


def edit(statement, *values):
    """Change the database as somebody who may write to it."""
    with sqlite3.connect("team.db") as connection:
        assert connection.execute(statement, values).rowcount
    connection.close()


def found(key, **query):
    """The ids of what a search finds."""
    return [artifact.id for artifact in p.search(repo=repository(key), **query)]


@KEYS
def test_a_search_by_inputs_believes_no_edited_inputs(key, models, caplog):
    """The model of n=5 is not served for n=7."""
    edit(
        "UPDATE artifacts SET inputs_json = replace(inputs_json, '5', '7') WHERE id = ?",
        models[5].id,
    )
    assert [models[7].id] == found(key, inputs={"n": 7})
    assert [] == found(key, inputs={"n": 5})
    assert "skipped 1" in caplog.text
    assert models[5].id[:8] in caplog.text


@KEYS
@pytest.mark.parametrize(
    "broken", ["{broken", "", "[]", "7", "null", '{"n": 7', '"\\ud800"', "{}" * 2]
)
@pytest.mark.parametrize("column", ["inputs_json", "custom_fields", "tags"])
def test_a_broken_row_breaks_no_search(column, broken, key, models):
    """It is skipped, counted, and found by `verify`; all others are found."""
    edit(f"UPDATE artifacts SET {column} = ? WHERE id = ?", broken, models[5].id)
    p.reset_stats()
    assert [models[7].id] == found(key, inputs={"n": 7}, tags=["t"], custom_fields={"f": 1})
    assert models[5].id not in found(key, inputs={"n": 5})
    assert [models[3].id] == found(key, inputs={"n": 3})
    report = p.verify(repository(key))
    assert [models[5].id] == [problem.artifact_id for problem in report.problems]


@pytest.mark.parametrize("key", ["the key of the team"])
@pytest.mark.parametrize(
    "change",
    [
        "signature = ''",
        "signature = 'crc32:0:0'",
        "name = 'other'",
        "computed_at = 'never'",
        "input_artifact_ids = '{'",
        "version = 'x'",
        "value_id = 'x'",
    ],
)
def test_a_row_that_is_not_signed_breaks_nothing_that_lists(change, key, models, caplog):
    """Searches, lineages and descendants leave it out, with a warning, and count it."""
    edit(f"UPDATE artifacts SET {change} WHERE id = ?", models[3].id)
    p.reset_stats()
    assert [models["report"].id, models[7].id, models[5].id] == found(key)
    assert 1 == p.stats().skipped
    assert "skipped 1" in caplog.text
    with p.using_repo(repository(key)):
        graph = p.lineage(models["report"].id)
        assert {models["report"].id} == set(graph.artifacts)
        assert {models[3].id} == graph.missing
        assert () == p.who_made(30)
        assert 1 == len(p.who_made(70))
    assert 1 < p.stats().skipped
    report = p.verify(repository(key))
    assert {models[3].id} == {problem.artifact_id for problem in report.problems}


@pytest.mark.parametrize("key", ["the key of the team"])
def test_the_descendants_leave_out_what_is_not_signed(key, models):
    """A damaged user of an artifact is none of its descendants."""
    edit("UPDATE artifacts SET signature = '' WHERE id = ?", models["report"].id)
    with p.using_repo(repository(key)):
        assert () == p.descendants(models[3].id)
        assert () == repository(key).dependent_ids(models[3].id)


@KEYS
def test_an_inserted_edge_is_not_believed(key, models):
    """Descendants are what the records say."""
    edit("INSERT INTO artifact_inputs VALUES (?, ?)", models[7].id, models[3].id)
    edit("INSERT INTO artifact_inputs VALUES (?, ?)", "1f" * 20, models[3].id)
    with p.using_repo(repository(key)):
        assert [models["report"].id] == [artifact.id for artifact in p.descendants(models[3].id)]
        assert (models["report"].id,) == repository(key).dependent_ids(models[3].id)
        assert [models["report"].id] == found(key, uses=[models[3].id])


@KEYS
def test_verify_checks_the_inputs(key, models):
    """Their text has a checksum of its own."""
    assert p.verify(repository(key)).problems == ()
    edit(
        "UPDATE artifacts SET inputs_json = replace(inputs_json, '5', '7') WHERE id = ?",
        models[5].id,
    )
    (problem,) = p.verify(repository(key)).problems
    assert models[5].id == problem.artifact_id
    assert "inputs" in problem.reason


@KEYS
def test_inputs_of_another_record_are_not_believed(key, models):
    """Their signature holds for one id."""
    edit(
        "UPDATE artifacts SET inputs_json = (SELECT inputs_json FROM artifacts WHERE id = ?) WHERE id = ?",
        models[7].id,
        models[5].id,
    )
    assert [models[7].id] == found(key, inputs={"n": 7})
    with pytest.raises(p.CorruptRecordError):
        repository(key).get_inputs(models[5].id)
    with p.using_repo(repository(key)):
        assert {} == dict(p.lineage(models[5].id).arguments[models[5].id])


@pytest.mark.parametrize("key", [None])
@pytest.mark.parametrize("broken", ["{broken", "[]", "7", "[" * 100_000])
def test_a_row_without_a_checksum_breaks_no_search(broken, key, models):
    """Not even one whose inputs are no JSON, or too deep for a parser."""
    edit("UPDATE artifacts SET inputs_json = ?, signature = '' WHERE id = ?", broken, models[5].id)
    assert [models[7].id] == found(key, inputs={"n": 7})
    assert models[5].id not in found(key, inputs={"nested": {"n": 1}})


@KEYS
def test_broken_labels_break_no_set(key, models):
    """A set whose labels cannot be read is passed over when one is looked up by its labels."""
    with p.using_repo(repository(key)):
        p.create_set([models[3]], "good")
        p.create_set([models[5]], "bad")
        edit("UPDATE artifact_sets SET labels = '{broken' WHERE labels LIKE ?", "%bad%")
        assert {models[3].id} == p.load_set_by_labels("good").artifact_ids
        with pytest.raises(p.SetNotFoundError):
            p.load_set_by_labels("bad")
