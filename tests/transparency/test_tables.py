"""Code that works with a plain value works with a result: the tables, and what is known to differ."""

import json

import pytest

from transparency.runner import KNOWN, PLACES, TABLES, assert_as_known, cases_of
from transparency.values import VALUES

CEILING = 140
"""How many differences the list may have. It may only be lowered."""
SILENT = 9
"""How many of them may be answers that differ without an exception. It may only be lowered."""


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
