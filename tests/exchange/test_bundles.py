"""A bundle is a repository in one file; it goes from any repository to any other, and a forged one is refused."""

import json
import os
import pickle
import re
import shutil
import sqlite3
import zipfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
import prov.model
import pytest

import provenance as p
from exchange.conftest import describe, pipeline
from exchange.crates import problems_of
from provenance.effects.bundles import BundleWriter
from provenance.effects.io import blob_of
from servers import moto_s3
from servers.postgres import server

REPOSITORIES = {
    "memory": lambda folder, name: p.MemoryRepo(),
    "sqlite": lambda folder, name: p.SqliteRepo(
        db=folder / f"{name}.db", store=p.DiskStore(cachedir=folder / name), inline_limit=100
    ),
    "postgres": lambda folder, name: p.PostgresRepo(
        db=server(16).database_for((str(folder), name)), inline_limit=100
    ),
    "s3": lambda folder, name: p.SqliteRepo(
        db=folder / f"{name}.db",
        inline_limit=0,
        store=p.S3Store(
            basepath=f"{moto_s3.BUCKET}/{folder.name}/{name}",
            storage_options=moto_s3.storage_options(),
        ),
    ),
}


def contents(repo, ids):
    """What a repository has of artifacts, as far as a copy has it, too."""
    found = {}
    for each in ids:
        artifact = repo.get_by_id(each)
        facts = (artifact.value_id, artifact.name, artifact.computed_at, artifact.custom_fields)
        inputs = repo.get_recorded_inputs(each)
        found[each] = (*facts, artifact.input_artifact_ids, inputs, p.hash(artifact.value))
    return found


ROUND = {"memory": "sqlite", "sqlite": "postgres", "postgres": "s3", "s3": "memory"}


@pytest.mark.parametrize(
    ("source", "target"),
    [
        pytest.param(source, target, marks=[] if ROUND[source] == target else [pytest.mark.long])
        for source in REPOSITORIES
        for target in REPOSITORIES
    ],
)
def test_a_bundle_goes_from_any_repository_to_any_other(source, target, tmp_path):
    """With equal ids, values, inputs and sets, and a second import changes nothing."""
    one = REPOSITORIES[source](tmp_path, "one")
    other = REPOSITORIES[target](tmp_path, "other")
    with p.using_repo(one):
        pipeline()
        members = p.load_set_by_name("production")
        path = p.export(members, "all.zip")
    for again in (False, True):
        tried = p.import_bundle(path, other, trusted=True, dry_run=True)
        assert (members.artifact_ids, again) == (
            {each.id for each in tried.artifacts},
            not tried.missing and not tried.missing_bytes,
        )
        report = p.import_bundle(path, other, trusted=True)
        assert {each.id for each in report.artifacts} == members.artifact_ids
        (copy,) = report.sets
        assert (members.id, members.labels) == (copy.id, copy.labels)
    expected = contents(one, members.artifact_ids)
    assert expected == contents(other, members.artifact_ids)
    assert p.verify(other).is_sound
    with p.using_repo(other), p.subscribe((hits := []).append):
        pipeline()
    assert {p.Hit} == set(map(type, hits))


@p.provenance(name="train")
def train(ccp):
    """Return a model, equal for all parameters below 0.5."""
    return {"depth": 3 if ccp < 0.5 else 1}


@p.provenance(name="evaluate")
def evaluate(model):
    """Return a score."""
    return {"score": model["depth"] / 10}


def lineage_of(result):
    """The ids in the lineage of a result."""
    return set(p.lineage(result).artifacts)


@pytest.mark.parametrize("source", REPOSITORIES)
def test_the_lineage_of_the_call_goes_with_a_bundle(source, tmp_path):
    """An evaluation of two equal models leads to the one that the exported call used, wherever it is imported."""
    one = REPOSITORIES[source](tmp_path, "one")
    other = REPOSITORIES[ROUND[source]](tmp_path, "other")
    with p.using_repo(one):
        evaluate(train(0.1))
        second = train(0.2)
        result = evaluate(second)
        expected = lineage_of(result)
        path = p.export(result, tmp_path / "result.zip")
    for dry_run in (True, False):
        report = p.import_bundle(path, other, trusted=True, dry_run=dry_run)
        (copy,) = report.artifacts
        assert expected == lineage_of(copy)
    assert one.get_derivations(result) == other.get_derivations(copy)
    with p.using_repo(other):
        assert copy.id in {each.id for each in p.descendants(p.artifact_of(second).id)}
        assert expected == lineage_of(evaluate(train(0.2)))
        again = p.export(copy, tmp_path / "again.zip")
    (back,) = p.import_bundle(again, p.MemoryRepo(), trusted=True).artifacts
    assert expected == lineage_of(back)


def test_documents_name_what_other_calls_used(memory_repo, tmp_path):
    """Each producer of the equal value is a source of the result, and the documents stay valid."""
    evaluate(train(0.1))
    other = p.artifact_of(train(0.2)).id
    result = evaluate(train(0.2))
    for form in ("prov-json", "prov-n", "ro-crate", "openlineage"):
        assert other in p.export(result, tmp_path / "out", form).read_text("utf-8")
    text = p.export(result, tmp_path / "out", "prov-json").read_text("utf-8")
    document = prov.model.ProvDocument.deserialize(content=text, format="json")
    derived = {
        tuple(map(str, each.args[:2])) for each in document.get_records(prov.model.ProvDerivation)
    }
    assert (f"artifact:{p.artifact_of(result).id}", f"artifact:{other}") in derived
    ours = p.export(result, tmp_path / "out", "prov-n").read_text("utf-8").splitlines()
    theirs = document.get_provn().splitlines()
    assert {line.strip() for line in theirs} == {line.strip() for line in ours}
    crate = json.loads(p.export(result, tmp_path / "out", "ro-crate").read_text("utf-8"))
    assert [] == problems_of(crate, set())
    (node,) = [each for each in crate["@graph"] if each.get("isBasedOn")]
    assert {"@id": f"urn:provenance:artifact:{other}"} == node["isBasedOn"]


def test_a_bundle_is_a_repository_that_can_be_read(bundle, results):
    """Search, lineage, inputs, sets and values of numbers need no import."""
    repo = p.open_bundle(bundle, trusted=True)
    root = repo.get_by_id(results["describe"])
    assert 30.0 == root.value["total"]
    assert set(p.lineage(results["describe"]).artifacts) == set(p.lineage(root).artifacts)
    assert ["table"] == [each.name for each in p.search("table", repo=repo)]
    assert "production" == p.load_set_by_name("production", repo).name
    assert p.verify(repo).is_sound
    assert str(bundle) == p.location(repo).records


def test_a_bundle_is_only_read(bundle, results):
    """Nothing is written to it or deleted from it."""
    before = bundle.read_bytes()
    repo = p.open_bundle(bundle, trusted=True)
    with pytest.raises(p.StorePermissionError):
        repo.delete(results["table"])
    with p.using_repo(repo), pytest.raises(p.StorePermissionError):
        describe(np.arange(2), {"total": 1})
    assert before == bundle.read_bytes()


def test_a_bundle_is_untrusted_unless_said_otherwise(bundle, results):
    """Numbers are read, pickles are not, and neither gets into a repository that is trusted."""
    repo = p.open_bundle(bundle)
    assert 5 == len(repo.get_value(results["load"]))
    with pytest.raises(p.UntrustedStoreError):
        repo.get_value(results["describe"])
    target = p.MemoryRepo()
    for dry_run in (True, False):
        with pytest.raises(p.UntrustedStoreError):
            p.import_bundle(bundle, target, dry_run=dry_run)
    assert [] == [*p.search(repo=target)]
    untrusted = p.MemoryRepo(trusted=False)
    assert len(p.import_bundle(bundle, untrusted).artifacts) == len([*p.search(repo=untrusted)])


def test_a_signed_repository_takes_no_copies_of_a_bundle(bundle, tmp_path):
    """A signature would say that they are its own."""
    target = p.SqliteRepo(db=tmp_path / "signed.db", signing_key="0123456789abcdef")
    with pytest.raises(p.UntrustedStoreError, match="signed"):
        p.import_bundle(bundle, target)


def test_an_interrupted_import_goes_on(bundle, monkeypatch, tmp_path):
    """Sources come first, so that what is there is whole, and the sets last."""
    target = p.SqliteRepo(db=tmp_path / "target.db")
    damaged = tmp_path / "damaged.zip"
    rewrite(bundle, damaged, lambda members: flip(members, largest_blob(members)))
    with pytest.raises(p.CorruptBlobError):
        p.import_bundle(damaged, target, trusted=True)
    assert p.verify(target).is_sound
    with pytest.raises(p.SetNotFoundError):
        p.load_set_by_name("production", target)
    p.import_bundle(bundle, target, trusted=True)
    assert p.load_set_by_name("production", target).artifacts


def test_what_is_private_stays_at_home(results, tmp_path):
    """Host, folders, command line and what a hook adds are in no member, unless they are wanted."""
    run = p.artifact_of(results["load"]).run_info
    private = [run.host["nodename"], run.process["cwd"], run.process["exe"], run.host["release"]]
    for name in ("out.zip", "out.db", "out.provn"):
        data = p.export(results["describe"], tmp_path / name).read_bytes()
        assert [] == [each for each in private if str(each).encode() in data]
        opened = p.export(results["describe"], tmp_path / name, redacted=False).read_bytes()
        assert str(private[0]).encode() in opened
    kept = p.open_bundle(p.export(results["load"], tmp_path / "kept.zip"))
    copied = kept.get_by_id(results["load"]).run_info
    assert (run.id, run.python["version"], run.packages) == (
        copied.id,
        copied.python["version"],
        copied.packages,
    )


def test_one_database_is_a_repository(results, tmp_path):
    """One file that needs no log beside it, and that can be read where nothing may be written."""
    path = p.export(results["describe"], tmp_path / "out.db")
    assert [] == [*tmp_path.glob("out.db-*")]
    with closing(sqlite3.connect(path)) as connection:
        assert [("delete",)] == connection.execute("PRAGMA journal_mode").fetchall()
    repo = p.SqliteRepo(db=path, create_db=False, write=False)
    assert p.hash(results["describe"]) == p.hash(repo.get_value(results["describe"]))


def test_equal_contents_make_equal_members(results, tmp_path):
    """What was exported twice can be compared, but for the times of recording."""
    one, other = (p.export(results["load"], tmp_path / name) for name in ("one.zip", "other.zip"))
    first, second = members_of(one), members_of(other)
    assert first.keys() == second.keys()
    differing = {name for name in first if first[name] != second[name]}
    assert differing <= {"records.db", "bundle.json"}


def test_pages_are_written_one_by_one(results, tmp_path, monkeypatch):
    """All pages are never in memory together: each is written before the next one is made."""
    made = []

    def render_site(*_, **__):
        for name in ("one.html", "two.html"):
            made.append(name)
            yield name, b""

    add = BundleWriter.add

    def added(writer, name, data):
        add(writer, name, data)
        made.append(f"{name} is written")

    monkeypatch.setattr("provenance.ui.static.render_site", render_site)
    monkeypatch.setattr(BundleWriter, "add", added)
    p.export(results["load"], tmp_path / "out.zip")
    pages = [each for each in made if "html" in each]
    assert ["one.html", "one.html is written", "two.html", "two.html is written"] == pages


def test_nothing_stays_of_an_export_that_failed(results, tmp_path, memory_repo):
    """A file of that name is what it was before."""
    path = tmp_path / "out.zip"
    path.write_bytes(b"before")
    blob = p.artifact_of(results["load"]).value_blob
    p.Store("values", memory_repo.interpreter).delete(blob)
    with pytest.raises(p.BlobNotFoundError):
        p.export(results["describe"], path)
    assert (b"before", ["out.zip"]) == (
        path.read_bytes(),
        [each.name for each in tmp_path.iterdir()],
    )


# ---------------------------------------------------------------- bundles that others made


def members_of(path):
    """The members of a zip file by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, target, change):
    """Write the members of a bundle as *change* makes them; the manifest fits the records."""
    members = members_of(path)
    change(members)
    if "bundle.json" in members and "records.db" in members:
        manifest = json.loads(members["bundle.json"])
        blob = blob_of(members["records.db"])
        manifest["members"]["records.db"] = {"digest": blob.id, "size": blob.size}
        members["bundle.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def largest_blob(members):
    """The name of the largest blob."""
    return max(
        (name for name in members if name.startswith("blobs/")), key=lambda n: len(members[n])
    )


def flip(members, name):
    """Change one byte of a member."""
    members[name] = members[name][:-1] + bytes([members[name][-1] ^ 1])


def in_database(statement):
    """Return a change that executes SQL in the records."""

    def change(members):
        Path("changed.db").write_bytes(members["records.db"])
        with closing(sqlite3.connect("changed.db")) as connection:
            connection.executescript(statement)
        members["records.db"] = Path("changed.db").read_bytes()

    return change


def shorter(members):
    """Cut the end off the records."""
    members["records.db"] = members["records.db"][:5000]


HOSTILE = {
    "a path that leads out": lambda members: members.update({"../outside.txt": b"x"}),
    "an absolute path": lambda members: members.update({"/tmp/outside.txt": b"x"}),
    "a blob that leads out": lambda members: members.update({"blobs/../x": b"x"}),
    "another member": lambda members: members.update({"setup.py": b"x"}),
    "a name in capitals": lambda members: members.update({"BLOBS/aa/" + "b" * 38: b"x"}),
    "a trigger": in_database(
        "CREATE TRIGGER t AFTER INSERT ON leases BEGIN DELETE FROM artifacts; END"
    ),
    "a view": in_database("CREATE VIEW v AS SELECT 1"),
    "a view in place of a table": in_database(
        "ALTER TABLE runs RENAME TO r; CREATE VIEW runs AS SELECT * FROM r"
    ),
    "another table": in_database("CREATE TABLE t (x)"),
    "an index of an expression": in_database("CREATE INDEX i ON runs (abs(id))"),
    "no tables": in_database("DROP TABLE artifacts"),
    "tables of another version": in_database("PRAGMA user_version = 99"),
    "a damaged database": shorter,
    "no database": lambda members: members.update({"records.db": b"not one" * 999}),
    "no records": lambda members: members.pop("records.db"),
    "no manifest": lambda members: members.pop("bundle.json"),
    "a manifest that is no object": lambda members: members.update({"bundle.json": b"[1]"}),
    "a manifest of depth": lambda members: members.update({"bundle.json": b"[" * 100_000}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_bundle_with_what_does_not_belong_there_is_refused(kind, bundle, tmp_path):
    """With one error, which names the file, and before anything of it is used."""
    forged = tmp_path / "forged.zip"
    if kind in ("a manifest that is no object", "a manifest of depth"):
        members = members_of(bundle)
        HOSTILE[kind](members)
        with zipfile.ZipFile(forged, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    else:
        rewrite(bundle, forged, HOSTILE[kind])
    with pytest.raises(p.BundleError, match=r"forged\.zip") as refused:
        p.open_bundle(forged, trusted=True)
    assert not isinstance(refused.value.__context__, p.ProvenanceError)
    assert not Path("/tmp/outside.txt").exists()
    with pytest.raises(p.BundleError):
        p.import_bundle(forged, p.MemoryRepo(), trusted=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"format": 2, "library": "7.1"},
            "version 7.1 of the library wrote it, .*format 2.*upgrade",
        ),
        ({"schema": 9}, "tables of version 9; this one reads .* tables of version 1; upgrade"),
        ({"format": 0}, "export it again with this version"),
        ({"format": None, "library": "\x1b[31m"}, "another version of the library wrote it"),
        ({"format": "x" * 10_000}, "format 'xxx.*export it again"),
    ],
)
def test_a_bundle_of_another_version_says_which(changes, message, bundle, tmp_path):
    """The manifest names the format, the version of the tables and that of the library that wrote it."""
    manifest = json.loads(members_of(bundle)["bundle.json"])
    assert p.__version__ == manifest["library"]
    other = tmp_path / "other.zip"
    text = json.dumps(manifest | changes).encode()
    rewrite(bundle, other, lambda members: members.update({"bundle.json": text}))
    with pytest.raises(p.BundleError, match=message) as refused:
        p.open_bundle(other, trusted=True)
    assert len(str(refused.value)) < 500 + len(str(other))


def test_a_zip_bomb_is_refused(bundle, tmp_path):
    """Nothing is compressed in a bundle, so that nothing is larger than the file."""
    bomb = tmp_path / "bomb.zip"
    shutil.copy(bundle, bomb)
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("blobs/aa/" + "b" * 38, bytes(10_000_000))
    with pytest.raises(p.BundleError, match="compressed"):
        p.open_bundle(bomb)


def test_a_bomb_of_overlapping_members_is_refused(tmp_path, bundle):
    """Many names of the same bytes would be larger than the file."""
    members = members_of(bundle)
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.writestr("blobs/00/" + "0" * 38, bytes(100_000))
        info = archive.filelist[-1]
        for number in range(1, 10):
            twin = zipfile.ZipInfo(f"blobs/00/{number:038x}")
            twin.header_offset, twin.file_size = info.header_offset, info.file_size
            twin.compress_size, twin.CRC = info.compress_size, info.CRC
            archive.filelist.append(twin)
            archive.NameToInfo[twin.filename] = twin
    with pytest.raises(p.BundleError, match="overlap"):
        p.open_bundle(bomb)


def test_a_member_that_is_there_twice_is_refused(bundle, tmp_path):
    """Which of them would be read?"""
    twice = tmp_path / "twice.zip"
    shutil.copy(bundle, twice)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(twice, "a") as archive:
        archive.writestr("records.db", b"x")
    with pytest.raises(p.BundleError, match="twice"):
        p.open_bundle(twice)


def test_records_that_the_manifest_does_not_name_are_refused(bundle, tmp_path):
    """A changed database is noticed before it is opened."""
    members = members_of(bundle)
    flip(members, "records.db")
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(forged, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(p.BundleError, match=r"not the one that bundle\.json names"):
        p.open_bundle(forged)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_planted_pickle_is_not_read(trusted, bundle, results, tmp_path):
    """Its digest is not what the record names, whoever is trusted; one that fits is refused unless trusted."""

    class Planted:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    record = p.artifact_of(results["describe"])
    name = f"blobs/{record.content_digest[:2]}/{record.content_digest[2:]}"
    forged = tmp_path / "forged.zip"
    rewrite(bundle, forged, lambda members: members.update({name: pickle.dumps(Planted())}))
    repo = p.open_bundle(forged, trusted=trusted)
    with pytest.raises(p.CorruptBlobError):
        repo.get_value(record.id)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + bytes(18), b"no zip at all", bytes(1000)])
def test_what_is_no_bundle_is_refused(data, tmp_path):
    """An empty file, an empty archive, and anything else."""
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    with pytest.raises(p.BundleError):
        p.open_bundle(path)


def test_a_missing_bundle_is_unavailable(tmp_path):
    """As any store that cannot be reached."""
    with pytest.raises(p.StoreUnavailableError):
        p.open_bundle(tmp_path / "nowhere.zip")


@pytest.mark.parametrize("jinja2", [True, False])
def test_a_bundle_tells_of_evicted_values_without_having_them(tmp_path, monkeypatch, jinja2):
    """Its lineage is whole, nothing refers to a file that it lacks, and an import evicts them, too."""
    if not jinja2:
        monkeypatch.setattr("provenance.exchange.bundles.find_spec", lambda _: None)
    repo = REPOSITORIES["sqlite"](tmp_path, "one")
    with p.using_repo(repo):
        total = pipeline()["split"]["total"]
        repo.delete_set(p.load_set_by_name("production"))
        p.create_set([total], "kept")
        assert 2 <= len(p.evict(older_than=timedelta(0), dry_run=False).values)
        path = p.export(p.load_set_by_name("kept"), tmp_path / "kept.zip")
    bundle = p.open_bundle(path, trusted=True)
    report = p.verify(bundle)
    assert report.is_sound
    assert report.evicted >= 2
    with zipfile.ZipFile(path) as archive:
        metadata = json.loads(archive.read("ro-crate-metadata.json"))
        names = set(archive.namelist()) - {"ro-crate-metadata.json", "bundle.json"}
        pages = [archive.read(name).decode() for name in names if name.endswith(".html")]
    assert [] == [each for each in problems_of(metadata, names) if "assets" not in each]
    links = {link for page in pages for link in re.findall(r'href="(?:\.\./)?(blobs/[^"]+)"', page)}
    assert links <= names
    other = p.MemoryRepo("other")
    p.import_bundle(path, other, trusted=True)
    assert (True, report.evicted) == (p.verify(other).is_sound, p.verify(other).evicted)
