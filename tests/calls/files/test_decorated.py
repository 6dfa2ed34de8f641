"""`archive_file=True`: what a function wrote into a file is stored as that."""

import asyncio
import os
from pathlib import Path

import pytest
from attrs import evolve

import provenance as p
from later import in_a_day
from provenance.effect import Interpreter
from provenance.events import Hit, Miss, Recovered
from provenance.ports.blobs import WriteBlob
from provenance.ports.records import PutRecord

LARGE = os.urandom(300_000)


@pytest.fixture
def maker(work):
    """A function that writes its argument into a file and returns the path, decorated with options."""

    def make(**options):
        def render(data, name="out.txt"):
            path = work / name
            path.write_bytes(data)
            return path

        return p.provenance(name="render", archive_file=True, remove=["work"], **options)(render)

    return make


def test_a_call_is_computed_once(repo, maker, work):
    """The result is the archived file, on a miss and on a hit, and the record says how it is stored."""
    told = []
    with p.subscribe(told.append):
        first, second = maker()(LARGE), maker()(LARGE)
    assert [Miss, Hit] == [type(each) for each in told]
    assert LARGE == first.read_bytes() == second.read_bytes() == Path(second).read_bytes()
    assert isinstance(p.unwrap(second), p.ArchivedFile)
    assert ("file", "out.txt") == (p.artifact_of(second).serializer, second.name)
    assert (work / "out.txt").exists()
    assert str(work) not in str(first)


@pytest.mark.parametrize("form", [str, Path, os.path.relpath])
def test_a_path_may_be_text(repo, work, form):
    """A str, a Path, and a path relative to the working directory will do."""
    (work / "a.txt").write_bytes(b"a")
    returned = form(work / "a.txt")
    assert b"a" == p.provenance(name="f", archive_file=True)(lambda: returned)().read_bytes()


def test_the_extension_is_preserved_if_asked(repo, maker):
    """Extension and value go together as for `archive_file`."""
    plain, preserved = maker()(b"x"), maker(preserve_file_ext=True, version=1)(b"x")
    assert ("", ".txt") == (Path(plain).suffix, Path(preserved).suffix)
    assert p.artifact_of(plain).value_id != p.artifact_of(preserved).value_id == p.hash(preserved)


def test_the_original_is_deleted_if_asked(repo, maker, work):
    """Only after it was stored; what is left is the artifact."""
    result = maker(delete_original_file=True)(LARGE)
    assert [] == list(work.iterdir())
    assert LARGE == result.read_bytes()


FULL = p.StoreUnavailableError("disk", "no space left on device", "free some space")


@pytest.mark.parametrize("kind", [WriteBlob, PutRecord])
def test_lost_work__a_store_that_refuses_leaves_the_original(repo, maker, work, kind):
    """A crash between writing and deleting never loses the file; the error holds it."""

    def fail(_):
        raise FULL

    f = maker(delete_original_file=True)
    broken = evolve(repo, interpreter=repo.interpreter | Interpreter({kind: fail}))
    with p.using_repo(broken), pytest.raises(p.StoreUnavailableError) as raised:
        f(LARGE)
    assert LARGE == (work / "out.txt").read_bytes() == raised.value.value.read_bytes()
    assert not f.is_cached(LARGE)


def test_wrong_value__two_files_of_one_function_are_two(repo, work):
    """Calls with other arguments write other files under one path, and each gets its own back."""

    @p.provenance(archive_file=True, delete_original_file=True)
    def render(number):
        Path("same.txt").write_text(str(number))
        return "same.txt"

    files = [render(number) for number in range(3)]
    assert ["0", "1", "2"] == [each.read_text() for each in files]
    assert 3 == len({p.artifact_of(each).value_id for each in files})
    assert ["0", "1", "2"] == [render(number).read_text() for number in range(3)]


def test_equal_bytes_are_stored_once(disk, maker, tmp_path):
    """Two artifacts of one content share a blob, and deleting one keeps it for the other."""
    f = maker()
    one, other = f.artifact(LARGE, "a.txt"), f.artifact(LARGE, "b.txt")
    assert one.value_blob == other.value_blob
    in_a_day(disk).delete(one.id)
    assert LARGE == other.value.read_bytes()
    in_a_day(disk).delete(other.id)
    with pytest.raises(p.BlobNotFoundError):
        other.value.read_bytes()


def test_a_lost_file_is_computed_anew(disk, maker, tmp_path):
    """A blob that is gone is healed when the file is used."""
    f = maker(delete_original_file=True)
    f(LARGE)
    for each in (tmp_path / "store" / "blobs").rglob("??/*"):
        each.unlink()
    told = []
    with p.subscribe(told.append):
        assert LARGE == f(LARGE).read_bytes()
    assert [Hit, Recovered] == [type(each) for each in told]


def test_recompute_replaces(repo, maker, work):
    """`recompute` and `use_cache=False` archive what the function writes now."""
    content = [b"one"]

    @p.provenance(archive_file=True, remove=["content", "work"])
    def render():
        (work / "x").write_bytes(content[0])
        return work / "x"

    render()
    content[0] = b"two"
    assert b"one" == render().read_bytes()
    assert (
        b"two"
        == render.with_options(
            archive_file=True, remove=["content", "work"], use_cache=False
        )().read_bytes()
    )
    assert b"two" == render.recompute().read_bytes() == render().read_bytes()


def test_async_functions_return_files_too(repo, work):
    """Awaited like any other; the original goes if asked."""

    @p.provenance(
        archive_file=True, delete_original_file=True, preserve_file_ext=True, remove=["work"]
    )
    async def render(data):
        await asyncio.sleep(0)
        (work / "a.bin").write_bytes(data)
        return str(work / "a.bin")

    async def twice():
        return await render(LARGE), await render(LARGE)

    first, second = asyncio.run(twice())
    assert LARGE == first.read_bytes() == Path(second).read_bytes()
    assert [] == list(work.iterdir())


def test_read_only_gives_the_original(repo, maker, work):
    """Nothing is stored, and nothing deleted."""
    f = maker(read_only=True, delete_original_file=True)
    result = f(b"x")
    assert (str(work / "out.txt"), b"x") == (str(result), result.read_bytes())
    assert not f.is_cached(b"x")


def test_a_file_that_was_given_may_be_returned(repo, written):
    """An input that is passed on is archived as what it is, and never deleted."""
    same = p.provenance(name="same", archive_file=True, delete_original_file=True)(
        lambda file: file
    )
    source = p.archive_file(written())
    assert (
        b"a,b\n1,2\n"
        == same(source).read_bytes()
        == same(source).read_bytes()
        == source.read_bytes()
    )
    assert p.artifact_of(source).value_id == p.artifact_of(same(source)).value_id


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        ("missing.txt", "No such file"),
        (None, "expected a path"),
        ([1], "expected a path"),
        (b"x", "expected a path"),
        ("", "expected a path"),
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_what_is_no_file_is_refused(repo, returned, reason, is_async):
    """The error names the function and holds what it returned; nothing is recorded."""

    def render():
        return returned

    async def render_later():
        return returned

    f = p.provenance(name="f", archive_file=True)(render_later if is_async else render)
    with pytest.raises(p.UnarchivableFileError, match=f"render.*{reason}") as raised:
        asyncio.run(_awaited(f)) if is_async else f()
    assert returned is raised.value.value
    assert not f.is_cached()


async def _awaited(f):
    return await f()


def test_an_exception_reaches_the_caller(repo):
    """Untouched; nothing is archived."""

    @p.provenance(archive_file=True)
    def fail():
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        fail()


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"archive_file": True, "serializer": "joblib"}, "serializer"),
        ({"archive_file": True, "load_kwargs": {"x": 1}}, "load_kwargs"),
        ({"archive_file": True, "dump_kwargs": {"x": 1}}, "dump_kwargs"),
        ({"delete_original_file": True}, "delete_original_file"),
        ({"preserve_file_ext": True}, "preserve_file_ext"),
        ({"archive_file": False, "preserve_file_ext": True}, "preserve_file_ext"),
        ({"archive_file": "yes"}, "archive_file"),
        ({"archive_file": True, "delete_original_file": 1}, "delete_original_file"),
    ],
)
def test_options_that_cannot_work_are_refused_at_decoration(options, option):
    """A ConfigError names the option, and says what to do."""
    with pytest.raises(p.ConfigError, match=f"option {option}: .*; "):
        p.provenance(**options)(lambda: "x")


def test_the_options_may_say_no(repo):
    """All three may be False, which is as if they were left out."""
    f = p.provenance(
        name="f", archive_file=False, delete_original_file=False, preserve_file_ext=False
    )(lambda: "x")
    assert "x" == f()


def test_files_in_structures_keep_their_lineage(repo, written):
    """A list of archived files is a value like another, and each file in it an input."""
    sources = [p.archive_file(written(data, name)) for data, name in ((b"a", "a"), (b"b", "b"))]
    joined = p.provenance(name="join")(
        lambda files: b"".join(each.read_bytes() for each in files)
    ).artifact(sources)
    assert b"ab" == joined.value
    assert {p.artifact_of(each).id for each in sources} == joined.input_artifact_ids
    kept = p.provenance(name="keep")(lambda files: files).artifact(sources)
    assert [b"a", b"b"] == [each.read_bytes() for each in kept.value]


def test_a_serializer_of_paths_does_not_take_files(repo, written):
    """Whatever a user registers for paths, archived files are stored as their bytes."""
    p.register_serializer(
        "paths", lambda value, sink: sink.write(b"path"), lambda source: source.read(), os.PathLike
    )
    file = p.archive_file(written())
    assert ("file", b"a,b\n1,2\n") == (p.artifact_of(file).serializer, file.read_bytes())


def test_the_serializer_writes_nothing_else(repo):
    """Who names it without `archive_file` is told how to archive."""
    with pytest.raises(p.UnserializableValueError, match="archive_file=True"):
        p.provenance(name="f", serializer="file")(lambda: "path")()
