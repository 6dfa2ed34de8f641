"""The guide on a team's store shows what happens: `docs/guides/team.md`, against PostgreSQL and S3."""

import re

import pytest

import provenance as p
from architecture.consoles import assert_prints, environment
from architecture.source import ROOT
from provenance.testing import in_memory
from servers import moto_s3
from servers.postgres import server

PAGE = (ROOT / "docs" / "guides" / "team.md").read_text("utf-8")
FILE = re.compile(r'^```\w+ title="([\w.]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(\w+)\$ (.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", [name for name, _ in FILE.findall(PAGE) if name.endswith(".yaml")])
def test_its_files_are_configurations(name, tmp_path, monkeypatch):
    """Each YAML file of the page has no mistake that is found before a store is opened."""
    for secret in ("S3_KEY", "S3_SECRET", "TEAM_DB"):
        monkeypatch.setenv(secret, "postgresql://ada@127.0.0.1:1/results")
    (tmp_path / name).write_text(dict(FILE.findall(PAGE))[name])
    with in_memory():
        p.load_yaml_config(tmp_path / name)


@pytest.mark.long
def test_the_guide_shows_what_happens(tmp_path):
    """Each file is saved, then each member's command prints what the page shows, with a disk for each."""
    for name, text in FILE.findall(PAGE):
        (tmp_path / name).write_text(text)
    options = moto_s3.storage_options()
    moto_s3.make_bucket(options["endpoint_url"], "our-bucket", moto_s3.OPTIONS)
    shared = {
        **environment(tmp_path),
        "S3_KEY": options["key"],
        "S3_SECRET": options["secret"],
        "AWS_ENDPOINT_URL": options["endpoint_url"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "TEAM_DB": server(18).database_for(tmp_path),
        "PROVENANCE_CONFIG": "team.yaml",
    }
    commands = CONSOLE.findall(PAGE)
    assert {"ada", "bob", "eve"} == {member for member, _, _ in commands}
    for member, command, shown in commands:
        (tmp_path / member).mkdir(exist_ok=True)
        assert_prints(command, shown, tmp_path, {**shared, "HOME": str(tmp_path / member)})
