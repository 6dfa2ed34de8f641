"""Repositories that earlier versions stored are read by this one, and calls keep the ids that they had."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

import provenance as p
from golden import make_repository as golden
from provenance.environment import replacing_environment

HERE = Path(golden.__file__).parent
VERSIONS = sorted(each.parent.name for each in HERE.glob("*/facts.json"))


@pytest.fixture(params=VERSIONS)
def known(request, tmp_path):
    """What is known of a stored repository, and the repository as the default one, in a copy."""
    shutil.copytree(HERE / request.param, tmp_path / "copy")
    with replacing_environment(p.from_config(golden.CONFIG, tmp_path / "copy")):
        yield json.loads((HERE / request.param / "facts.json").read_text("utf-8"))


def test_there_are_repositories():
    """There is a repository of the present format."""
    assert "v1" in VERSIONS


def test_artifacts_are_read(known):
    """Every recorded fact, the value and the inputs are as they were."""
    repo = p.get_default_repo()
    assert known["artifacts"] == {
        name: golden.facts(repo[each["id"]]) for name, each in known["artifacts"].items()
    }


def test_the_run_is_read(known):
    """Where it was computed is still known."""
    run = p.load_artifact(known["artifacts"]["one"]["id"]).run_info
    assert ("a-host", "main", 42) == (run.host["nodename"], run.git["branch"], run.extra["ticket"])


def test_references_lead_to_their_artifacts(known):
    """Artifacts inside inputs and inside values are found."""
    ids = {name: each["id"] for name, each in known["artifacts"].items()}
    parts = p.load_artifact(ids["parts"])
    inside = parts.inputs["kargs"]["sources"]
    assert [ids["one"], ids["large"]] == [
        p.artifact_of(inside[0]).id,
        p.artifact_of(inside[1]["deep"]).id,
    ]
    assert ids["one"] == p.artifact_of(parts.value["first"]).id
    assert {"n": 1, "more": [], "key": "default", "options": {}} == parts.value["first"]
    assert p.get_default_repo().dependent_ids(ids["one"]) == tuple(
        sorted([ids["large"], ids["parts"]])
    )


def test_the_calls_are_hits(known):
    """The functions that made the repository are served from it."""
    p.reset_stats()
    results = golden.made()
    assert {name: each["id"] for name, each in known["artifacts"].items()} == {
        name: p.artifact_of(each).id for name, each in results.items()
    }
    called = [name for name in results if not name.startswith("part ")]
    assert (len(called), 0) == (p.stats().hits, p.stats().misses)


def test_sets_are_read(known):
    """Sets of artifacts are found by name, labels and id."""
    for set_id, name in zip(known.get("sets", []), ["golden", "empty"], strict=False):
        assert set_id == p.load_set_by_name(name).id == p.load_set_by_id(set_id[:8]).id
        members = (
            {each["id"] for each in known["artifacts"].values()} if name == "golden" else set()
        )
        assert members == p.load_set_by_id(set_id).artifact_ids


def test_it_can_be_written_to(known):
    """New results are stored beside the old ones."""
    assert 9 == golden.numbers(9)["n"]
    assert golden.numbers.is_cached(9)


def test_it_can_be_taken_care_of(known, tmp_path):
    """It is sound, values are let go and come back, and nothing in it is left over."""
    sections = ("blobstores", "artifact_repos")
    freely = {
        each: {name: {**it, "delete": True} for name, it in golden.CONFIG[each].items()}
        for each in sections
    }
    with replacing_environment(
        p.from_config({**golden.CONFIG, **freely}, tmp_path / "copy")
    ) as environment:
        assert ((), ()) == (p.verify().problems, p.collect_garbage(older_than=timedelta(0)).garbage)
        for each in known.get("sets", []):  # which pin everything
            environment.repository().delete_set(each)
        assert p.evict(older_than=timedelta(0), dry_run=False).values
        assert p.verify().evicted
        results = golden.made()
        assert all(
            p.hash(p.unwrap(each)) == p.artifact_of(each).value_id for each in results.values()
        )
        assert p.verify().is_sound


def test_calls_keep_their_ids(known):
    """A call that is planned today has the id that it had."""
    assert known["ids"] == golden.ids()
