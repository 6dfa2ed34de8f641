"""Of a link, only the link is deleted: `delete_original` removes what was archived, and nothing that a link leads to."""

import os
from pathlib import Path

import pytest

import provenance as p


@pytest.fixture(autouse=True)
def _repository():
    """What is archived goes into memory."""
    with p.using_repo(p.MemoryRepo()):
        yield


def archive(path):
    """Archive by the function."""
    return p.archive_file(path, "data", delete_original=True)


def return_path(path):
    """Archive what a decorated function returns."""
    return p.provenance(name="made", archive_file=True, delete_original_file=True)(
        lambda: str(path)
    )()


WAYS = pytest.mark.parametrize("delete", [archive, return_path])


def folder(path):
    """A folder with a file, and a folder with another one in it."""
    (path / "inner").mkdir(parents=True)
    (path / "a.txt").write_text("a")
    (path / "inner" / "b.txt").write_text("b")
    return path


def texts(path):
    """The files below *path* and what is in them."""
    return {
        str(file.relative_to(path)): file.read_text()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


WHOLE = {"a.txt": "a", "inner/b.txt": "b"}


@WAYS
@pytest.mark.parametrize("end", ["", "/", "/.", "/inner/.."])
def test_a_link_to_a_folder(delete, end, tmp_path):
    """The link goes, the folder and its files stay; the archive is whole."""
    target, link = folder(tmp_path / "target"), tmp_path / "link"
    link.symlink_to(target)
    archived = delete(f"{link}{end}")
    assert not link.is_symlink()
    assert WHOLE == texts(target) == texts(Path(os.fspath(archived)))


@WAYS
def test_a_link_to_a_link(delete, tmp_path):
    """Only the first one goes."""
    target, first, second = folder(tmp_path / "target"), tmp_path / "first", tmp_path / "second"
    second.symlink_to(target)
    first.symlink_to(second)
    delete(first)
    assert not first.is_symlink()
    assert WHOLE == texts(second) == texts(target)


@WAYS
def test_a_link_to_a_file(delete, tmp_path):
    """The link goes, the file stays."""
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("text")
    link.symlink_to(target)
    archived = delete(link)
    assert not link.is_symlink()
    assert "text" == target.read_text() == Path(os.fspath(archived)).read_text()


@WAYS
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_reached_through_a_link_is_no_link(delete, kind, tmp_path):
    """A folder above may be one: it stays, with all that was not archived."""
    real = tmp_path / "real"
    folder(real / "data")
    (real / "other.txt").write_text("other")
    (tmp_path / "link").symlink_to(real)
    delete(tmp_path / "link" / "data" / ("a.txt" if kind == "file" else ""))
    left = {"other.txt": "other"} | ({"data/inner/b.txt": "b"} if kind == "file" else {})
    assert left == texts(real)
    assert (tmp_path / "link").is_symlink()


@WAYS
def test_a_link_in_a_folder_is_not_archived(delete, tmp_path):
    """It is refused where it is found, and nothing is deleted."""
    target, data = folder(tmp_path / "target"), folder(tmp_path / "data")
    (data / "link").symlink_to(target)
    with pytest.raises(p.UnarchivableFileError, match="link"):
        delete(data)
    assert WHOLE == texts(target)
    assert WHOLE == {
        name: text for name, text in texts(data).items() if not name.startswith("link")
    }


def replaced_when_stored(monkeypatch, replace):
    """Let *replace* run between the reading of a file and its deletion."""
    from provenance.effects.system.files import LocalFiles

    delete = LocalFiles.delete_source

    def replacing(self, original):
        monkeypatch.setattr(LocalFiles, "delete_source", delete)
        replace()
        return delete(self, original)

    monkeypatch.setattr(LocalFiles, "delete_source", replacing)


@WAYS
@pytest.mark.parametrize("path", ["data", "data/inner", "data/a.txt"])
def test_a_link_made_in_place_of_what_was_archived(delete, path, monkeypatch, tmp_path, caplog):
    """What was archived was moved, and a link leads to it: the link and what it leads to stay, with a warning."""
    data, moved = folder(tmp_path / "data"), tmp_path / "moved"

    def replace():
        (tmp_path / path).rename(moved)
        (tmp_path / path).symlink_to(moved)

    replaced_when_stored(monkeypatch, replace)
    delete(data)
    assert (tmp_path / path).is_symlink()
    assert {"data": WHOLE, "data/inner": {"b.txt": "b"}}.get(path, {}) == texts(moved)
    assert "a" == (moved.read_text() if path == "data/a.txt" else "a")
    assert "not deleted" in caplog.text


@WAYS
@pytest.mark.parametrize("path", ["data", "data/inner", "data/a.txt"])
def test_a_dangling_link_made_in_place_of_what_was_archived(
    delete, path, monkeypatch, tmp_path, caplog
):
    """It is not what was archived, and stays."""
    data = folder(tmp_path / "data")

    def replace():
        (tmp_path / path).rename(tmp_path / "moved")
        (tmp_path / path).symlink_to(tmp_path / "nowhere")

    replaced_when_stored(monkeypatch, replace)
    delete(data)
    assert (tmp_path / path).is_symlink()
    assert "not deleted" in caplog.text


@WAYS
def test_a_link_that_leads_somewhere_else_by_now(delete, monkeypatch, tmp_path, caplog):
    """It is another link than was archived, and stays."""
    target, other, link = folder(tmp_path / "target"), folder(tmp_path / "other"), tmp_path / "link"
    link.symlink_to(target)

    def replace():
        link.unlink()
        link.symlink_to(other)

    replaced_when_stored(monkeypatch, replace)
    delete(link)
    assert link.is_symlink()
    assert WHOLE == texts(target) == texts(other)
    assert "not deleted" in caplog.text


@WAYS
@pytest.mark.parametrize("mounted", ["data", "data/inner"])
def test_what_is_mounted_stays(delete, mounted, monkeypatch, tmp_path, caplog):
    """A mount leads to files of another place, as a link does: they stay, with a warning."""
    data = folder(tmp_path / "data")
    monkeypatch.setattr(os.path, "ismount", lambda path: os.fspath(path) == str(tmp_path / mounted))
    delete(data)
    assert texts(tmp_path / mounted) == (WHOLE if mounted == "data" else {"b.txt": "b"})
    assert "not deleted" in caplog.text


@WAYS
def test_a_folder_that_is_none_of_these(delete, tmp_path):
    """It goes as a whole."""
    data = folder(tmp_path / "data")
    delete(data)
    assert not data.exists()


@pytest.fixture(name="around")
def _around(tmp_path):
    """Two files of one name, one beside a link and one beside what it leads to."""
    (tmp_path / "far" / "inner").mkdir(parents=True)
    (tmp_path / "far" / "x.txt").write_text("beside the target")
    (tmp_path / "x.txt").write_text("beside the link")
    (tmp_path / "link").symlink_to(tmp_path / "far" / "inner")
    return tmp_path


@WAYS
@pytest.mark.parametrize("way", ["link/../x.txt", "./link/.././x.txt", "far/../link/../x.txt"])
def test_the_parent_of_a_link_is_that_of_its_target(delete, way, around):
    """What is archived and deleted is the file that `open` reads."""
    assert "beside the target" == (around / way).read_text()
    archived = delete(f"{around}/{way}")
    assert "beside the target" == Path(os.fspath(archived)).read_text()
    assert not (around / "far" / "x.txt").exists()
    assert "beside the link" == (around / "x.txt").read_text()


def test_a_store_is_where_the_system_would_put_it(around, monkeypatch):
    """The same of a database and of a folder of blobs, relative to the working directory, too."""
    monkeypatch.chdir(around)
    store = p.DiskStore(cachedir="link/../blobs")
    with p.using_repo(p.SqliteRepo(db="link/../records.db", store=store, inline_limit=0)):
        p.provenance(name="stored")(lambda: 1)()
    assert (around / "far" / "records.db").is_file()
    assert (around / "far" / "blobs").is_dir()
    assert not (around / "records.db").exists()
