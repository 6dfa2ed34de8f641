"""What ends a program ends a map, and leaves nothing that waits forever."""

import pytest

import provenance as p
from provenance.testing import in_memory


@p.provenance()
def interrupted(number):
    """End as Ctrl-C or `sys.exit` does."""
    if number:
        raise KeyboardInterrupt if number == 1 else SystemExit(number)
    return [number]


@pytest.mark.parametrize("engine", ["serial", "threads"])
@pytest.mark.parametrize("number", [1, 2])
def test_an_interrupt_in_a_call_ends_the_map(engine, number):
    """It reaches the loop, also out of a thread, and the next map works."""
    with in_memory():
        kind = KeyboardInterrupt if number == 1 else SystemExit
        with pytest.raises(kind):
            list(interrupted.map([0, number, 0], engine=engine))
        assert list(interrupted.map([0], engine=engine)) == [[0]]
