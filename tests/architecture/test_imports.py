"""Who imports whom, and what `import provenance` costs."""

import json
import subprocess
import sys
from pathlib import Path

from architecture.source import ROOT

HEAVY = {
    "adlfs",
    "alembic",
    "asyncio",
    "cloudpickle",
    "fsspec",
    "gcsfs",
    "importlib.metadata",
    "joblib",
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
    "sshfs",
    "torch",
}

WHAT_AN_IMPORT_LOADS = """
import json, sys
before = set(sys.modules)
import provenance
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_the_import_contracts_hold():
    """`lint-imports` finds every contract of `.importlinter` kept."""
    lint = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    result = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == result.returncode, result.stdout + result.stderr


def test_heavy_libraries_load_when_first_needed():
    """`import provenance` in a fresh process loads none of them."""
    fresh = subprocess.run(
        [sys.executable, "-c", WHAT_AN_IMPORT_LOADS], cwd=ROOT / "src", capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(fresh.stdout))
    assert "provenance" in loaded
    assert [] == sorted(HEAVY & loaded)
    assert [] == [each for each in loaded if each.startswith("provenance.vis")]
