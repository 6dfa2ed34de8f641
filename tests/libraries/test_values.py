"""Values of libraries hash by content: not by what reading them keeps."""

import copy
import json
import os
import pickle
from pathlib import Path

import pytest
import sympy

import provenance as p
from libraries.kinds import KINDS, MADE, X, image, tagged
from processes import SOURCES, printed
from provenance.testing import in_memory

pytestmark = pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyWarning")
PATH = os.pathsep.join([SOURCES, str(Path(__file__).parents[1])])


@pytest.mark.parametrize("kind", KINDS)
def test_content_counts_and_caches_do_not(kind):
    """Copies, pickles and what was read have one hash; others have others."""
    make, read, *others = KINDS[kind]
    value = make()
    known = p.hash(value)
    for same in (value, make(), copy.copy(value), copy.deepcopy(value)):
        assert known == p.hash(same)
    assert known == p.hash(pickle.loads(pickle.dumps(value)))
    read(value)
    assert known == p.hash(value)
    hashes = [known, *(p.hash(other()) for other in others)]
    assert len(set(hashes)) == len(hashes)


@pytest.mark.parametrize("kind", KINDS)
def test_reading_is_pure_and_what_is_stored_comes_back(kind):
    """A function that only reads is no impure one."""
    make, read, *_ = KINDS[kind]
    with in_memory() as repo:

        @p.provenance()
        def used(value):
            read(value)
            return [value]

        artifact = used.artifact(make())
        assert p.hash([make()]) == p.hash(repo.get_value(artifact.id))


@pytest.mark.parametrize("kind", MADE)
def test_what_behaves_differently_differs(kind):
    """All values of a line have different hashes, and made again the same ones."""
    hashes = [p.hash(value) for value in MADE[kind]()]
    assert len(set(hashes)) == len(hashes)
    assert hashes == [p.hash(value) for value in MADE[kind]()]


def test_expressions_of_sympy_are_calculated_with():
    """A result is the expression itself, also in a list: SymPy would take a proxy for a constant."""
    with in_memory():
        symbol = p.provenance(name="symbol")(lambda: X)
        square = p.provenance(name="square")(lambda x: x**2 + 2 * x + 1)
        for _ in range(2):
            x, made = symbol(), square(symbol())
            assert 2 * X + 2 == sympy.diff(made, x)
            assert [-1] == sympy.solve(made, x)
            assert 9 == made.subs(x, 2)
            assert made == square(X)
            both = p.provenance(name="both")(lambda x: [x + 1, {"inner": x}])(x)
            assert [X + 1, {"inner": X}] == both
            assert 1 == sympy.diff(both[0], X)


@pytest.mark.parametrize("value", [image(1, 2), tagged("a")])
def test_what_pickles_lose_is_not_stored(value):
    """The frames and the tags of an image: the error holds it."""
    with in_memory(), pytest.raises(p.UnserializableValueError) as caught:
        p.provenance()(lambda held: held[0])([value])
    assert caught.value.value is value


def test_memory_of_compiled_code_is_refused_with_what_to_pass():
    """Python cannot read it; what it was made of is a value."""
    import numpy as np
    import xgboost
    from statsmodels.tsa.arima.model import ARIMA

    with pytest.raises(p.UnhashableValueError, match="pass the data and the labels, and make it"):
        p.hash(xgboost.DMatrix(np.eye(2)))
    with pytest.raises(p.UnhashableValueError, match="the order of the model, and the `params`"):
        p.hash(ARIMA(np.sin(np.arange(20.0)), order=(1, 0, 0)).fit())


CODE = (
    "import warnings; warnings.simplefilter('ignore')\n"
    "import json; from libraries.test_values import hashes; print(json.dumps(hashes()))"
)


def hashes():
    """Return the hashes of all values by kind."""
    made = {kind: [p.hash(value) for value in make()] for kind, make in MADE.items()}
    return made | {kind: p.hash(make()) for kind, (make, *_) in KINDS.items()}


def test_other_processes_agree():
    """With other seeds of Python's own hashes, too."""
    there = json.loads(printed(CODE, PYTHONHASHSEED="7", PYTHONPATH=PATH))
    assert [] == [kind for kind, known in hashes().items() if known != there[kind]]
