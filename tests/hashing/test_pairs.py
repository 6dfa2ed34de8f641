"""What behaves differently hashes differently; what behaves alike hashes alike."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

import provenance as p
from hashing.values.pairs import MUST_DIFFER, MUST_NOT
from processes import SOURCES, printed


@pytest.mark.parametrize("kind", MUST_DIFFER)
def test_what_behaves_differently_differs(kind):
    """All values of a line have different hashes, in a list too, and made again the same ones."""
    hashes = [p.hash(value) for value in MUST_DIFFER[kind]()]
    assert len(set(hashes)) == len(hashes)
    assert hashes == [p.hash(value) for value in MUST_DIFFER[kind]()]
    assert len({p.hash([value, SimpleNamespace(x=value)]) for value in MUST_DIFFER[kind]()}) > 1


@pytest.mark.parametrize("kind", MUST_NOT)
def test_what_behaves_alike_is_alike(kind):
    """All values of a line have one hash, in a list too, and hashing changes none."""
    values = MUST_NOT[kind]()
    assert len({p.hash(value) for value in values}) == 1
    assert len({p.hash([value, SimpleNamespace(x=value)]) for value in values}) == 1
    assert len({p.hash(value) for value in values}) == 1


CODE = (
    "from hashing.values.pairs import MUST_DIFFER; import provenance as p;"
    "print([[p.hash(value) for value in make()] for make in MUST_DIFFER.values()])"
)


def test_other_processes_agree():
    """What is made at run time, and what hangs beside, has the same hash in each process."""
    here = [[p.hash(value) for value in make()] for make in MUST_DIFFER.values()]
    path = os.pathsep.join([SOURCES, str(Path(__file__).parents[1])])
    there = printed(CODE, PYTHONHASHSEED="7", PYTHONPATH=path)
    assert here == json.loads(there.replace("'", '"'))
