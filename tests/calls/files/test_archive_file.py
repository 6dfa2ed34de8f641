"""`archive_file`: a file becomes an artifact, known by its content."""

import copy
import os
import pickle
import stat
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import provenance as p
from architecture.silence import silence
from provenance.effect import Interpreter
from provenance.effects.io import blob_of
from provenance.events import Hit, Miss
from provenance.ports.blobs import ReadBlob, WriteBlob

LARGE = os.urandom(300_000)


@p.provenance()
def length(file) -> int:
    """How many bytes there are at a path."""
    return Path(file).stat().st_size


@pytest.mark.parametrize("data", [b"", b"small", LARGE], ids=len)
def test_the_bytes_come_back_by_every_way(repo, written, data):
    """A path, `open`, `read_bytes`, and the value blob itself hold what the original held."""
    file = p.archive_file(written(data))
    assert data == Path(file).read_bytes() == Path(str(file)).read_bytes() == file.read_bytes()
    with file.open() as opened:
        assert data == opened.read()
    artifact = p.artifact_of(file)
    assert ("file", blob_of(data), len(data)) == (
        artifact.serializer,
        artifact.value_blob,
        artifact.size_bytes,
    )
    assert data == repo.interpreter(ReadBlob(artifact.value_blob, lambda source: source.read()))


def test_it_is_read_anew_in_another_repository_handle(repo, written):
    """The record alone tells all there is to know of the file."""
    file = p.archive_file(written(), preserve_ext=True)
    again = p.load_artifact(p.artifact_of(file).id).value
    assert again == p.unwrap(file)
    assert ("table.csv", ".csv", 8) == (again.name, again.extension, again.size)
    assert "a,b\n1,2\n" == again.read_text()
    assert repr(again) == f"<provenance.ArchivedFile 'table.csv', 8 bytes, {again.digest[:8]}>"


def test_a_second_archive_is_a_hit(repo, written):
    """Equal content under one name is one artifact, wherever the file is."""
    told = []
    with p.subscribe(told.append):
        first = p.archive_file(written(name="one/table.csv"))
        second = p.archive_file(written(name="two/table.csv"))
    assert [Miss, Hit] == [type(each) for each in told]
    assert p.artifact_of(first).id == p.artifact_of(second).id


def test_name_and_fields_are_recorded(repo, written):
    """The artifact carries the name that was chosen, by default that of the file, and what it is to be found by."""
    assert "table.csv" == p.artifact_of(p.archive_file(written())).name
    artifact = p.artifact_of(p.archive_file(written(), "raw", custom_fields={"year": 2024}))
    assert ("raw", 2024, "archive_file") == (
        artifact.name,
        artifact.custom_fields["year"],
        artifact.fn_name,
    )
    assert str(written()) == artifact.inputs["kargs"]["filename"]


def test_content_and_extension_make_the_value(repo, written):
    """The value id depends on the bytes, and on the extension only where it is preserved; never on the name."""

    def value_id(data, name, **options):
        return p.artifact_of(p.archive_file(written(data, name), **options)).value_id

    assert value_id(b"x", "a.csv") == value_id(b"x", "b.txt") != value_id(b"y", "a.csv")
    preserved = [
        value_id(b"x", name, preserve_ext=True) for name in ("a.csv", "b.csv", "a.txt", "a")
    ]
    assert preserved[0] == preserved[1]
    assert 3 == len(set(preserved))
    assert preserved[3] == value_id(b"x", "a.csv")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    st.binary(max_size=50),
    st.binary(max_size=50),
    st.sampled_from(["a.x", "a.y", "b.x"]),
    st.booleans(),
)
def test_equal_files_are_equal_inputs_and_others_are_not(work, one, other, name, preserve):
    """Law: two archived files are one input exactly when bytes and preserved extension agree."""
    with p.using_repo(p.MemoryRepo()):
        (work / "a.x").write_bytes(one)
        first = p.archive_file(work / "a.x", preserve_ext=preserve)
        (work / name).write_bytes(other)
        second = p.archive_file(work / name, preserve_ext=preserve)
        same = one == other and (not preserve or name.endswith(".x"))
        assert same == (length.artifact_id(first) == length.artifact_id(second))
        assert same == (p.hash(first) == p.hash(second)) == (p.unwrap(first) == p.unwrap(second))


def test_it_is_a_source_of_lineage(repo, written):
    """A function that is given the file records it as an input, and its proxy and its value are one argument."""
    file = p.archive_file(written())
    result = length.artifact(file)
    assert {p.artifact_of(file).id} == result.input_artifact_ids
    assert result.id == length.artifact_id(p.unwrap(file))
    assert 8 == result.value
    assert p.artifact_of(file).id in {
        p.artifact_of(each).id for each in [result.inputs["kargs"]["file"]]
    }


def test_its_copies_read_back_equal(repo, written):
    """Laws of values: copies and pickles are equal to it, hash alike, and lead to the bytes."""
    file = p.unwrap(p.archive_file(written(LARGE)))
    for each in (copy.copy(file), copy.deepcopy(file), pickle.loads(pickle.dumps(file))):
        assert (file, p.hash(file), hash(file)) == (each, p.hash(each), hash(each))
        assert each.read_bytes() == LARGE


def test_it_is_pickled_by_content_and_not_by_bytes(repo, written):
    """However large the file, a pickle of it is a reference."""
    assert 500 > len(pickle.dumps(p.unwrap(p.archive_file(written(LARGE)))))


def test_references_know_their_repository(written):
    """A file that was loaded from one repository is read there, whatever the current one is."""
    home, away = p.MemoryRepo("home"), p.MemoryRepo("away")
    hold = p.provenance(name="hold")(lambda file: [p.unwrap(file)])
    with p.using_repo(home):
        held = hold.artifact(p.archive_file(written()))
    with p.using_repo(away):
        assert b"a,b\n1,2\n" == held.value[0].read_bytes() == copy.copy(held.value[0]).read_bytes()


def test_a_value_does_not_refer_to_bytes_of_another_repository(written):
    """What would dangle is refused, and says what to do."""
    home, away = p.MemoryRepo("home"), p.MemoryRepo("away")
    hold = p.provenance(name="hold")(lambda file: [p.unwrap(file)])
    with p.using_repo(home):
        file = p.archive_file(written())
    with (
        p.using_repo(away),
        pytest.raises(p.UnserializableValueError, match="archive it there first"),
    ):
        hold(file)


def test_a_function_may_pass_an_archived_file_on(written):
    """What it returns is stored as the file's bytes, also in another repository."""
    choose = p.provenance(name="choose")(lambda file: file)
    with p.using_repo(p.MemoryRepo("home")):
        file = p.archive_file(written(), preserve_ext=True)
    with p.using_repo(p.MemoryRepo("away")) as away:
        chosen = choose.artifact(file)
        assert ("file", ".csv") == (chosen.serializer, chosen.value.extension)
        assert b"a,b\n1,2\n" == away[chosen.id].value.read_bytes()
        assert str(chosen.value).endswith(".csv")


# ---------------------------------------------------------------- local copies


def test_the_path_has_the_extension_if_it_was_preserved(repo, written):
    """Tools that look at extensions see the right one."""
    assert ".csv" == Path(p.archive_file(written(), preserve_ext=True)).suffix
    assert "" == Path(p.archive_file(written())).suffix


def test_a_local_copy_is_read_only_and_not_the_store_s(disk, written, tmp_path):
    """The path leads to a copy that nobody may write to, and not into the store."""
    path = Path(p.archive_file(written(LARGE)))
    assert 0 == stat.S_IMODE(path.stat().st_mode) & 0o222
    assert 1 == path.stat().st_nlink
    assert tmp_path / "store" not in path.parents


def test_wrong_value__whoever_changes_a_copy_changes_only_that(repo, written):
    """A copy that somebody wrote to all the same, even without a trace in size and time, is replaced; the store keeps what it has."""
    file = p.archive_file(written(LARGE))
    path = Path(file)
    old = path.stat()
    path.chmod(0o644)
    path.write_bytes(b"X" * len(LARGE))
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert LARGE == Path(file).read_bytes() == file.read_bytes()
    path.chmod(0o644)
    path.write_bytes(b"short")
    assert LARGE == Path(file).read_bytes()
    path.unlink()
    assert LARGE == Path(file).read_bytes()


def test_many_threads_get_one_copy(repo, written):
    """Threads that open a file at once all read it whole."""
    file = p.unwrap(p.archive_file(written(LARGE)))
    with ThreadPoolExecutor(8) as pool:
        assert [LARGE] * 24 == list(pool.map(lambda _: Path(file).read_bytes(), range(24)))
    assert [] == list((Path(file).parent / ".tmp").iterdir())


def test_many_processes_get_one_copy(disk, written, tmp_path):
    """Processes that open a file at once all read it whole."""
    artifact = p.artifact_of(p.archive_file(written(LARGE)))
    store = tmp_path / "store"
    script = f"""
import provenance as p, hashlib
from pathlib import Path
repo = p.SqliteRepo(db={str(store / "records.db")!r}, store=p.DiskStore(cachedir={str(store / "blobs")!r}))
print(hashlib.md5(Path(repo[{artifact.id!r}].value).read_bytes()).hexdigest())
"""
    running = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) for _ in range(4)
    ]
    assert 1 == len({each.communicate()[0] for each in running})
    assert [0] * 4 == [each.returncode for each in running]


def test_copies_that_nobody_asked_for_in_a_month_go(disk, written, monkeypatch):
    """Those that are in use stay."""
    from provenance.effects.system.files import LocalFiles

    used, unused = (Path(p.archive_file(written(data))) for data in (b"used", b"unused"))
    long_ago = time.time() - 20 * 24 * 3600
    for each in (used, unused):
        os.utime(each, (long_ago, long_ago))
    assert used == Path(p.archive_file(written(b"used")))
    monkeypatch.setattr("provenance.effects.system.files._KEPT", 10 * 24 * 3600.0)
    LocalFiles()._root()
    assert (True, False) == (used.exists(), unused.exists())


def test_without_a_home_copies_are_temporary(disk, written, monkeypatch, tmp_path):
    """Where the user's cache folder cannot be made, another is found."""
    from provenance.effects.system.files import LocalFiles

    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "blocked"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    root = Path(LocalFiles()._root())
    assert (True, tmp_path) == (root.is_dir(), root.parent)


def test_security__an_extension_leads_nowhere():
    """A record of a store that others write to cannot name a path outside the folder of copies."""
    for extension in ("/../x", "../x", "./../../x", ".a/b", ".a\0", "x"):
        with pytest.raises(ValueError, match="invalid file extension"):
            p.ArchivedFile(blob_of(b""), extension)


def test_an_archived_file_is_not_opened_for_writing(repo, written):
    """Modes that write are refused with advice."""
    with pytest.raises(ValueError, match="change a copy"):
        p.archive_file(written()).open("wb")
    with p.archive_file(written()).open("r") as text:
        assert ["a,b\n", "1,2\n"] == list(text)


# ---------------------------------------------------------------- deleting the original


def test_the_original_stays_unless_it_is_to_be_deleted(repo, written, work):
    """It is deleted on a miss and on a hit, if asked, and readable from the store afterwards."""
    file = p.archive_file(written())
    assert written().exists()
    again = p.archive_file(written(), delete_original=True)
    assert not (work / "table.csv").exists()
    assert p.artifact_of(file).id == p.artifact_of(again).id
    other = written(b"other", "other.csv")
    assert b"other" == p.archive_file(other, delete_original=True).read_bytes()
    assert not other.exists()


def failing(repo, kind, error):
    """*repo* where answering *kind* fails."""

    def fail(_):
        raise error

    return evolve(repo, interpreter=repo.interpreter | Interpreter({kind: fail}))


FULL = p.StoreUnavailableError("disk", "no space left on device", "free some space")


@pytest.mark.parametrize("kind", [WriteBlob, ReadBlob])
def test_lost_work__a_store_that_refuses_leaves_the_original(repo, written, kind):
    """If the copy cannot be written, or not be read back, nothing is deleted, and the error holds the file."""
    path = written(LARGE)
    with p.using_repo(failing(repo, kind, FULL)), pytest.raises(p.StoreUnavailableError):
        p.archive_file(path, delete_original=True)
    assert LARGE == path.read_bytes()
    with p.using_repo(repo):
        assert LARGE == p.archive_file(path, delete_original=True).read_bytes()


def damage(folder: Path, change) -> None:
    """Change each large file of the store in *folder*."""
    for each in folder.rglob("??/*"):
        if each.is_file() and each.stat().st_size == len(LARGE):
            change(each)


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"X" * len(LARGE))])
def test_lost_work__the_original_repairs_a_store_before_it_goes(disk, written, tmp_path, change):
    """On a hit whose stored copy is lost or damaged the file is stored anew, and only then deleted."""
    p.archive_file(written(LARGE))
    damage(tmp_path / "store" / "blobs", change)
    path = written(LARGE)
    assert LARGE == p.archive_file(path, delete_original=True).read_bytes()
    assert not path.exists()


def test_lost_work__a_lost_copy_is_stored_anew_while_the_original_is_there(disk, written, tmp_path):
    """As any lost value; without the original the error says that both are gone."""
    path = written(LARGE)
    proxy = p.archive_file(path)
    damage(tmp_path / "store" / "blobs", Path.unlink)
    assert LARGE == p.archive_file(path).read_bytes()
    lazy = p.archive_file(path)
    damage(tmp_path / "store" / "blobs", Path.unlink)
    assert LARGE == lazy.read_bytes()
    lazy = p.archive_file(path)
    damage(tmp_path / "store" / "blobs", Path.unlink)
    path.unlink()
    with pytest.raises(p.UnarchivableFileError, match="and the original are missing"):
        lazy.read_bytes()
    with pytest.raises(p.BlobNotFoundError):
        proxy.read_bytes()


def test_an_original_that_was_changed_is_not_deleted(repo, written, caplog):
    """What was written to a file after it was read is not in the store, and so the file stays."""
    path = written(LARGE)

    def answer(ask):
        result = repo.interpreter(ask)
        path.write_bytes(b"newer")
        return result

    with p.using_repo(
        evolve(repo, interpreter=repo.interpreter | Interpreter({WriteBlob: answer}))
    ):
        assert LARGE == p.archive_file(path, delete_original=True).read_bytes()
    assert b"newer" == path.read_bytes()
    assert "was changed since it was archived" in caplog.text


def test_wrong_value__a_file_that_changes_while_it_is_archived_is_refused(repo, written):
    """Nothing is recorded of bytes that are not those that were hashed."""
    path = written(LARGE)

    def answer(ask):
        path.write_bytes(b"newer" * 100_000)
        return repo.interpreter(ask)

    with (
        p.using_repo(evolve(repo, interpreter=repo.interpreter | Interpreter({WriteBlob: answer}))),
        pytest.raises(p.UnarchivableFileError, match="changed while"),
    ):
        p.archive_file(path, "raw", delete_original=True)
    assert path.exists()


def test_an_archived_file_may_be_archived(repo, written):
    """Under another name, or with its extension; what is deleted is never the store's."""
    file = p.archive_file(written())
    again = p.archive_file(file, "again", delete_original=True, preserve_ext=True)
    assert ("again", ".csv") == (p.artifact_of(again).name, again.extension)
    assert b"a,b\n1,2\n" == file.read_bytes() == again.read_bytes()
    by_path = p.archive_file(str(file), "by path", delete_original=True)
    assert b"a,b\n1,2\n" == by_path.read_bytes() == Path(file).read_bytes()


def test_read_only_stores_nothing_and_deletes_nothing(repo, written):
    """The result is the original file."""
    p.set_read_only(True)
    file = p.archive_file(path := written(), delete_original=True)
    p.set_read_only(False)
    assert (str(path), b"a,b\n1,2\n") == (str(file), file.read_bytes())
    assert p.artifact_of(file).id not in repo
    assert pickle.loads(pickle.dumps(p.unwrap(file))).read_bytes() == b"a,b\n1,2\n"
    length(file)
    assert length.is_cached(file)


def test_a_store_that_may_not_be_written_to_is_respected(written, tmp_path):
    """The error names the store, and the original stays."""
    store = p.DiskStore(cachedir=str(tmp_path / "blobs"), write=False)
    path = written(LARGE)
    with (
        p.using_repo(p.SqliteRepo(db=str(tmp_path / "r.db"), store=store)),
        pytest.raises(p.StorePermissionError),
    ):
        p.archive_file(path, delete_original=True)
    assert LARGE == path.read_bytes()


def test_libraries_take_it_for_a_path(repo, written):
    """As any `os.PathLike`, the proxy too."""
    file = p.archive_file(written(), preserve_ext=True)
    assert isinstance(file, os.PathLike)
    assert [2] == list(pd.read_csv(file)["b"])


def test_hashing_planning_and_pickling_are_silent(repo, written):
    """An archived file is known by its digest: its bytes are not touched for that."""
    file = p.unwrap(p.archive_file(written(LARGE)))
    length.plan(file)
    with silence():
        assert p.hash(file) == p.hash(pickle.loads(pickle.dumps(file)))
        assert length.artifact_id(file) == length.plan(copy.deepcopy(file)).artifact_id
        assert "table.csv" in repr(file)


# ---------------------------------------------------------------- errors


def a_pipe(work):
    """A named pipe."""
    os.mkfifo(work / "pipe")
    return work / "pipe"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (lambda work: work / "missing.csv", "No such file"),
        (a_pipe, "not a regular file"),
        (lambda work: 3, "expected a path"),
        (lambda work: b"bytes", "expected a path"),
        (lambda work: None, "expected a path"),
        (lambda work: "", "expected a path"),
        (lambda work: "a\0b", "expected a path"),
    ],
)
def test_what_is_no_file_is_refused(repo, work, given, reason):
    """The error says what is wrong with which path, and holds what was given."""
    thing = given(work)
    with pytest.raises(p.UnarchivableFileError, match=reason) as raised:
        p.archive_file(thing)
    assert thing is raised.value.value
    assert isinstance(raised.value, OSError)
    assert isinstance(pickle.loads(pickle.dumps(raised.value)), p.UnarchivableFileError)


def test_names_and_fields_are_checked(repo, written):
    """What cannot be recorded is a ConfigError that names the option."""
    with pytest.raises(p.ConfigError, match="option custom_fields"):
        p.archive_file(written(), custom_fields={"x": {1}})
    with pytest.raises(p.ConfigError, match="option name"):
        p.archive_file(written(), name=3)


MEASURED = """
import resource, sys
import provenance as p
from pathlib import Path
repo = p.SqliteRepo(db="r.db", store=p.DiskStore(cachedir="blobs"))
with p.using_repo(repo):
    small = p.archive_file("small"); str(small)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    file = p.archive_file("large", delete_original=True)
    assert 1 << 28 == Path(file).stat().st_size
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_cost__archiving_takes_constant_memory(work):
    """256 MiB are archived, verified, and copied out, in less than 24 MiB."""
    (work / "small").write_bytes(bytes(200_000))
    with (work / "large").open("wb") as file:
        file.truncate(1 << 28)
    run = subprocess.run(
        [sys.executable, "-c", MEASURED], cwd=work, capture_output=True, text=True, check=False
    )
    assert 0 == run.returncode, run.stderr
    factor = 1 if sys.platform == "darwin" else 1024
    assert 24 << 20 > int(run.stdout) * factor


def test_the_value_ids_of_files_and_folders_are_promised():
    """A change of these would make every stored use of a file a miss."""
    blob = p.Blob("00112233445566778899aabbccddeeff00112233", 5)
    hashes = {
        "e4c33f15d4789ba912a43ab84dd4930f09a7847e": p.ArchivedFile(blob),
        "0bef3da055288f76f020b5f3a70c9565c55608c7": p.ArchivedFile(blob, ".csv"),
        "543daf2dbadd54f01c398f262e1d46984a6ca091": p.ArchivedFolder(blob),
    }
    assert list(hashes) == list(map(p.hash, hashes.values()))


def test_extensions_have_one_canonical_spelling(repo, written):
    """`.JPEG`, `.jpeg` and `.jpg` are one extension, so that these files are one value."""
    files = [p.archive_file(written(name=name), preserve_ext=True) for name in ("a.JPEG", "b.jpg")]
    assert [".jpg", ".jpg"] == [file.extension for file in files]
    assert 1 == len({p.artifact_of(file).value_id for file in files})
    assert str(files[0]).endswith(".jpg")
    assert [".mpg", ".csv"] == [
        p.archive_file(written(name=name), preserve_ext=True).extension
        for name in ("film.MPEG", "table.CSV")
    ]
