"""What artifacts, searches, lineage, sets, runs, plans and reports look like when they are displayed."""

from base64 import b64decode
from datetime import timedelta

import pytest

import provenance as p
from provenance.testing import FixedClock, in_memory

ODD = "\x1b[31m<b>\u202e"


@pytest.fixture
def repo():
    """An empty repository, where time stands still."""
    with in_memory(FixedClock()) as repo:
        yield repo


@p.provenance(name="churn.load", version=2)
def load(n):
    """A list."""
    return [n] * n


@p.provenance(name="churn.total")
def total(numbers, note=""):
    """Their sum."""
    return sum(numbers)


@p.provenance(name=ODD)
def odd(text):
    """A name that is not to be obeyed."""
    return text


def displays(thing):
    """Its texts: for a terminal and, if it has one, for a notebook."""
    return [repr(thing), *([thing._repr_html_()] if hasattr(thing, "_repr_html_") else [])]


def test_an_artifact_is_one_line(repo):
    """Id, name, version, type, size, seconds and time."""
    one = p.artifact_of(load(3))
    expected = f"<provenance.Artifact({one.id}) 'churn.load', version 2, list, {one.size_bytes} B, took 0 µs, 2000-01-01 00:00>"
    assert expected == repr(one)


def test_a_search_is_a_table(repo):
    """The newest ten, and whether more follow."""
    assert "<provenance.SearchResult: nothing found>" == repr(p.search())
    made = [p.artifact_of(load(n)) for n in range(12)]
    lines = repr(p.search()).splitlines()
    assert ["id", "name", "version", "value", "size", "took", "computed"] == lines[0].split()
    assert [one.id[:8] for one in made[:1:-1]] == [line.split()[0] for line in lines[1:-1]]
    assert "the newest 10 are shown, more follow" == lines[-1]
    html = p.search("load")._repr_html_()
    assert 11 == html.count("<tr>")
    assert f"<td>{made[-1].id[:8]}</td>" in html


def test_a_search_that_fails_can_be_displayed(tmp_path):
    """The error is shown instead of raised, as debuggers display what they meet."""
    repo = p.SqliteRepo(db=tmp_path / "none.db", create_db=False)
    assert "cannot be read" in repr(p.search(repo=repo))


def test_lineage_is_its_tree(repo):
    """Long ones are cut, and a notebook shows text as text."""
    made = p.artifact_of(total(load(3)))
    assert p.lineage(made).tree() == repr(p.lineage(made))
    assert p.lineage(made)._repr_html_().startswith("<pre>churn.total")
    value = 0
    for n in range(60):
        value = total([value, n])
    lines = repr(p.lineage(value)).splitlines()
    assert 41 == len(lines)
    assert "… and 20 more lines; see tree()" == lines[-1]


def test_sets_runs_and_plans_are_one_line(repo):
    """With what people look for first."""
    one = load(3)
    made = p.create_set([one], {"name": "best"})
    assert (
        f"<provenance.ArtifactSet({made.id}) 1 artifacts, labels {{'name': 'best'}}, 2000-01-01 00:00>"
        == repr(made)
    )
    assert "not stored" in repr(made.rename("other"))
    run = p.artifact_of(one).run_info
    assert repr(run).startswith(f"<provenance.Run({run.id}) ")
    assert f"Python {run.python['version']}" in repr(run)
    assert f"{len(run.packages)} packages" in repr(run)
    plan = total.plan(one, note="x" * 500)
    assert plan.artifact_id in repr(plan)
    assert "churn.total(numbers=" in repr(plan)
    assert len(repr(plan)) < 300


def test_reports_are_one_line(repo):
    """What was checked or deleted, and the outcome."""
    load(3)
    assert repr(p.verify()).startswith(
        "<provenance.VerificationReport of 'memory', 1 artifacts, 0 sets,"
    )
    assert repr(p.verify()).endswith("sound>")
    assert "<provenance.GarbageReport of 'memory': would delete 0 entries, 0 B>" == repr(
        p.collect_garbage()
    )
    report = p.evict(older_than=timedelta(0), dry_run=True)
    assert repr(report).startswith("<provenance.EvictionReport of 'memory': would evict ")


def test_names_are_shown_not_obeyed(repo):
    """Control characters are escaped, and a notebook shows tags as text."""
    made = odd(ODD)
    artifact = p.artifact_of(made)
    things = [
        artifact,
        p.search(),
        p.lineage(made),
        p.create_set([made], {ODD: ODD}),
        odd.plan(ODD),
        p.verify(),
    ]
    for thing in things:
        text, *html = displays(thing)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert all("<b>" not in one and "\x1b" not in one for one in html)


def test_everything_has_a_table_for_notebooks(repo, tmp_path):
    """Artifacts, sets, runs, plans and reports are tables, in which names and values are text."""
    one = p.artifact_of(odd(ODD))
    many = p.ArtifactSet.of([p.artifact_of(total([n])) for n in range(12)], {"name": ODD})
    things = {
        "artifact": (one, one.id),
        "set": (many, f"12: {min(many)[:8]}"),
        "run": (one.run_info, one.run_id),
        "plan": (odd.plan(ODD), one.id),
        "verification": (p.verify(), "sound"),
        "garbage": (p.collect_garbage(dry_run=True), "GarbageReport"),
        "eviction": (p.evict(max_bytes=0, dry_run=True), "EvictionReport"),
    }
    for name, (thing, expected) in things.items():
        shown = thing._repr_html_()
        assert shown.startswith("<table>"), name
        assert expected in shown, name
        assert "<b>" not in shown, name
        assert "\x1b" not in shown, name
    assert "\\u202e" in one._repr_html_()


def test_an_archived_image_is_shown(repo, tmp_path):
    """A notebook gets the bytes of a picture, and of other files their name; results of calls, too."""
    picture, page = tmp_path / "a.png", tmp_path / "a.html"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 9)
    page.write_text("<script>")
    shown = p.archive_file(str(picture))._repr_mimebundle_()
    assert {"text/plain", "image/png"} == {*shown}
    assert picture.read_bytes() == b64decode(shown["image/png"])
    assert {"text/plain"} == {*p.archive_file(str(page))._repr_mimebundle_()}
