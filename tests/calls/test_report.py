"""Reports of calls: a table at the end of a block or of a process."""

import io
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import provenance as p
from processes import started
from provenance.calls.report import MOST_CALLS
from provenance.events import Hit, Miss, MissReason, Recovered
from provenance.telemetry import emit
from provenance.testing import in_memory

HOSTILE = "evil\x1b[31m\u202e<b>"


@p.provenance(name="report.double")
def double(number):
    """Twice the number."""
    return 2 * number


class Terminal(io.StringIO):
    """A text file that says that it is a terminal."""

    def isatty(self):
        return True


def test_each_call_has_a_line():
    """A line says what became of a call, the last one adds up, and the first says where results go."""
    text = io.StringIO()
    with in_memory(), p.report(file=text) as calls:
        double(1)
        double(1)
        double(2)
    place, titles, *lines, sums = text.getvalue().splitlines()
    assert "results go to memory" in place
    assert ["CALL", "ARTIFACT", "OUTCOME", "COMPUTED", "SAVED"] == titles.split()
    assert ["miss", "hit", "miss"] == [line.split()[2] for line in lines]
    assert "3 calls: 1 hit, 2 computed" in sums
    assert (3, 1) == (calls.calls, calls.hits)
    assert text.getvalue() == f"{calls!r}\n"


def test_calls_of_all_threads_count_and_later_ones_do_not():
    """The block counts, not the thread."""
    with in_memory(), p.report(file=io.StringIO()) as calls:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(double, range(5)))
        assert 5 == calls.calls
    with in_memory():
        double(1)
    assert 5 == calls.calls


def test_many_calls_share_lines():
    """Beyond the limit, calls of one function and outcome share a line."""
    with in_memory(), p.report(file=io.StringIO()) as calls:
        for number in range(MOST_CALLS):
            double(number)
        assert MOST_CALLS + 3 == len(repr(calls).splitlines())
        double(0)
    _, _, *lines, _ = repr(calls).splitlines()
    assert [["report.double", "(40", "calls)", "miss"], ["report.double", "hit"]] == [
        line.split()[:-2] for line in lines
    ]


def test_a_recovered_value_takes_the_place_of_its_hit():
    """What looked like a hit until its value was read is reported as what it was."""
    hit = Hit("ab" * 20, "one", 2.0)
    with in_memory(), p.report(file=io.StringIO()) as calls:
        emit(hit)
        emit(Recovered(hit.artifact_id, "one", 3.0, MissReason.BLOB_MISSING, "", hit))
    assert (1, 0, 3.0, 0.0) == (
        calls.calls,
        calls.hits,
        calls.seconds_computed,
        calls.seconds_saved,
    )


def test_names_are_shown_as_text():
    """Names come from anywhere: neither terminals nor browsers obey them."""
    with in_memory(), p.report(file=io.StringIO()) as calls:
        emit(Miss("ab" * 20, HOSTILE, 1.0, stored=True))
    assert "\x1b" not in repr(calls)
    assert "<b>" not in calls._repr_html_()
    assert "\\u202e&lt;b&gt;" in calls._repr_html_()


def test_an_error_leaves_the_table():
    """The table is printed, and the error goes on."""
    text = io.StringIO()
    with in_memory():
        double(1)
        with pytest.raises(ZeroDivisionError), p.report(file=text):
            _ = [double(1), 1 / 0]
    assert "1 call: 1 hit, 0 computed" in text.getvalue()


def test_a_terminal_shows_the_table_meanwhile(monkeypatch):
    """With rich, the table is redrawn on a terminal; without it, it is printed at the end."""
    live, plain = Terminal(), Terminal()
    with in_memory(), p.report(file=live):
        double(1)
    assert live.getvalue().count("1 call: 0 hits") > 1
    monkeypatch.setitem(sys.modules, "rich.live", None)
    with in_memory(), p.report(file=plain):
        double(1)
    assert 1 == plain.getvalue().count("1 call: 0 hits")


def test_a_notebook_updates_the_table(monkeypatch):
    """A notebook shows the table as soon as the block begins, and updates it; nothing is printed."""
    shown, updates = [], []

    class Notebook:
        kernel = object()

        @staticmethod
        def get_ipython():
            return Notebook

        @staticmethod
        def display(report, display_id):
            shown.append(report)
            return Notebook

        @staticmethod
        def update(report):
            updates.append(report.calls)

    monkeypatch.setitem(sys.modules, "IPython", Notebook)
    monkeypatch.setitem(sys.modules, "IPython.display", Notebook)
    text = io.StringIO()
    with in_memory(), p.report(file=text) as calls:
        double(1)
    assert [calls] == shown
    assert [1, 1] == updates
    assert "" == text.getvalue()


PROGRAM = """
import sys
import provenance as p

@p.provenance()
def double(number):
    return 2 * number

if len(sys.argv) > 1:
    double(2)
"""


@pytest.mark.parametrize(
    ("variable", "arguments", "lines"), [("1", ["run"], 4), ("0", ["run"], 0), ("1", [], 0)]
)
def test_a_variable_reports_the_process(tmp_path, monkeypatch, variable, arguments, lines):
    """`PROVENANCE_REPORT=1` prints the table of a process that made calls, on its standard error."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROVENANCE_CONFIG", raising=False)
    out, err = started(PROGRAM, *arguments, PROVENANCE_REPORT=variable).communicate()
    assert "" == out
    shown = [line for line in err.splitlines() if "results are stored" not in line]
    assert lines == len(shown), err
    if lines:
        assert str(tmp_path / ".provenance" / "provenance.db") in shown[0]
