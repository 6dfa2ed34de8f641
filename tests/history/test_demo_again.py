"""The pipeline of the demo comes out again in another process, and an edit of it is found where it is."""

import shutil
import subprocess
import sys

import pytest

from architecture.source import ROOT
from processes import printed

REPRODUCE = """
import provenance as p

p.load_config({
    "blobstores": {"files": {"type": "disk", "cachedir": "store/blobs", "delete": True}},
    "artifact_repos": {"demo": {"type": "sqlite", "db": "store/provenance.db", "store": "files", "delete": True}},
})
best = next(iter(p.search(name="cancer_pipeline.pick_best")))
found = p.reproduce(best, "all")
print(len(found.outcomes), found.is_same, found.first_divergent and found.first_divergent.name)
"""


@pytest.mark.long
def test_the_pipeline_of_the_demo_comes_out_again(tmp_path):
    """Every one of its results is the same; after an edit the first that differs is named."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns(".*"))
    demo = tmp_path / "examples" / "run_demo.py"
    subprocess.run([sys.executable, demo, "--store", "store"], check=True, capture_output=True)
    assert "14 True None" == printed(REPRODUCE).strip()
    pipeline = demo.with_name("cancer_pipeline.py")
    text = pipeline.read_text()
    edited = text.replace("skew() > 1", "skew() > 2")
    assert edited != text
    pipeline.write_text(edited)
    assert "14 False cancer_pipeline.engineer" == printed(REPRODUCE).strip()
