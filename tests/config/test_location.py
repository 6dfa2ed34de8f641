"""Where results are stored, and who said so."""

from pathlib import Path

import pytest

import provenance as p
from processes import printed

SHOW = "import provenance as p; place = p.location(); print(*map(str, (place.repo, place.records, place.values, place.config)), sep='\\n')"


def test_the_default_is_in_the_project(tmp_path, monkeypatch):
    """Records and values are below `.provenance` of the project's folder."""
    project = tmp_path / "project"
    (project / "deep" / "er").mkdir(parents=True)
    (project / "pyproject.toml").touch()
    monkeypatch.chdir(project / "deep" / "er")
    monkeypatch.delenv("PROVENANCE_CONFIG", raising=False)
    home = project / ".provenance"
    expected = ["local", str(home / "provenance.db"), str(home / "blobs"), "default"]
    assert expected == printed(SHOW).splitlines()
    assert not home.exists()


def test_the_source_of_the_configuration_is_named(tmp_path, monkeypatch):
    """A table of the project, a file that a variable names, or the variable itself."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROVENANCE_CONFIG", raising=False)
    table = '[tool.provenance]\ndefault_repo = "a"\n[tool.provenance.artifact_repos.a]\ntype = "memory"\n'
    (tmp_path / "pyproject.toml").write_text(table)
    found = ["a", "memory", "memory"]
    assert [*found, str(tmp_path / "pyproject.toml")] == printed(SHOW).splitlines()
    (tmp_path / "store.yaml").write_text("{default_repo: a, artifact_repos: {a: {type: memory}}}")
    from_file = printed(SHOW, PROVENANCE_CONFIG="store.yaml").splitlines()
    assert [*found, str(tmp_path / "store.yaml")] == from_file
    text = '{"default_repo": "a", "artifact_repos": {"a": {"type": "memory"}}}'
    from_text = printed(SHOW, PROVENANCE_CONFIG=text).splitlines()
    assert [*found, "environment variable PROVENANCE_CONFIG"] == from_text
    loading = SHOW.replace(";", f"; p.load_config({text});", 1)
    assert [*found, "load_config"] == printed(loading).splitlines()
    loading = SHOW.replace(";", "; p.load_yaml_config('store.yaml');", 1)
    assert [*found, str(tmp_path / "store.yaml")] == printed(loading).splitlines()


@pytest.mark.parametrize(
    ("make", "records", "values"),
    [
        (lambda at: p.MemoryRepo(), "memory", "memory"),
        (lambda at: p.SqliteRepo(db=at / "a.db"), "{at}/a.db", "{at}/a.db"),
        (
            lambda at: p.SqliteRepo(db=at / "a.db", store=p.DiskStore(cachedir=at / "b")),
            "{at}/a.db",
            "{at}/b",
        ),
        (
            lambda at: p.SqliteRepo(db=at / "a.db", store=p.S3Store(bucket="team", basepath="x")),
            "{at}/a.db",
            "s3://team/x",
        ),
        (
            lambda at: p.SqliteRepo(
                db=at / "a.db", store=p.FsspecStore(url="ftp://me:secret@host/x")
            ),
            "{at}/a.db",
            "ftp://host/x",
        ),
        (
            lambda at: p.SqliteRepo(
                db=at / "a.db", store=p.SFTPStore(host="far", basepath="x", username="me")
            ),
            "{at}/a.db",
            "sftp://far/x",
        ),
        (
            lambda at: p.PostgresRepo(db="postgresql://me:secret@host/results"),
            "postgresql://***@host/results",
            "postgresql://***@host/results",
        ),
        (
            lambda at: p.ChainedRepo(stores=[p.MemoryRepo("near"), p.SqliteRepo(db=at / "a.db")]),
            "memory, then {at}/a.db",
            "memory, then {at}/a.db",
        ),
    ],
)
def test_every_kind_of_store_has_a_location(tmp_path: Path, make, records, values):
    """Paths are absolute, and URLs come without credentials."""
    place = p.location(make(tmp_path))
    assert (records.format(at=tmp_path), values.format(at=tmp_path)) == (
        place.records,
        place.values,
    )
    assert "secret" not in repr(place)


def test_configured_repositories_are_located_unopened(tmp_path):
    """Chains name all their tiers, and nothing is created."""
    config = {
        "blobstores": {
            "near": {"type": "disk", "cachedir": "near"},
            "far": {"type": "s3", "bucket": "team", "basepath": "x"},
            "both": {"type": "chained", "stores": ["near", "far"]},
        },
        "artifact_repos": {
            "mine": {"type": "sqlite", "db": "mine.db", "store": "both"},
            "ours": {"type": "postgres", "db": "postgresql://me:secret@host/results"},
            "all": {"type": "chained", "stores": ["mine", "ours"]},
        },
    }
    with p.environment.using_environment(p.from_config(config, tmp_path)):
        place = p.location("all")
        assert "all" == place.repo
        assert f"{tmp_path}/mine.db, then postgresql://***@host/results" == place.records
        values = f"{tmp_path}/near, then s3://team/x, then postgresql://***@host/results"
        assert values == place.values
        with pytest.raises(p.ConfigError, match="unknown repository 'other'"):
            p.location("other")
    assert [] == list(tmp_path.iterdir())
