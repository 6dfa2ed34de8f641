"""Files as inputs: what is in them counts, and not how they are called."""

import os
import pickle
import threading
from pathlib import Path

import pytest

import provenance as p


@p.provenance(files=["path"])
def read(path, times=1):
    """Return the text of a file."""
    return Path(path).read_text() * times


@p.provenance()
def measure(what):
    """Count the bytes of files."""
    return sum(len(Path(each).read_bytes()) for each in what)


def kinds(events):
    """Return the names of the events."""
    return [type(each).__name__ for each in events]


def test_an_edited_file_is_a_miss(repo, events):
    """What the function would read now decides, and the old content is still known."""
    Path("data.csv").write_text("a")
    assert "a" == read("data.csv")
    Path("data.csv").write_text("b")
    assert "b" == read("data.csv")
    Path("data.csv").write_text("a")
    assert "a" == read("data.csv")
    assert ["Miss", "Miss", "Hit"] == kinds(events)


def test_an_edit_of_one_size_within_one_tick_is_a_miss(repo):
    """Even if no time of the file shows it, as the clock of files is coarse."""
    for number in range(20):
        Path("data.csv").write_text(f"{number:02}")
        assert f"{number:02}" == read("data.csv")


def test_the_name_of_the_file_does_not_count(repo, events):
    """A copy, a path of another type and another way to it are one input."""
    Path("one").write_text("a")
    Path("two").write_text("a")
    Path("link").symlink_to("one")
    for path in ("one", Path("two"), str(Path("one").absolute()), b"one", "link", p.file("two")):
        assert "a" == read(path)
    assert ["Miss", *["Hit"] * 5] == kinds(events)


def test_the_path_is_recorded(repo):
    """A record says which file was read."""
    Path("one").write_text("a")
    artifact = p.artifact_of(read("one"))
    assert "one" == artifact.inputs.kargs["path"]
    assert {"path": "one", "times": 1} == repo.get_recorded_inputs(artifact)


def test_a_file_is_a_value_anywhere_in_arguments(repo, events):
    """`p.file` needs no option."""
    Path("one").write_text("abc")
    assert 6 == measure([p.file("one"), p.file("one")])
    Path("one").write_text("abcd")
    assert 8 == measure([p.file("one"), p.file(Path("one"))])
    assert ["Miss", "Miss"] == kinds(events)


def test_paths_inside_containers(repo, events):
    """A list or a dictionary of paths, and none at all, are fine."""

    @p.provenance(files=["paths", "more", "named"])
    def join(paths, *more, **named):
        every = [*(paths or ()), *more, *named.values()]
        return "".join(Path(path).read_text() for path in every)

    for name in "abcd":
        Path(name).write_text(name)
    assert "abcd" == join(["a", "b"], "c", last="d")
    assert "" == join(None)
    Path("d").write_text("e")
    assert "abce" == join(["a", "b"], "c", last="d")
    assert ["Miss"] * 3 == kinds(events)


def test_a_folder_counts_by_its_files(repo, events):
    """Its names, contents and executable flags."""

    @p.provenance(files=["folder"])
    def names(folder):
        return sorted(each.name for each in Path(folder).rglob("*"))

    Path("data/sub").mkdir(parents=True)
    Path("data/sub/a").write_text("1")
    assert ["a", "sub"] == names("data")
    Path("data/b").write_text("2")
    assert ["a", "b", "sub"] == names("data")
    Path("data").rename("moved")
    assert ["a", "b", "sub"] == names("moved")
    assert ["Miss", "Miss", "Hit"] == kinds(events)


def test_a_default_path_counts_by_its_content(repo):
    """A path that is left out is read like one that is passed."""

    @p.provenance(files=["path"])
    def load(path="settings"):
        return Path(path).read_text()

    Path("settings").write_text("a")
    assert "a" == load()
    Path("settings").write_text("b")
    assert "b" == load()


def test_archived_files_are_passed_as_they_are(repo):
    """They have a content already, and keep the lineage."""
    Path("one").write_text("a")
    archived = p.archive_file("one")
    result = read(archived)
    assert "a" == result
    assert {p.artifact_of(archived).id} == p.artifact_of(result).input_artifact_ids
    with pytest.raises(TypeError, match=r"needs no p.file, pass it as it is"):
        p.file(p.unwrap(archived))


def test_a_path_that_is_a_result_keeps_the_lineage(repo):
    """The file counts by its content, and the function that returned its path is a source."""

    @p.provenance()
    def write(text):
        Path("made").write_text(text)
        return "made"

    path = write("a")
    result = read(path)
    assert "a" == result
    assert {p.artifact_of(path).id} == p.artifact_of(result).input_artifact_ids


def test_a_function_that_changes_its_file_is_impure(repo):
    """What was recorded would be the result of another content."""

    @p.provenance(files=["path"])
    def append(path):
        with Path(path).open("a") as file:
            file.write("more")
        return 1

    @p.provenance(files=["path"])
    def remove(path):
        Path(path).unlink()
        return 1

    Path("one").write_text("a")
    with pytest.raises(p.ImpureFunctionError, match="path"):
        append("one")
    with pytest.raises(p.ImpureFunctionError, match="one"):
        remove("one")


def test_a_result_cannot_hold_a_file(repo):
    """What is in it later is not what it is now."""

    @p.provenance()
    def make():
        Path("out").write_text("a")
        return {"out": p.file("out")}

    with pytest.raises(p.UnserializableValueError, match="archive_file=True") as trouble:
        make()
    assert {"out": p.file("out")} == trouble.value.value


def test_a_missing_file_is_a_clear_error(repo, events):
    """It is a FileNotFoundError, before anything has run."""
    message = "cannot read 'none.csv', whose content is an input: the file does not exist"
    for path in ("none.csv", p.file("none.csv")):
        with pytest.raises(FileNotFoundError, match=message):
            read(path)
    assert [] == events


def test_what_is_no_file_is_a_clear_error(repo):
    """A pipe, a link out of a folder and a name with a NUL are refused."""
    os.mkfifo("pipe")
    with pytest.raises(p.UnreadableFileError, match="it is neither a file nor a folder"):
        read("pipe")
    Path("folder").mkdir()
    Path("folder/link").symlink_to("/")
    with pytest.raises(OSError, match="symbolic link"):
        read("folder")
    with pytest.raises(p.UnreadableFileError, match="null"):
        read("a\0b")
    with pytest.raises(TypeError, match="expected a path, got 3"):
        p.file(3)


def test_a_file_that_changes_while_it_is_hashed_is_a_clear_error(repo, monkeypatch):
    """After a few attempts, the call says so and has run nothing."""
    from provenance.effects.system import digests

    Path("one").write_text("a")
    whole = digests.read_through

    def growing(file):
        found = whole(file)
        with Path("one").open("a") as other:
            other.write("b")
        return found

    monkeypatch.setattr(digests, "read_through", growing)
    with pytest.raises(p.UnreadableFileError, match="it changes while it is read"):
        read("one")


def test_a_file_that_vanishes_while_it_is_hashed_is_a_clear_error(repo, monkeypatch):
    """It is missing then."""
    from provenance.effects.system import digests

    Path("one").write_text("a")
    whole = digests.read_through

    def removing(file):
        Path("one").unlink()
        return whole(file)

    monkeypatch.setattr(digests, "read_through", removing)
    with pytest.raises(p.MissingFileError):
        read("one")


def test_a_file_pickles_and_equals_another_of_its_path(repo):
    """Processes that compute get it as it is."""
    one = p.file("one")
    assert one == pickle.loads(pickle.dumps(one))
    assert ("one", "<provenance.InputFile 'one'>") == (os.fspath(one), repr(one))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"files": ["nothing"]}, "function has no parameter 'nothing'"),
        ({"files": "path"}, "must be a collection of strings"),
        ({"files": ["path"], "ignore": ["path"]}, "is in `ignore` as well"),
        ({"files": ["path"], "remove": ["path"]}, "is in `remove` as well"),
        ({"files": ["kept"]}, "is a captured variable"),
    ],
)
def test_a_wrong_option_is_refused(options, problem):
    """When the function is decorated."""
    kept = 1
    with pytest.raises(p.ConfigError, match=problem):
        p.provenance(**options)(lambda path: (path, kept))


def test_threads_share_the_digests(repo):
    """Many calls at once with one file agree."""
    Path("big").write_bytes(b"x" * 2_000_000)
    os.utime("big", (1_000_000_000, 1_000_000_000))
    ids = []
    threads = [
        threading.Thread(target=lambda: ids.append(read.artifact_id("big"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (8, 1) == (len(ids), len(set(ids)))
