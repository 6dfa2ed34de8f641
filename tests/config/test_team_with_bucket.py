"""A team with a bucket: one database, one object store, and a disk for each."""

import pytest

from processes import printed
from servers import moto_s3
from servers.postgres import server

CONFIG = """
blobstores:
  team:
    type: s3
    basepath: {bucket}
    cachedir: {member}
    delete: true
    storage_options:
      key: ${{S3_KEY}}
      secret: ${{S3_SECRET}}
      endpoint_url: {endpoint}
artifact_repos:
  shared: {{type: postgres, db: "${{TEAM_DB}}", store: team, delete: true, create_db: true}}
"""

PROGRAM = """
import sys
from pathlib import Path
import provenance as p

p.load_yaml_config(sys.argv[1])

@p.provenance(name="squares")
def squares(count):
    return [i * i for i in range(count)]

@p.provenance(name="total")
def total(values):
    return sum(values)

result = total(squares(30_000))
values = p.unwrap(squares(30_000))
stats = p.stats()
print(p.artifact_of(result).id, int(result), len(values), stats.misses, stats.hits)
"""


def files(folder):
    """All blobs below a folder, by path, with their bytes."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.fixture
def member(tmp_path):
    """Runs the program as a member of the team, with a disk of his own; what it prints."""
    options = moto_s3.storage_options()
    secrets = {
        "S3_KEY": options["key"],
        "S3_SECRET": options["secret"],
        "TEAM_DB": server(18).database_for(tmp_path),
    }

    def run(name):
        place = {
            "bucket": f"{moto_s3.BUCKET}/{tmp_path.name}",
            "endpoint": options["endpoint_url"],
            "member": name,
        }
        (tmp_path / f"{name}.yaml").write_text(CONFIG.format(**place))
        return printed(PROGRAM, f"{name}.yaml", **secrets).split()

    return run


def test_what_one_member_computes_is_a_hit_for_the_other(member, tmp_path):
    """Two processes with disks of their own: the second computes nothing, and has the same bytes on its disk when it read them."""
    one, two = member("ada"), member("bob")
    total = str(sum(i * i for i in range(30_000)))
    assert [total, "30000", "2", "1"] == one[1:]
    assert [total, "30000", "0", "3"] == two[1:]
    assert one[0] == two[0]
    assert 1 == len(files(tmp_path / "ada"))
    assert files(tmp_path / "ada") == files(tmp_path / "bob")
