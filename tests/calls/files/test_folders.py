"""A folder is one artifact: a manifest, and files that are artifacts of their own."""

import copy
import os
import pickle
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import provenance as p
from later import in_a_day
from provenance.archives import FolderEntry, manifest, parse_manifest
from provenance.effect import Interpreter
from provenance.effects.io import blob_of
from provenance.events import Hit, Miss, Recovered
from provenance.ports.blobs import WriteBlob

LARGE = os.urandom(200_000)
CONTENT = {"a.csv": b"a", "sub/b.csv": LARGE, "sub/deep/c": b"", "sub/again.csv": LARGE}


def made(folder: Path, content=None) -> Path:
    """*folder*, filled."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in (CONTENT if content is None else content).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def read(folder) -> dict[str, bytes]:
    """The content of a folder."""
    root = Path(folder)
    return {
        str(each.relative_to(root)): each.read_bytes() for each in root.rglob("*") if each.is_file()
    }


def test_a_folder_comes_back(repo, work):
    """As a path it is a folder with the same files; each can be read without the others."""
    folder = p.archive_file(made(work / "data"))
    assert CONTENT == read(folder) == read(str(folder))
    assert sorted(CONTENT) == list(folder.files)
    assert CONTENT == {name: file.read_bytes() for name, file in folder.files.items()}
    assert ".csv" == Path(folder.files["sub/b.csv"]).suffix
    assert (2 * len(LARGE) + 1, "data") == (folder.size, folder.name)
    again = p.load_artifact(p.artifact_of(folder).id).value
    assert again == p.unwrap(folder)
    assert CONTENT == read(again)
    assert repr(again) == f"<provenance.ArchivedFolder 'data', 4 files, {again.digest[:8]}>"


def test_the_value_is_paths_and_bytes(repo, work):
    """Not times, places, or the order in which the files were made."""
    first = p.archive_file(made(work / "one" / "data"))
    other = made(work / "two" / "data", dict(reversed(CONTENT.items())))
    for each in other.rglob("*"):
        os.utime(each, (1, 1))
    second = p.archive_file(other)
    assert p.artifact_of(first).id == p.artifact_of(second).id
    assert p.artifact_of(first).value_id == p.hash(first)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    st.dictionaries(st.sampled_from(["a", "b", "c/a", "c/b"]), st.binary(max_size=2)),
    st.dictionaries(st.sampled_from(["a", "b", "c/a", "c/b"]), st.binary(max_size=2)),
)
def test_equal_folders_are_equal_inputs_and_others_are_not(work, one, other):
    """Law: two archived folders are one input exactly when they have the same files."""
    count = p.provenance(name="count")(lambda folder: len(read(folder)))
    with p.using_repo(p.MemoryRepo()):
        first, second = (
            p.archive_file(made(work / name, content))
            for name, content in (("1", one), ("2", other))
        )
        for name in ("1", "2"):
            shutil.rmtree(work / name)
        assert (
            (one == other)
            == (p.hash(first) == p.hash(second))
            == (p.unwrap(first) == p.unwrap(second))
        )
        assert (one == other) == (count.artifact_id(first) == count.artifact_id(second))


def test_what_may_be_executed_counts(repo, work):
    """The executable bit is part of the value, and of the copy."""
    folder = made(work / "bin", {"run": b"#!/bin/sh\n", "same": b"#!/bin/sh\n"})
    plain = p.archive_file(folder)
    (folder / "run").chmod(0o755)
    executable = p.archive_file(folder)
    assert p.hash(plain) != p.hash(executable)
    assert [True, False] == [
        bool((Path(executable) / name).stat().st_mode & 0o100) for name in ("run", "same")
    ]
    assert not (Path(plain) / "run").stat().st_mode & 0o100


def test_equal_files_are_stored_once(disk, work, tmp_path):
    """In one folder and over several: a blob for each content."""
    p.archive_file(made(work / "one"), "one")
    p.archive_file(made(work / "two", {"other name": LARGE}), "two")
    blobs = [each for each in (tmp_path / "store" / "blobs").rglob("??/*") if each.is_file()]
    assert 1 == sum(each.stat().st_size == len(LARGE) for each in blobs)


def test_each_file_is_an_artifact_that_the_folder_was_made_from(repo, work):
    """The edges name them, so whatever follows edges (promotion, lineage) finds all bytes."""
    folder = p.archive_file(made(work / "data"))
    artifact = p.artifact_of(folder)
    members = [repo[each] for each in artifact.input_artifact_ids]
    assert sorted(["a.csv", "b.csv", "c", "again.csv"]) == sorted(each.name for each in members)
    assert {each.blob for each in folder.files.values()} == {each.value_blob for each in members}
    alone = p.archive_file(made(work / "data") / "a.csv", preserve_ext=True)
    assert p.artifact_of(alone).id in artifact.input_artifact_ids
    used = p.provenance(name="used")(lambda folder: len(read(folder))).artifact(folder)
    assert {artifact.id} == used.input_artifact_ids
    assert 6 == len(p.dependencies(used))


def test_deleting_a_folder_keeps_what_others_share(repo, work):
    """The folder's artifact goes with its manifest; its files are artifacts, and stay until they are deleted."""
    one = p.artifact_of(p.archive_file(made(work / "one"), "one"))
    two = p.archive_file(made(work / "two", {"b.csv": LARGE}), "two")
    in_a_day(repo).delete(one.id)
    assert {"b.csv": LARGE} == read(two)
    for each in one.input_artifact_ids:
        assert each in repo
    with pytest.raises(p.BlobNotFoundError):
        _ = one.value


def test_it_is_picklable_and_hashable(repo, work):
    """Copies and pickles are equal to it, hash alike and lead to the bytes."""
    folder = p.unwrap(p.archive_file(made(work / "data")))
    for each in (copy.copy(folder), copy.deepcopy(folder), pickle.loads(pickle.dumps(folder))):
        assert (folder, p.hash(folder), hash(folder)) == (each, p.hash(each), hash(each))
        assert CONTENT == read(each)


def test_wrong_value__whoever_changes_a_copy_changes_only_that(repo, work):
    """A copy of a folder that somebody wrote into, added to or took from is put right."""
    folder = p.archive_file(made(work / "data"))
    for spoil in (
        lambda root: (root / "extra").write_bytes(b"x"),
        lambda root: (root / "a.csv").unlink(),
        lambda root: ((root / "a.csv").chmod(0o644), (root / "a.csv").write_bytes(b"X")),
        shutil.rmtree,
    ):
        spoil(Path(folder))
        assert CONTENT == read(folder)
        assert CONTENT == {name: file.read_bytes() for name, file in folder.files.items()}


def test_copies_are_read_only(repo, work):
    """No file of the folder may be written to."""
    root = Path(p.archive_file(made(work / "data")))
    assert [] == [
        each
        for each in root.rglob("*")
        if each.is_file() and stat.S_IMODE(each.stat().st_mode) & 0o222
    ]


def test_many_threads_get_one_folder(repo, work):
    """Threads that open a folder at once all find it whole."""
    folder = p.unwrap(p.archive_file(made(work / "data")))
    with ThreadPoolExecutor(6) as pool:
        assert [CONTENT] * 12 == list(pool.map(lambda _: read(folder), range(12)))
    assert [folder.digest] == [each.name for each in Path(folder).parent.iterdir()]


def test_a_file_system_without_links_gets_copies(repo, work, monkeypatch):
    """Where files cannot be linked the folder is made of copies, and found to be right the next time."""

    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    folder = p.archive_file(made(work / "data"))
    assert CONTENT == read(folder)
    inode = Path(folder).stat().st_ino
    assert inode == Path(folder).stat().st_ino


def test_the_original_is_deleted_when_all_of_it_is_safe(repo, work):
    """With all folders that are empty for it."""
    root = made(work / "data")
    assert CONTENT == read(p.archive_file(root, delete_original=True))
    assert not root.exists()
    assert not made(work / "none", {}).rmdir()
    assert {} == read(p.archive_file(made(work / "none", {}), delete_original=True))
    assert not (work / "none").exists()


def test_lost_work__what_was_not_archived_is_not_deleted(repo, work, caplog):
    """A file that appears or changes meanwhile stays, and so does an empty folder, which a manifest does not list."""
    root = made(work / "data")
    (root / "empty").mkdir()

    def answer(ask):
        (root / "new").write_bytes(b"new")
        (root / "a.csv").write_bytes(b"changed")
        return repo.interpreter(ask)

    with (
        p.using_repo(evolve(repo, interpreter=repo.interpreter | Interpreter({WriteBlob: answer}))),
        pytest.raises(p.UnarchivableFileError, match="changed while"),
    ):
        p.archive_file(root, delete_original=True)
    assert {"new", *CONTENT} == read(root).keys()
    done = []

    def later(ask):
        if not done:
            done.append((root / "sub" / "late").write_bytes(b"late"))
        return repo.interpreter(ask)

    with p.using_repo(evolve(repo, interpreter=repo.interpreter | Interpreter({WriteBlob: later}))):
        p.archive_file(root, delete_original=True)
    assert {"sub/late": b"late"} == read(root)
    assert (root / "empty").is_dir()
    assert "something is left in it" in caplog.text


FULL = p.StoreUnavailableError("disk", "no space left on device", "free some space")


def test_lost_work__a_store_that_refuses_leaves_the_original(repo, work):
    """However far it came: nothing is deleted, and archiving again goes on."""
    root = made(work / "data")
    left = [3]

    def fail(ask):
        left[0] -= 1
        if left[0] < 0:
            raise FULL
        return repo.interpreter(ask)

    with (
        p.using_repo(evolve(repo, interpreter=repo.interpreter | Interpreter({WriteBlob: fail}))),
        pytest.raises(p.StoreUnavailableError),
    ):
        p.archive_file(root, delete_original=True)
    assert CONTENT == read(root)
    assert CONTENT == read(p.archive_file(root, delete_original=True))


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"X" * len(LARGE))])
def test_lost_work__the_original_repairs_the_store(disk, work, tmp_path, change):
    """A file that is lost is stored anew when its folder is archived again; a damaged one before it is deleted."""
    p.archive_file(made(work / "data"))
    for each in (tmp_path / "store" / "blobs").rglob("??/*"):
        if each.is_file() and each.stat().st_size == len(LARGE):
            change(each)
    assert CONTENT == read(p.archive_file(work / "data", delete_original=True))
    assert not (work / "data").exists()


def test_lost_work__a_function_s_folder_is_computed_anew(disk, work, tmp_path):
    """A hit of which a file is lost is healed when it is used."""

    @p.provenance(archive_file=True, delete_original_file=True, remove=["work"])
    def build():
        return made(work / "built")

    told = []
    with p.subscribe(told.append):
        assert CONTENT == read(build())
        assert not (work / "built").exists()
        for each in (tmp_path / "store" / "blobs").rglob("??/*"):
            if each.stat().st_size == len(LARGE):
                each.unlink()
        assert CONTENT == read(build())
    assert [Miss, Hit, Recovered] == [type(each) for each in told]


def test_lost_work__a_damaged_file_of_a_folder_does_not_fail_for_ever(disk, work, tmp_path):
    """The one who meets it first gets the error, and the next call computes the folder anew."""

    @p.provenance(archive_file=True, delete_original_file=True, remove=["work"])
    def build():
        return made(work / "built")

    build()
    for each in (tmp_path / "store" / "blobs").rglob("??/*"):
        if each.stat().st_size == len(LARGE):
            each.write_bytes(b"X" * len(LARGE))
    with pytest.raises(p.CorruptBlobError, match="call the function again"):
        read(build())
    assert CONTENT == read(build())
    (blob,) = [
        each
        for each in (tmp_path / "store" / "blobs").rglob("??/*")
        if each.stat().st_size == len(LARGE)
    ]
    blob.write_bytes(b"X" * len(LARGE))
    with pytest.raises(p.CorruptBlobError):
        build().files["sub/b.csv"].read_bytes()
    assert LARGE == build().files["sub/b.csv"].read_bytes()


def test_a_folder_has_no_bytes(repo, work):
    """As with paths, what needs a file says that there is a folder."""
    folder = p.archive_file(made(work / "data"))
    assert isinstance(folder, p.ArchivedFile)
    for use in (folder.read_bytes, folder.read_text, folder.open):
        with pytest.raises(IsADirectoryError):
            use()


def test_the_lineage_names_the_files(repo, work):
    """The tree of a folder shows what it was made of."""
    tree = p.lineage(p.archive_file(made(work / "data"))).tree()
    assert 5 == len(tree.splitlines())
    assert "b.csv" in tree


def test_a_folder_may_be_passed_on(work):
    """What a function returns of it is stored, also in another repository, with its files."""
    same = p.provenance(name="same")(lambda folder: folder)
    again = p.provenance(name="again", archive_file=True, delete_original_file=True)(
        lambda folder: folder
    )
    with p.using_repo(p.MemoryRepo("home")):
        folder = p.archive_file(made(work / "data"))
        assert CONTENT == read(again(folder)) == read(folder)
    shutil.rmtree(work / "data")
    with p.using_repo(p.MemoryRepo("away")):
        assert CONTENT == read(same.artifact(folder).value)


def test_read_only_gives_the_original(repo, work):
    """Nothing is stored; files inside lead to the originals."""
    root = made(work / "data")
    f = p.provenance(
        name="f", archive_file=True, read_only=True, delete_original_file=True, remove=["root"]
    )
    folder = f(lambda: root)()
    assert (str(root), CONTENT) == (str(folder), read(folder))
    assert CONTENT == {name: file.read_bytes() for name, file in folder.files.items()}
    assert pickle.loads(pickle.dumps(p.unwrap(folder))) == p.unwrap(folder)


@pytest.mark.parametrize("target", ["a.csv", "sub", "nowhere"])
def test_links_are_refused(repo, work, target):
    """A symbolic link may lead anywhere: it is an error that names it, and nothing is recorded."""
    root = made(work / "data")
    (root / "link").symlink_to(target)
    with pytest.raises(p.UnarchivableFileError, match=r"data/link.*symbolic link.*in its place"):
        p.archive_file(root)
    (root / "link").unlink()
    os.mkfifo(root / "pipe")
    with pytest.raises(p.UnarchivableFileError, match="neither a file nor a folder"):
        p.archive_file(root)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../../x", "", "a//b", ".", "a/", "a\0b"]
)
def test_security__a_manifest_leads_nowhere(path):
    """One of a store that others write to cannot name a path outside the folder."""
    with pytest.raises(ValueError, match="escapes the folder"):
        parse_manifest(
            manifest([]).replace(
                b"[\n\n]", b'[["%s", "ab", 1, false]]' % path.replace("\0", "\\u0000").encode()
            )
        )


def test_lost_work__odd_names_reach_the_database(repo, work):
    """Names that are no UTF-8, quotes, spaces and line breaks: what the file system takes is archived."""
    content = {
        os.fsdecode(b"caf\xe9"): b"1",
        "x'; DROP TABLE artifacts; --": b"2",
        "line\nbreak ": b"3",
        "größe.ä": b"4",
    }
    assert content == read(p.archive_file(made(work / os.fsdecode(b"d\xff"), content)))
    for name, data in content.items():
        file = p.archive_file(work / os.fsdecode(b"d\xff") / name)
        assert (name, data) == (
            p.load_artifact(p.artifact_of(file).id).value.name,
            file.read_bytes(),
        )


def test_security__what_is_no_digest_becomes_no_path(repo):
    """Neither of a file, nor of a folder, nor of a file in one: records may come from a store that others write to."""
    bad = p.Blob("../../../somewhere/else/and/40/characters", 1)
    good = blob_of(b"")
    for make in (
        lambda: p.ArchivedFile(bad),
        lambda: p.ArchivedFolder(bad),
        lambda: FolderEntry("a", bad),
    ):
        with pytest.raises(ValueError, match="invalid digest"):
            make()
    assert good == FolderEntry("a", good).blob


def test_a_manifest_reads_back():
    """Any names, in any order."""
    members = [
        FolderEntry(name, blob_of(name.encode()), name > "b")
        for name in ("z", "ä/ö", 'q"uote', "a b", "new\nline")
    ]
    assert tuple(sorted(members, key=lambda member: member.path)) == parse_manifest(
        manifest(members)
    )
    assert manifest(members) == manifest(reversed(members))


def test_only_archived_folders_are_written_as_such(repo):
    """Who names the serializer without `archive_file` is told how to archive."""
    with pytest.raises(p.UnserializableValueError, match="archive_file=True"):
        p.provenance(name="f", serializer="folder")(lambda: "path")()
