"""What looking around costs: the start of `provenance ls`, and a page with a picture of 600 nodes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from starlette.testclient import TestClient

import provenance as p
from benchmarks import caches
from benchmarks.functions import add
from benchmarks.lines import NONE, OURS, PROCESS, Goal, Limit, Line
from benchmarks.timing import Sizes, in_fresh_processes
from provenance.ui.app import create_app

NODES = 600
PAGE_LIMIT = 2.0
QUIET = "import os, sys; sys.stdout = open(os.devnull, 'w')\n"
COMMAND = (
    QUIET
    + """
from provenance.cli import main
sys.argv = ["provenance", "ls", "--repo", {db!r}]
main()
"""
)
SCRIPT = (
    QUIET
    + """
import provenance as p
repo = p.SqliteRepo(db={db!r}, create_db=False)
for one in p.search(repo=repo).page(50)[0]:
    print(one.id, one.name, repo.get_recorded_inputs(one))
"""
)


@p.provenance()
def join(*parts: int) -> int:
    """Something made of many."""
    return len(parts)


def looking(folder: Path, sizes: Sizes) -> Iterator[Line | Limit]:
    """The start of `provenance ls` beside a script that searches, and a large page."""
    folder /= "looking"
    caches.load_ours(folder)
    db = str(folder / "list.db")
    repo = p.SqliteRepo(db=db)
    with p.using_repo(repo):
        leaf = p.provenance()(add)
        leaves = [leaf(i, 1) for i in range(NODES - 31)]
        groups = [join(*leaves[i::30]) for i in range(30)]
        root = p.artifact_of(join(*groups))
        beside = "a script that searches"
        contenders = {
            OURS: ["-c", COMMAND.format(db=db)],
            beside: ["-c", SCRIPT.format(db=db)],
        }
        told = in_fresh_processes(contenders, sizes.processes)
        figures = {name: each["process"] for name, each in told.items()}
        yield Line("start of `provenance ls`", PROCESS, figures, (Goal(beside, 1.5, 1.2),))
        client = TestClient(create_app(repo, "t"), base_url="http://127.0.0.1:8000")
        client.get("/?token=t")
        began = time.perf_counter()
        answer = client.get(f"/a/{root.id}/lineage")
        taken = time.perf_counter() - began
        if answer.text.count('class="step"') != NODES:
            raise AssertionError(f"the page of {root.id} does not show {NODES} nodes")
        yield Limit(f"a page with a picture of {NODES} nodes", NONE, taken, PAGE_LIMIT)
