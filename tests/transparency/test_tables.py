"""Code that works with a plain value works with a result: the tables, and what is known to differ."""

import json

import pytest

from transparency.document import PAGE, written
from transparency.runner import KNOWN, PLACES, TABLES, assert_as_known, cases_of
from transparency.values import VALUES

CEILING = 140
"""How many differences the list may have. It may only be lowered."""
SILENT = 9
"""How many of them may be answers that differ without an exception. It may only be lowered."""


PLAIN = ("builtin_types", "standard_library", "databases", "pickles_and_processes")
OTHERS = tuple(table for table in TABLES if table not in PLAIN)


@pytest.mark.parametrize("table", TABLES)
def test_cases_differ_only_where_it_is_known(table):
    """Results give what plain values give, at top level and inside functions, except in the listed cases."""
    assert_as_known(table)


def test_the_list_of_differences_only_shrinks():
    """No difference is added to the list, and no difference becomes a silent one."""
    outcomes = [
        outcome
        for places in json.loads(KNOWN.read_text()).values()
        for named in places.values()
        for outcome in named.values()
    ]
    assert len(outcomes) <= CEILING
    assert outcomes.count("silent") <= SILENT
    assert set(outcomes) <= {"raises", "silent", "repr", "type"}


def test_the_documentation_lists_them():
    """The table in `docs/reference/transparency.md` is that of now: `make transparency` writes it."""
    page = PAGE.read_text("utf-8")
    assert written(page) == page


@pytest.mark.parametrize(("tables", "aim"), [(PLAIN, 0.98), (OTHERS, 0.95)])
def test_nearly_all_is_equal(tables, aim):
    """At top level, in the groups without libraries and in those with."""
    known = json.loads(KNOWN.read_text())
    total = sum(len(cases_of(table)) for table in tables)
    for place in ("miss", "hit"):
        differing = sum(len(known[table].get(place, {})) for table in tables)
        assert differing <= (1 - aim) * total


def test_only_exact_types_tell_results_silently_apart():
    """Beside `repr` and `type`, no answer differs without an exception but of what asks for a class itself.

    `freeze` returns what is not exactly a list, torch must not take a proxy for a tensor, and `joblib.hash` reads the
    strides of an array, which are others in any copy.
    """
    known = json.loads(KNOWN.read_text())
    silent = {
        name
        for places in known.values()
        for named in places.values()
        for name, outcome in named.items()
        if outcome == "silent"
    }
    assert silent <= {
        "counts: freeze(x)",
        "logistic: joblib.hash(x.coef_)",
        "tensor: isinstance(x, torch.Tensor)",
        "tensor: torch.is_tensor(x)",
    }


def test_plain_values_never_differ():
    """Each case has one outcome with plain values, whenever it is played."""
    assert not [
        table
        for table, places in json.loads(KNOWN.read_text()).items()
        if not places.keys() <= set(PLACES[1:])
    ]


def test_the_tables_use_each_value():
    """The tables are large, and no value is left out of them."""
    cases = [case for table in TABLES for case in cases_of(table)]
    assert len(cases) > 2700
    assert not VALUES.keys() - {case.value for case in cases}
