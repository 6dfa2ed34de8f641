"""Killed or interrupted at random moments, processes leave whole stores, and whoever comes next goes on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
KILLS = int(os.environ.get("KILLS", "40"))
"""How often; `make kills` says more."""


def ran(module, folder, count):
    """What *module* prints after so many kills or interrupts in the stores of *folder*."""
    config = {
        "blobstores": {"files": {"type": "disk", "cachedir": f"{folder}/blobs", "delete": True}},
        "artifact_repos": {
            "repo": {"type": "sqlite", "db": f"{folder}/db", "store": "files", "inline_limit": 1_000, "delete": True}
        },
    }
    done = subprocess.run(
        [sys.executable, "-m", module, json.dumps(config), str(count), "7"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]), "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=3_000,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


def test_killed_processes_leave_whole_stores(tmp_path):
    """No record lacks its bytes, nothing is unreadable, and everything can be computed afterwards."""
    assert {"kills": KILLS, "problems": []} == ran("trust.killing", tmp_path, KILLS)


@pytest.mark.parametrize("times", [300])
def test_an_interrupted_process_goes_on(tmp_path, times):
    """Ctrl-C at any moment leaves nothing stuck or half done in the process that it met, nor in the stores."""
    assert {"interrupts": times, "problems": []} == ran("trust.interrupting", tmp_path, times)
