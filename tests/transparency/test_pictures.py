"""The table of pictures, where its libraries are installed."""

from transparency.runner import assert_as_known


def test_cases_differ_only_where_it_is_known():
    """Results give what plain values give, at top level and inside functions, except in the listed cases."""
    assert_as_known("pictures")
