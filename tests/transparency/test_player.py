"""The player tells what differs, and survives the cases that kill it."""

from transparency.runner import cases_of, differences, play


def test_each_way_to_differ_is_told_apart():
    """A killed process, another answer and an exception are reported for the case and place that they belong to."""
    found = differences(cases_of("dying"), play("dying"))
    expected = {
        "int: os.abort() if p.is_proxy(x) else x": "crash",
        "int: 'a' if p.is_proxy(x) else 'b'": "silent",
        "int: x.real if p.is_proxy(x) else x.missing": "silent",
        "int: x.missing if p.is_proxy(x) else x.real": "raises",
    }
    assert found == {"miss": expected, "hit": expected, "inside": expected}
