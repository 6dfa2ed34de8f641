"""Configurations in the spelling of the earlier `provenance` library: taken, or refused with what to write."""

import sqlite3

import pytest

import provenance as p

MEMORY = {
    "blobstores": {"files": {"type": "memory"}},
    "artifact_repos": {"local": {"type": "memory"}},
}


def configured(**stores):
    """The settings of these stores."""
    return p.from_config({**MEMORY, "blobstores": stores}).config.blobstores


def test_options_of_remote_stores_are_taken():
    """`s3_config` and `project` are options of the file system; what is spelt in both ways is as here."""
    stores = configured(
        s3={"type": "s3", "basepath": "b/x", "s3_config": {"key": "k", "anon": True}},
        both={
            "type": "s3",
            "basepath": "b/x",
            "s3_config": {"key": "k"},
            "storage_options": {"key": "new"},
        },
        gs={"type": "gs", "basepath": "b/x", "project": "team"},
        nothing={"type": "s3", "basepath": "b/x", "s3_config": None},
    )
    assert [{"key": "k", "anon": True}, {"key": "new"}, {"project": "team"}, {}] == [
        dict(stores[name].storage_options) for name in ("s3", "both", "gs", "nothing")
    ]


def test_a_chain_of_repos_is_taken():
    """`repos` of a chain are its `stores`."""
    repos = {name: {"type": "memory"} for name in ("near", "far")}
    repos["both"] = {"type": "chained", "repos": ["near", "far"]}
    config = p.from_config({"artifact_repos": repos, "default_repo": "both"}).config
    assert ("near", "far") == config.artifact_repos["both"].stores


def test_other_spellings_say_what_to_write():
    """An error names the new place of each option."""
    login = {"hostname": "h", "username": "u", "key_filename": "~/.ssh/id"}
    with pytest.raises(
        p.ConfigError, match=r"ssh_config: .*write host, storage_options.key_filename, username"
    ):
        configured(far={"type": "sftp", "basepath": "x", "ssh_config": login})
    with pytest.raises(p.ConfigError, match=r"silence_warnings: .*getLogger\('provenance'\)"):
        p.from_config({**MEMORY, "silence_warnings": True})
    with pytest.raises(p.ConfigError, match="s3_config: must be a mapping"):
        configured(s3={"type": "s3", "basepath": "b/x", "s3_config": "k"})


@pytest.mark.parametrize(
    "settings",
    [
        {"type": "memory"},
        {"type": "sqlite", "db": "a.db"},
        {"type": "postgres", "db": "postgresql://h/d"},
    ],
    ids=lambda settings: settings["type"],
)
def test_a_configured_repository_may_delete(settings):
    """Unless it is told otherwise; a blob store may not, unless it is told to."""
    repos = {"mine": settings, "fixed": {**settings, "delete": False}}
    config = p.from_config({**MEMORY, "artifact_repos": repos, "default_repo": "mine"}).config
    assert (True, False) == tuple(config.artifact_repos[name].delete for name in ("mine", "fixed"))
    assert not config.blobstores["files"].delete
    assert getattr(config.artifact_repos["mine"], "create_schema", True)


def test_a_file_with_tables_of_another_library_is_named(tmp_path):
    """Nothing is added to it; the error says how to bring over what it holds."""
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE artifacts (id TEXT PRIMARY KEY)")
    repo = p.SqliteRepo(db=file)
    with pytest.raises(p.StoreUnavailableError, match=r"earlier .*provenance import --from-legacy"):
        "123456" in repo  # noqa: B015 - it opens the database
    with sqlite3.connect(file) as connection:
        assert [("artifacts",)] == connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
