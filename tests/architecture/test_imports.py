"""Who imports whom, and what `import provenance` costs."""

import json
import subprocess
import sys
from pathlib import Path

import provenance
from architecture.source import ROOT

HEAVY = {
    "_hashlib",
    "adlfs",
    "alembic",
    "asyncio",
    "blake3",
    "cattrs",
    "cloudpickle",
    "difflib",
    "fsspec",
    "gcsfs",
    "hmac",
    "importlib.metadata",
    "joblib",
    "msgspec",
    "numpy",
    "pandas",
    "polars",
    "psycopg",
    "pyarrow",
    "returns",
    "s3fs",
    "scipy",
    "sqlalchemy",
    "sqlalchemy.orm",
    "sqlite3",
    "sshfs",
    "torch",
    "wrapt",
    "yaml",
}
RARE = {
    "_hashlib",
    "alembic",
    "fsspec",
    "hmac",
    "joblib",
    "numpy",
    "pandas",
    "provenance.config.remote",
    "provenance.maintenance.eviction",
    "provenance.hashing.explain",
    "provenance.maintenance.reports",
    "provenance.functional",
    "provenance.catalog.find",
    "provenance.maintenance.garbage",
    "provenance.maintenance.verification",
    "provenance.vis",
    "psycopg",
    "returns",
    "sqlalchemy",
    "yaml",
}
"""What a call in the default repository does without."""

WHAT_IS_LOADED = """
import json, os, sys
before = set(sys.modules)
os.environ.pop("PROVENANCE_CONFIG", None)
import provenance
{then}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
A_MISS_AND_A_HIT = """
import tempfile
with tempfile.TemporaryDirectory() as home:
    os.chdir(home)
    add = provenance.provenance()(lambda a, b: a + b)
    assert [3, 3] == [add(1, 2), add(1, 2)]
    assert 1 == provenance.stats().hits
    os.chdir("/")
"""


def loaded(then: str = "") -> set[str]:
    """The modules that a fresh process has after `import provenance` and what it does *then*."""
    code = [sys.executable, "-c", WHAT_IS_LOADED.format(then=then)]
    fresh = subprocess.run(code, cwd=ROOT / "src", capture_output=True, text=True, check=True)
    return set(json.loads(fresh.stdout))


def test_the_import_contracts_hold():
    """`lint-imports` finds every contract of `.importlinter` kept."""
    lint = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    result = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == result.returncode, result.stdout + result.stderr


def test_heavy_libraries_load_when_first_needed():
    """`import provenance` in a fresh process loads none of them."""
    modules = loaded()
    assert "provenance" in modules
    assert [] == sorted(HEAVY & modules)


def test_what_functions_can_be_decorated_without_loads_when_first_needed():
    """`import provenance` loads no interpreter, no configuration, nothing that takes care of stores, and no picture."""
    later = {
        "backends",
        "databases",
        "effects",
        "places",
        "seals",
        "tending",
        "vis",
        *provenance._LATER,
    }
    assert [] == sorted({f"provenance.{each}" for each in later} & loaded())


def test_a_call_loads_only_what_the_default_repository_needs():
    """After a miss and a hit, what is for other stores, for care and for curiosity is still not loaded."""
    modules = loaded(A_MISS_AND_A_HIT)
    assert {"provenance.config.wiring", "provenance.effects.sql.sqlite"} <= modules
    assert [] == sorted(RARE & modules)
