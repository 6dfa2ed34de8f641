"""What is written for other programs is what their own libraries read."""

import json
import re
import uuid
import zipfile
from datetime import timedelta
from itertools import chain
from pathlib import Path

import jsonschema
import prov.model
import pytest
import referencing
from attrs import evolve
from prov.constants import PROV_ROLE

import provenance as p
from architecture.silence import silence
from exchange.crates import problems_of
from provenance.effect import run
from provenance.exchange.closure import collect_closure, redact
from provenance.exchange.openlineage import open_lineage, run_uuid
from provenance.exchange.prov import prov_json, prov_n
from provenance.exchange.rocrate import ro_crate

SCHEMAS = Path(__file__).parent.parent / "data" / "openlineage"


@pytest.fixture
def exported(results, tmp_path):
    """A function from a format to the text of the export of a result, or of the set."""

    def export(form, what="describe"):
        wanted = p.load_set_by_name("production") if what == "set" else results[what]
        return p.export(wanted, tmp_path / "out", form).read_text("utf-8")

    return export


def test_prov_json_is_what_its_library_reads(exported, results):
    """Artifacts, calls, uses with their roles, and nothing of it gets lost on the way."""
    document = prov.model.ProvDocument.deserialize(content=exported("prov-json"), format="json")
    artifacts = p.dependencies(results["describe"])
    entities = {str(each.identifier) for each in document.get_records(prov.model.ProvEntity)}
    assert {f"artifact:{each.id}" for each in artifacts} <= entities
    activities = {
        str(each.identifier): each for each in document.get_records(prov.model.ProvActivity)
    }
    assert {f"call:{each.id}" for each in artifacts} == set(activities)
    for each in artifacts:
        call = activities[f"call:{each.id}"]
        assert each.computed_at == call.get_startTime()
        assert timedelta(seconds=each.compute_duration) == call.get_endTime() - call.get_startTime()
    roles = {
        (str(one.args[1]), role)
        for one in document.get_records(prov.model.ProvUsage)
        for role in one.get_attribute(PROV_ROLE)
    }
    made = p.artifact_of(results["load"])
    assert {(f"artifact:{made.id}", "data")} == {
        each for each in roles if made.id in each[0] and each[0].startswith("artifact")
    }
    assert document == prov.model.ProvDocument.deserialize(
        content=document.serialize(format="json"), format="json"
    )


def test_prov_n_says_the_same_as_prov_json(exported):
    """The notation of the library for the one document is the other."""
    document = prov.model.ProvDocument.deserialize(
        content=exported("prov-json", "set"), format="json"
    )
    ours = {line.strip() for line in exported("prov-n", "set").splitlines()}
    theirs = {line.strip() for line in document.get_provn().splitlines()}
    assert theirs == ours
    assert any(line.startswith("hadMember(set:") for line in ours)


def registry():
    """The schemas of OpenLineage by their addresses, and no way to any other."""

    def refuse(uri):
        raise LookupError(uri)

    files = [SCHEMAS / "OpenLineage.json", *(SCHEMAS / "facets").glob("*.json")]
    documents = [json.loads(file.read_text("utf-8")) for file in files]
    known = [(each["$id"], referencing.Resource.from_contents(each)) for each in documents]
    return referencing.Registry(retrieve=refuse).with_resources(known)


def check_events(text):
    """Check events and their facets by the schemas that they name; return them."""
    known, events = registry(), [json.loads(line) for line in text.splitlines()]

    def check(document, uri):
        kind = jsonschema.Draft202012Validator
        kind({"$ref": uri}, registry=known, format_checker=kind.FORMAT_CHECKER).validate(document)

    for event in events:
        check(event, event["schemaURL"])
        holders = (event["run"], event["job"], *event["inputs"], *event["outputs"])
        facets = [each.get(name, {}) for each in holders for name in ("facets", "outputFacets")]
        for facet in chain.from_iterable(each.values() for each in facets):
            check(facet, facet["_schemaURL"])
    return events


def test_openlineage_is_valid_by_its_schemas(exported, results):
    """A call is a start and an end, of one run, with what it used and made."""
    events = check_events(exported("openlineage"))
    artifacts = p.dependencies(results["describe"])
    assert 2 * len(artifacts) == len(events)
    assert {run_uuid(each.id) for each in artifacts} == {event["run"]["runId"] for event in events}
    end = next(
        e for e in events[::-1] if e["job"]["name"] == "table" and e["eventType"] == "COMPLETE"
    )
    assert [f"load/{p.artifact_of(results['load']).id}"] == [each["name"] for each in end["inputs"]]
    (output,) = end["outputs"]
    assert p.artifact_of(results["table"]).value_id == output["facets"]["version"]["datasetVersion"]


def test_the_source_of_a_function_is_with_it(exported, bundle, results):
    """In events, and in a bundle as a file that the crate describes and the page links."""
    events = check_events(exported("openlineage"))
    code = {event["job"]["name"]: event["job"]["facets"]["sourceCode"] for event in events}
    assert "np.arange(count) * 1.5" in code["load"]["sourceCode"]
    with zipfile.ZipFile(bundle) as archive:
        sources = [name for name in archive.namelist() if name.startswith("sources/")]
        texts = [archive.read(name).decode() for name in sources]
        metadata = json.loads(archive.read("ro-crate-metadata.json"))
        page = archive.read(f"a/{p.artifact_of(results['load']).id}.html").decode()
    assert any("np.arange(count) * 1.5" in text for text in texts)
    functions = [each for each in metadata["@graph"] if each["@id"].endswith("function:load:0")]
    assert functions[0]["hasPart"]["@id"] in sources
    assert f'href="../{functions[0]["hasPart"]["@id"]}"' in page


def test_a_worker_acts_for_the_process_that_started_it(results, memory_repo):
    """Runs know their parents."""
    roots = (p.artifact_of(results["describe"]).id,)
    closure = run(collect_closure(roots, "memory"), memory_repo.interpreter)
    workers = {name: evolve(one, parent_id="0" * 40) for name, one in closure.runs.items()}
    text = prov_json(evolve(closure, runs=workers))
    document = prov.model.ProvDocument.deserialize(content=text, format="json")
    (acted,) = document.get_records(prov.model.ProvDelegation)
    assert {f"run:{'0' * 40}", f"run:{next(iter(workers))}"} == set(map(str, acted.args[:2]))
    ours = {line.strip() for line in prov_n(evolve(closure, runs=workers)).splitlines()}
    assert ours == {line.strip() for line in document.get_provn().splitlines()}


def test_a_checker_of_events_refuses_what_is_wrong():
    """The checks above can fail."""
    with pytest.raises(jsonschema.ValidationError):
        check_events(
            json.dumps(
                {
                    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
                    "run": {"runId": "x"},
                    "job": {},
                    "inputs": [],
                    "outputs": [],
                }
            )
        )


def test_run_ids_are_those_of_the_standard_library():
    """UUIDs, version 5, of the artifact's URN."""
    for digits in ("0" * 40, "88311853d7c885426fc5686543fe1412c62c0aac"):
        assert str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:provenance:artifact:{digits}")) == run_uuid(
            digits
        )


def test_a_bundle_is_a_crate(bundle, tmp_path):
    """Each file is described, each name leads to an entity, and what the profile requires is there."""
    with zipfile.ZipFile(bundle) as archive:
        names = set(archive.namelist())
        metadata = json.loads(archive.read("ro-crate-metadata.json"))
    assert [] == problems_of(metadata, names - {"bundle.json", "ro-crate-metadata.json"})


def test_metadata_without_files_describe_no_files(exported):
    """Values that are not there are works, and not files."""
    metadata = json.loads(exported("ro-crate", "set"))
    assert [] == problems_of(metadata, set())
    assert {"CreativeWork"} == {
        each["@type"]
        for each in metadata["@graph"]
        if each["@id"].startswith("urn:provenance:artifact")
    }


def test_a_checker_of_crates_finds_what_is_missing(exported):
    """The checks above can fail."""
    metadata = json.loads(exported("ro-crate"))
    gone = metadata["@graph"].pop()
    assert any(gone["@id"] in each for each in problems_of(metadata, set()))
    assert problems_of(metadata, {"blobs/x"})


@pytest.mark.parametrize("form", ["prov-json", "prov-n", "ro-crate", "openlineage"])
def test_a_source_that_was_deleted_is_named(form, exported, results, memory_repo):
    """What used it says so, though nothing else is known of it."""
    gone = p.artifact_of(results["load"]).id
    memory_repo.delete(gone)
    text = exported(form)
    assert gone in text
    if form == "openlineage":
        check_events(text)
    if form == "ro-crate":
        assert [] == problems_of(json.loads(text), set())
    if form == "prov-json":
        prov.model.ProvDocument.deserialize(content=text, format="json")


def test_writing_is_silent(results, memory_repo):
    """The texts are made of the closure, and nothing else of the world is looked at."""
    roots = (p.artifact_of(results["describe"]).id,)
    closure = run(collect_closure(roots, "memory"), memory_repo.interpreter)
    with silence():
        texts = [prov_json(closure), prov_n(closure), ro_crate(closure), ro_crate(closure, {})]
        texts.append(open_lineage(closure, "memory"))
        texts.append(prov_json(redact(closure)))
    assert all(roots[0] in text for text in texts)


def test_texts_are_the_same_each_time(exported):
    """They depend on what is stored, and on nothing else."""
    for form in ("prov-json", "prov-n", "ro-crate", "openlineage"):
        assert exported(form) == exported(form)
        assert not re.search(r"0x[0-9a-f]{8}", exported(form))
