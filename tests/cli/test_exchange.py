"""Commands that write results to files and read them again."""

import json
import shutil
from pathlib import Path
from typing import get_args

import psycopg
import pytest

import provenance as p
from cli.conftest import load, score, train
from exchange.test_bundles import flip, largest_blob, rewrite
from provenance.cli.app import REFUSED, USAGE
from provenance.cli.exchange import FORMATS
from provenance.exchange.export import ExportFormat
from servers.postgres import server

LEGACY = Path(__file__).parent.parent / "data" / "legacy"


@pytest.fixture
def results(stored):
    """Results in an SQLite file, in a set."""
    with p.capture_set(labels="models"):
        return score(train(load(3), {"depth": 3}))


def test_a_set_goes_from_one_repository_to_another(results, call, tmp_path):
    """By a bundle, which other commands can open."""
    code, out, _ = call("export", "@models", "-o", "all.zip", "--json")
    written = json.loads(out)
    assert (0, "all.zip", True) == (code, written["path"], written["redacted"])
    code, out, _ = call("bundle", "all.zip", "--verify", "--trust", "--json")
    shown = json.loads(out)
    assert (0, 3, True) == (code, shown["artifacts"], shown["is_sound"])
    assert ["models"] == [each["labels"]["name"] for each in shown["sets"]]
    code, out, _ = call("ls", "-r", "all.zip", "--ids")
    assert (0, 3) == (code, len(out.split()))
    assert 0 == call("cat", "@models/churn.score", "-r", "all.zip")[0]
    config = tmp_path / "other.yml"
    config.write_text(
        "artifact_repos: {other: {type: sqlite, db: other.db}}\ndefault_repo: other\n"
    )
    code, out, _ = call("import", "all.zip", "--trust", "--json", "--config", config)
    document = json.loads(out)
    assert (0, "other", 3, 1) == (
        code,
        document["repo"],
        len(document["items"]),
        len(document["sets"]),
    )
    assert [0, 0] == [call("verify", "--config", config)[0], call("verify", "-r", "other.db")[0]]


def test_an_import_can_be_tried_and_checked_first(results, call, tmp_path):
    """A dry run writes nothing and says what is missing; a damaged bundle is not imported at all."""
    call("export", "@models", "-o", "all.zip")
    config = tmp_path / "other.yml"
    config.write_text(
        "artifact_repos: {other: {type: sqlite, db: other.db}}\ndefault_repo: other\n"
    )
    words = ["import", "all.zip", "--trust", "--config", config]
    code, out, _ = call(*words, "--dry-run", "--json")
    document = json.loads(out)
    found = len(document["items"]), len(document["missing"]), len(document["sets"])
    assert (0, True, (3, 3, 1)) == (code, document["dry_run"], found)
    assert "copy 3 artifacts" in call(*words, "--dry-run")[1]
    assert not Path("other.db").exists()
    rewrite(Path("all.zip"), "bad.zip", lambda members: flip(members, largest_blob(members)))
    code, out, _ = call("import", "bad.zip", "--trust", "--verify", "--config", config)
    assert (1, True) == (code, "nothing was imported" in out)
    assert not Path("other.db").exists()
    code, out, _ = call(*words, "--verify", "--json")
    assert (0, False) == (code, json.loads(out)["dry_run"])
    document = json.loads(call(*words, "--dry-run", "--json")[1])
    assert (3, []) == (len(document["items"]), document["missing"])
    legacy = ["--from-legacy", "postgresql://x/y", "--blobs", ".", "--trust"]
    assert USAGE == call("import", *legacy, "--dry-run")[0]


def test_a_bundle_becomes_a_file_that_is_a_repository(results, call):
    """The file is made by the import, and not by one that only says what it would do."""
    call("export", "@models", "-o", "all.zip")
    words = ["import", "all.zip", "--trust", "-r", "new.db"]
    assert 3 == len(json.loads(call(*words, "--dry-run", "--json")[1])["missing"])
    assert not Path("new.db").exists()
    assert 0 == call(*words)[0]
    assert 3 == len(call("ls", "-r", "new.db", "--ids")[1].split())
    for command in (["config"], ["doctor"], ["stats"]):
        code, out, _ = call(*command, "-r", "new.db")
        assert (0, True) == (code, "new.db" in out)
    code, out, _ = call("doctor", "-r", "missing.db")
    assert (1, True) == (code, "missing.db" in out)


def test_a_value_and_a_document_are_exported(results, call):
    """The extension decides, or the format."""
    assert 0 == call("export", "@models/churn.train", "-o", "model.json")[0]
    assert {"depth": 3, "rate": 0.1} == json.loads(Path("model.json").read_text("utf-8"))
    assert 0 == call("export", "@models/churn.train", "-o", "x.json", "--format", "prov-json")[0]
    assert "wasGeneratedBy" in json.loads(Path("x.json").read_text("utf-8"))
    ids = call("ls", "--ids")[1].split()
    assert 0 == call("export", *ids, "-o", "many.db")[0]
    assert 3 == len(call("ls", "-r", "many.db", "--ids")[1].split())


def test_what_is_private_is_exported_only_if_that_is_wanted(results, call):
    """By an option that says so."""
    host = p.artifact_of(results).run_info.host["nodename"].encode()
    call("export", "@models", "-o", "a.zip")
    call("export", "@models", "-o", "b.zip", "--no-redact")
    assert (False, True) == (host in Path("a.zip").read_bytes(), host in Path("b.zip").read_bytes())


def test_all_formats_can_be_chosen():
    """Those that `export` takes."""
    assert get_args(ExportFormat) == FORMATS


def test_errors_have_exit_codes(results, call):
    """A forged bundle, a missing one, pickles that nobody vouches for, and options that are missing."""
    Path("bad.zip").write_bytes(b"no bundle")
    assert (REFUSED, REFUSED) == (call("bundle", "bad.zip")[0], call("ls", "-r", "bad.zip")[0])
    assert 4 == call("import", "nowhere.zip")[0]
    assert USAGE == call("import")[0]
    assert USAGE == call("import", "--from-legacy", "postgresql://x/y")[0]
    code, _, err = call("import", "--from-legacy", "postgresql://x/y", "--blobs", ".")
    assert (REFUSED, True) == (code, "--trust" in err)
    p.export(p.provenance(name="thing")(lambda: {"model": p.MemoryRepo})(), "pickle.db")
    code, _, err = call(
        "cat", *call("ls", "--ids", "-r", "pickle.db")[1].split(), "-r", "pickle.db"
    )
    assert (REFUSED, True) == (code, "or pass --trust" in err)
    legacy = ["--from-legacy", "postgresql://x/y", "--blobs", ".", "--trust"]
    assert USAGE == call("import", *legacy, "--module", "pipeline")[0]
    assert USAGE == call("export", "@models", "-o", "x.xlsx")[0]


def test_a_store_of_the_reference_is_imported(stored, call, monkeypatch):
    """What cannot be read is listed, and the exit code says that it was done in part."""
    monkeypatch.syspath_prepend(LEGACY)
    postgres = server(16)
    postgres.create("legacy_cli")
    with psycopg.connect(postgres.url("legacy_cli"), autocommit=True) as connection:
        if not connection.execute("SELECT to_regclass('artifacts')").fetchone()[0]:
            connection.execute((LEGACY / "legacy.sql").read_text("utf-8"))
    shutil.copytree(LEGACY / "blobs", "old")
    options = ["--from-legacy", postgres.url("legacy_cli"), "--blobs", "old", "--trust"]
    code, out, _ = call("import", *options, "--json")
    document = json.loads(out)
    assert (3, 9, 1) == (code, document["imported"], document["sets"])
    assert ["artifact", "set"] == [each["kind"] for each in document["items"]]
    code, out, _ = call("import", *options)
    assert (3, True) == (code, "9 artifacts (0 new) and 1 set in 'local'" in out)
