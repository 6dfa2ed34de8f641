"""A wrong argument is named by the error: it is no damage of a store, and no bare error of Python."""

import pytest

import provenance as p


def nested(make):
    """A value of 100,000 levels."""
    value = make(None)
    for _ in range(100_000):
        value = make(value)
    return value


DEEP = {"mappings": nested(lambda x: {"a": x}), "lists": {"a": nested(lambda x: [x])}}
deep = pytest.mark.parametrize("value", DEEP.values(), ids=DEEP)


@pytest.fixture(autouse=True)
def _repository():
    """A repository on disk with one artifact."""
    with p.using_repo(p.SqliteRepo(db="records.db")):
        p.provenance(name="one", custom_fields={"a": 1})(lambda: 1)()
        yield


@pytest.mark.parametrize(
    "name", ["a" * 1_000_000, "*a" * 30_000, "[a]" * 100_000, "a\0", "é" * 49_999]
)
def test_a_search_for_a_long_name_finds_nothing(name):
    """A pattern that the database does not take is compared here."""
    assert [] == list(p.search(name))


def test_a_long_name_is_found():
    """Also by a long pattern."""
    name = "n" * 100_000
    made = p.artifact_of(p.provenance(name=name)(lambda: 2)())
    assert [made.id] == [artifact.id for artifact in p.search(name)]
    assert [made.id] == [artifact.id for artifact in p.search(f"{name[:-1]}?")]


@pytest.mark.parametrize("path", ["a\0b", "a\ud800b"], ids=ascii)
@pytest.mark.parametrize(
    "configure",
    [
        lambda path: p.SqliteRepo(db=path),
        lambda path: p.DiskStore(cachedir=path),
        lambda path: p.FsspecStore(url="memory://x", cachedir=path),
        lambda path: p.from_config({"artifact_repos": {"a": {"type": "sqlite", "db": path}}}),
        lambda path: p.from_config({"blobstores": {"a": {"type": "disk", "cachedir": path}}}),
    ],
    ids=["db", "cachedir", "cachedir of a far store", "configured db", "configured cachedir"],
)
def test_a_path_that_no_file_can_have_is_an_error_of_the_configuration(configure, path):
    """It comes when the store is configured, and can be printed."""
    with pytest.raises(p.ConfigError, match="path") as caught:
        configure(path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("path", ["a\0b", "a\ud800b"], ids=ascii)
def test_a_path_that_no_file_can_have_is_not_archived(path):
    """The same of a file that is to be archived."""
    with pytest.raises(p.UnarchivableFileError):
        p.archive_file(path, "file")
    with pytest.raises(p.UnarchivableFileError) as caught:
        p.provenance(name=f"file{len(path)}", archive_file=True)(lambda: path)()
    assert caught.value.value == path


@deep
def test_a_deep_custom_field_is_an_error_of_the_option(value):
    """It comes where the function is decorated."""
    with pytest.raises(p.ConfigError, match=r"custom_fields.*deep"):
        p.provenance(name="deep", custom_fields=value)(lambda: 1)


@deep
def test_a_search_for_a_deep_field_finds_nothing(value):
    """Nothing that is stored can be equal to it."""
    assert [] == list(p.search(custom_fields=value))


@deep
def test_deep_labels_are_an_error_of_the_labels(value):
    """Of a set that is made, and of one that is looked up."""
    for use in (lambda: p.create_set([], value), lambda: p.load_set_by_labels(value)):
        with pytest.raises(p.ConfigError, match=r"labels.*deep"):
            use()


@pytest.mark.parametrize(
    "artifact_id",
    ["\0" * 40, "a" * 1_000_000, "\ud800" * 40, "1\n2"],
    ids=["NUL", "long", "surrogates", "a line"],
)
def test_an_id_that_none_can_be_is_not_found(artifact_id):
    """The error says so in one line."""
    with pytest.raises(p.ArtifactNotFoundError) as caught:
        p.load_artifact(artifact_id)
    assert str(caught.value).isprintable()
