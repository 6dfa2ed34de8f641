"""Every effect of a store says which permission it needs, and what it does."""

from typing import get_args

import pytest

from provenance.ports.blobs import BlobEffects
from provenance.ports.leases import LeaseEffects
from provenance.ports.permissions import StoreEffect
from provenance.ports.records import RecordEffects

EFFECTS = get_args(BlobEffects | LeaseEffects | RecordEffects)


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: effect.__name__)
def test_an_effect_of_a_store_has_a_permission_and_an_action(effect):
    """Without them `restrict` could not refuse it, nor the message name it."""
    assert issubclass(effect, StoreEffect)
    assert {"needs", "action"} <= vars(effect).keys()
    assert effect.needs in {"read", "write", "delete"}
    assert effect.action


def test_the_rows_hold_every_effect_of_a_store():
    """An effect outside the rows would escape the test above."""
    assert set(StoreEffect.__subclasses__()) >= set(EFFECTS)
    ours = {
        kind for kind in StoreEffect.__subclasses__() if kind.__module__.startswith("provenance.")
    }
    assert {kind.__name__ for kind in ours} == {kind.__name__ for kind in EFFECTS}
