"""How values are spelled another way, and how they are changed: by type, in the tables that each family fills."""

import copy
import pickle
from contextlib import suppress

import cloudpickle

RESPELLED = {}
"""By type: from random and value to an equal value."""
CHANGED = {}
"""By type: functions from random and value to a value that differs in one thing."""


def _copied(_, it):
    with suppress(TypeError):
        return copy.copy(it)
    return it


def respelled(r, it):
    """An equal value by construction: built anew, in another order or layout, by copy or through pickle."""
    way = r.randrange(4)
    if way == 0:
        return pickle.loads(cloudpickle.dumps(it))  # takes functions along, which pickle names only
    if way == 1:
        with suppress(TypeError):  # modules, for one, cannot be copied
            return copy.deepcopy(it)
    return RESPELLED.get(type(it), _copied)(r, it)


def changed(r, it):
    """A value that differs from *it* in one thing."""
    ways = CHANGED.get(type(it))
    return r.choice(ways)(r, it) if ways else [it]
