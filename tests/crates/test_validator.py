"""The validator of RO-Crate on our crates, without a network: `make test-crates`."""

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import requests
import rocrate
import urllib3
from requests_cache import CachedSession
from rocrate.rocrate import ROCrate

import provenance as p
from exchange.conftest import pipeline

AGREED = {
    "The Action SHOULD have an agent that is a Person or Organization",
    "The Root Data Entity SHOULD have a link to a Contextual Entity representing the `author` of the RO-Crate",
    "The SoftwareApplication id SHOULD be an absolute URI",
    "The `publisher` property of a `Root Data Entity` SHOULD be an `Organization`",
}
"""What is recommended and not done: nobody is known to be the author, and no web address is invented."""
TERMS = ("ParameterConnection", "sha1", "sha256", "containerImage", "environment")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """The validator's cache, filled with the contexts that it would fetch."""
    path = tmp_path_factory.mktemp("cache") / "http"
    context = (Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_bytes()
    runs = "https://w3id.org/ro/terms/workflow-run"
    terms = json.dumps({"@context": {name: f"{runs}#{name}" for name in TERMS}}).encode()
    documents = {
        f"https://w3id.org/ro/crate/{each}/context": context for each in ("1.1", "1.2", "1.3")
    }
    documents[f"{runs}/context"] = terms
    session = CachedSession(cache_name=str(path), backend="sqlite", expire_after=-1)
    for url, body in documents.items():
        for headers in ({}, {"Accept": "application/ld+json"}):
            request = session.prepare_request(requests.Request("GET", url, headers=headers))
            raw = urllib3.HTTPResponse(
                body=io.BytesIO(body),
                status=200,
                headers={"Content-Type": "application/ld+json"},
                preload_content=False,
            )
            response = requests.adapters.HTTPAdapter().build_response(request, raw)
            response._content = body
            session.cache.save_response(response)
    session.close()
    return path.with_suffix(".sqlite")


def issues(crate, cache, level):
    """What the validator finds in a crate at a level."""
    command = [Path(sys.executable).parent / "rocrate-validator", "-y", "validate", "--offline"]
    options = ["--cache-path", cache, "-f", "json", "-o", "out.json", "--no-paging"]
    profile = ["-p", "process-run-crate-0.5", "-l", level, crate]
    subprocess.run([*command, *options, *profile], check=False, capture_output=True)
    report = json.loads(Path("out.json").read_text("utf-8"))
    assert 42 <= report["statistics"]["total_checks"]
    return {(issue["severity"], issue["message"]) for issue in report["issues"]}


@pytest.fixture
def crates(memory_repo, tmp_path):
    """A bundle as a folder, and the metadata of a set alone."""
    pipeline()
    production = p.load_set_by_name("production")
    with zipfile.ZipFile(p.export(production, "all.zip")) as archive:
        archive.extractall("bundle")
    Path("metadata").mkdir()
    shutil.move(p.export(production, "x", "ro-crate"), "metadata/ro-crate-metadata.json")
    return ["bundle", "metadata"]


def test_crates_have_all_that_is_required_and_what_was_agreed_of_the_rest(crates, cache):
    """By the profile Process Run Crate 0.5."""
    for crate in crates:
        assert set() == issues(crate, cache, "required")
        assert issues(crate, cache, "recommended") <= {("RECOMMENDED", each) for each in AGREED}


def test_the_validator_finds_what_is_missing(crates, cache):
    """A crate whose file was removed is not valid."""
    gone = next(Path("bundle/blobs").rglob("*"))
    shutil.rmtree(gone)
    assert set() != issues("bundle", cache, "required")


def test_the_library_of_crates_reads_them(crates):
    """Each artifact is an entity, and each file is there."""
    crate = ROCrate("bundle")
    calls = [each for each in crate.get_entities() if each.type == "CreateAction"]
    results = p.search(repo=p.open_bundle("all.zip"))
    assert len([*results]) == len(calls)
