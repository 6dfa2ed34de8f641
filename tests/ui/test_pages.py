"""What the pages show, and that looking changes nothing."""

import io
import json
import re
import sqlite3
import time
from contextlib import closing

import numpy as np
import pytest
from attrs import evolve

import provenance as p
from provenance.effect import with_layer
from provenance.extending import StoreEffect
from provenance.ports.blobs import ReadBlob
from provenance.ports.machine import CurrentRun
from provenance.ports.records import FindSet, PutRecord, SummarizeRecords
from provenance.testing import in_memory
from provenance.ui import pages
from provenance.ui.previews import browsing
from ui.conftest import HOSTILE, client_of, fill, load, png

PATHS = {
    "overview": "/",
    "artifacts": "/artifacts",
    "artifact": "/a/{six}",
    "first digits": "/a/{six:.8}",
    "table": "/a/{data}",
    "array": "/a/{grid}",
    "image": "/a/{picture}",
    "composite": "/a/{split}",
    "hostile": "/a/{hostile}",
    "lineage": "/a/{score}/lineage",
    "near lineage": "/a/{score}/lineage?depth=1",
    "uses": "/a/{data}/uses",
    "why": "/why/{six}",
    "why the first": "/why/{data}",
    "compare": "/compare?a={three}&b={six}",
    "compare others": "/compare?a={data}&b={hostile}",
    "compare form": "/compare?a={three}",
    "function": "/f/churn.train",
    "runs": "/runs",
    "run": "/r/{run}",
    "sets": "/sets",
    "set": "/s/{set}",
    "search": "/search?q=train",
    "search of nothing": "/search",
    "storage": "/storage",
    "refreshing": "/?refresh",
    "problem": "/no",
}


def address(store, path):
    """The address of a page about the store."""
    ids = {name: artifact.id for name, artifact in store.items()}
    return path.format(**ids, run=store["data"].run_id, set=p.sets()[0].id)


@pytest.mark.parametrize("name", PATHS)
def test_every_page_is_whole(client, store, name):
    """A page is HTML with one heading, without inline scripts or styles, and its links lead to pages."""
    answer = client.get(address(store, PATHS[name]))
    assert (404 if name == "problem" else 200) == answer.status_code
    text = answer.text
    assert text.startswith("<!DOCTYPE html>")
    assert 1 == text.count("<h1>")
    assert 1 == text.count("<script")
    assert "<style" not in text
    assert not re.search(r"\s(?:style|on\w+)=", text)
    assert "Undefined" not in text
    assert "built-in" not in text
    for link in {*re.findall(r'(?:href|src)="(/[^"]*)"', text)}:
        assert client.get(link.replace("&amp;", "&")).status_code == 200, link


@pytest.mark.parametrize("name", PATHS)
def test_hostile_names_are_text(client, store, name):
    """Names, tags and values of others are shown as text, with what is invisible escaped."""
    text = client.get(address(store, PATHS[name])).text
    assert "alert(1)</script>" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    if name in {"overview", "hostile", "artifacts"}:
        assert "\\u202e" in text
        assert "&lt;script&gt;" in text


def test_a_hostile_name_has_a_page(client):
    """The link of a function leads to its page, whatever its name holds."""
    links = re.findall(r'href="(/f/bad[^"]*)"', client.get("/").text)
    assert "Arguments seen" in client.get(links[0]).text


def test_documents_are_those_of_the_command_line(client, store, capsys):
    """The JSON of the page is what the command prints."""
    from provenance.cli.app import run

    six = store["six"].id
    for words, path in (
        (["ls"], "artifacts"),
        (["ls", "train", "--input", "config.depth=3"], "artifacts?name=train&input=config.depth=3"),
        (["show", six], f"artifacts/{six}"),
        (["lineage", six], f"artifacts/{six}/lineage"),
        (["runs"], "runs"),
        (["sets"], "sets"),
        (["stats"], "stats"),
        (["why", six], f"artifacts/{six}/why"),
    ):
        assert 0 == run([*words, "--json"])
        assert json.loads(capsys.readouterr().out) == client.get(f"/api/v1/{path}").json()


def test_json_errors_are_json(client):
    """What is not found is an object with the message."""
    answer = client.get("/api/v1/artifacts/ffffff")
    assert 404 == answer.status_code
    assert "ffffff" in answer.json()["message"]


def test_pages_follow_one_another(tmp_path, monkeypatch):
    """All artifacts are on the pages, each once, newest first."""
    with p.using_repo(p.MemoryRepo()):
        fill(tmp_path)
        expected = [one.id for one in p.search()]
        monkeypatch.setattr("provenance.ui.pages.PAGE_SIZE", 3)
        client, found, path = client_of(p.get_default_repo()), [], "/artifacts?name=*"
        while path:
            text = client.get(path).text
            found += re.findall(r'<td><a class="id" href="/a/(\w+)"', text)
            older = re.search(r'rel="next" href="([^"]+)"', text)
            path = older and older[1].replace("&amp;", "&")
    assert expected == found


def test_the_comparison_names_what_differs(client, store):
    """Arguments stand side by side, and values are compared part by part."""
    document = client.get(address(store, "/api/v1/compare?a={three}&b={six}")).json()
    (changed,) = document["inputs"]
    assert "config['depth']" in changed
    assert [("value['depth']", "3", "6")] == [
        (each["path"], each["a"], each["b"]) for each in document["value"]
    ]
    text = client.get(address(store, "/compare?a={three}&b={six}")).text
    assert '<tr class="differs"><th scope="row">config</th>' in text


def test_why_leads_to_the_nearest_call(tmp_path):
    """The page says what differs from it, and compares both."""
    with in_memory() as repo:
        store = fill(tmp_path)
    client = client_of(repo)
    text = client.get(f"/why/{store['six'].id}").text
    assert "config[&#39;depth&#39;]" in text
    assert f"/compare?a={store['three'].id}&amp;b={store['six'].id}" in text
    assert "no earlier result" in client.get(f"/why/{store['data'].id}").text


def test_search_finds_by_id_name_tag_and_value(client, store):
    """One box for all that names an artifact."""
    six = store["six"]
    for text in (six.id, six.id[:8], six.value_id, "train", "churn.train"):
        assert six.id in client.get("/search", params={"q": text}).text
    assert store["data"].id in client.get("/search?q=raw").text
    assert store["hostile"].id in client.get("/search", params={"q": HOSTILE}).text
    assert "did you mean" in client.get("/search?q=churn.trian").text


def test_previews(client, store):
    """Tables show their first rows, arrays numbers and a picture, images themselves, text as text."""
    table = client.get(address(store, "/a/{data}")).text
    assert "120 rows, 2 columns" in table
    assert 50 == table.count("<td>Rome</td>")
    array = client.get(address(store, "/a/{grid}")).text
    assert "<dd>100 \N{MULTIPLICATION SIGN} 100</dd>" in array
    assert "data:image/png;base64," in array
    assert "&#39;depth&#39;: 6" in client.get(address(store, "/a/{six}")).text
    page = client.get(address(store, "/a/{page}")).text
    assert "&lt;script&gt;alert(1)" in page


def test_an_image_is_only_an_image(client, store):
    """It comes with a fixed type and no rights; HTML that someone archived is no image."""
    answer = client.get(address(store, "/a/{picture}/image"))
    assert (png(), "image/png") == (answer.content, answer.headers["content-type"])
    assert "sandbox" in answer.headers["content-security-policy"]
    assert 404 == client.get(address(store, "/a/{page}/image")).status_code
    assert 404 == client.get(address(store, "/a/{six}/image")).status_code


PLANTED = b"\x80\x04c_io\nopen\n(X\x08\x00\x00\x00executedX\x01\x00\x00\x00wtR."
"""A pickle that makes the file `executed`."""


@p.provenance(name="harmless", serializer="joblib")
def harmless(numbers):
    """A value and inputs that are pickles."""
    return numbers


def plant(base):
    """A layer: whatever is read, there is a planted pickle."""

    def read(ask, proceed):
        return ask.read(io.BytesIO(PLANTED)) if isinstance(ask, ReadBlob) else proceed(ask)

    return with_layer(base, read)


def test_a_planted_pickle_is_not_executed(tmp_path, monkeypatch):
    """No page decodes what could run code: not the value, not the inputs, not in a comparison."""
    monkeypatch.chdir(tmp_path)
    with p.using_repo(p.MemoryRepo()):
        ids = [p.artifact_of(harmless({"n": [number]})).id for number in (1, 2)]
        repo = p.get_default_repo().with_layer(plant)
        repo.get_value(ids[0]).close()
        assert (tmp_path / "executed").exists(), "the plant works"
        (tmp_path / "executed").unlink()
        client = client_of(repo)
        for path in (f"/a/{ids[0]}", f"/a/{ids[0]}/lineage", f"/compare?a={ids[0]}&b={ids[1]}"):
            assert 200 == client.get(path).status_code
        assert "may execute code" in client.get(f"/a/{ids[0]}").text
    assert not (tmp_path / "executed").exists()


def test_looking_changes_nothing(store):
    """No page asks the store for anything but reading."""
    asked = set()

    def note(ask, proceed):
        if isinstance(ask, StoreEffect):
            asked.add(ask.needs)
        return proceed(ask)

    repo = p.get_default_repo().with_layer(lambda base: with_layer(base, note))
    client = client_of(repo)
    for path in PATHS.values():
        client.get(address(store, path))
    assert {"read"} == asked


def test_a_browsing_repository_refuses_to_write(store):
    """Even if a page tried, nothing could be stored or deleted."""
    repo = browsing(p.get_default_repo())
    with pytest.raises(p.StorePermissionError):
        repo.delete(store["six"])
    with pytest.raises(p.StorePermissionError):
        repo.put_set(p.ArtifactSet.of([store["six"]], "new"))


def test_browsing_a_chain_copies_nothing(tmp_path):
    """What only a far repository has stays there, however often it is looked at."""
    near, far = p.MemoryRepo("near"), p.MemoryRepo("far")
    with p.using_repo(far):
        made = fill(tmp_path)
    client = client_of(p.ChainedRepo(stores=[near, far]))
    assert "Rome" in client.get(f"/a/{made['data'].id}").text
    assert made["data"].id not in near


def test_a_lost_source_is_in_the_picture(client, store):
    """The page of a lineage survives gaps."""
    p.get_default_repo().delete(store["data"])
    text = client.get(address(store, "/a/{six}/lineage")).text
    assert "not recorded any more" in text


def test_large_arrays_are_sampled(store):
    """A picture has at most 64 rows and columns, a line a few hundred points."""
    from provenance.ui.previews import _value

    array = _value(np.zeros((1000, 3, 70)))
    assert len(array.heat) < 10_000
    line = _value(np.linspace(0, 1, 100_000))
    assert len(line.line) <= 240
    odd = _value(np.array([np.nan, np.inf, 1.0]))
    assert ("not finite", "2") in odd.facts
    assert ("type", "object") in _value(np.array([object()])).facts


def test_what_is_beyond_a_picture_is_a_link(store):
    """The small picture of a lineage shows two steps, and a box for the rest that leads to the whole."""
    step = p.provenance(name="churn.step")(lambda before: [before])
    results = [step(0)]
    for _ in range(4):
        results.append(step(results[-1]))
    first, last = (p.artifact_of(result).id for result in (results[0], results[-1]))
    client = client_of(p.get_default_repo())
    near = client.get(f"/a/{last}").text
    assert "+ 1 more" in near
    (target,) = re.findall(r'<a href="(/a/[0-9a-f]+/lineage)">\s*<g class="artifact"', near)
    assert "+ 1 more" not in client.get(target).text
    uses = client.get(f"/a/{first}/uses").text
    assert 5 == uses.count('class="function"')
    assert "4 artifacts" in uses
    few = client.get(f"/a/{first}/uses?depth=1").text
    assert (2, True) == (
        few.count('class="function"'),
        f'href="/a/{p.artifact_of(results[1]).id}/uses"' in few,
    )


def other_code(number):
    """Return a function of one name and the code of this number."""
    functions = [lambda x: [x, 0], lambda x: [x, 1]]
    return p.provenance(name="churn.changing", on_code_change="ignore")(functions[number])


def test_results_of_other_code_are_marked(store):
    """By comparison with the newest result; nothing is imported or run for it."""
    old = [p.artifact_of(other_code(0)(number)) for number in range(3)]
    new = p.artifact_of(other_code(1)(9))
    client = client_of(p.get_default_repo())
    assert "changed since" in client.get(f"/a/{old[0].id}").text
    assert "changed since" not in client.get(f"/a/{new.id}").text
    page = client.get("/f/churn.changing").text
    assert 3 == page.count(">other code<")
    assert "3 of 4" in page
    assert "3 of 4" in client.get("/").text
    assert "changed since" not in client.get(f"/a/{store['score'].id}").text


def test_the_script_of_a_run_is_shown(store):
    """Its path, and its text as text."""

    def answer(ask, proceed):
        found = proceed(ask)
        if isinstance(ask, CurrentRun):
            script = {"path": "/srv/churn.py", "digest": "ab", "text": "a = '<b>'\nprint(a)\n"}
            return evolve(found, id="8" * 40, process={"script": script})
        return found

    repo = p.get_default_repo().with_layer(lambda base: with_layer(base, answer))
    with p.using_repo(repo):
        load(8)
    text = client_of(repo).get(f"/r/{'8' * 40}").text
    assert "/srv/churn.py" in text
    assert "a = &#39;&lt;b&gt;&#39;\nprint(a)" in text
    assert "digest" not in text


def test_runs_are_below_those_that_started_them(client, store, tmp_path):
    """As an engine's workers are: in the list, and on the pages of both."""
    driver = store["data"].run_id
    worker = "9" * 40

    def answer(ask, proceed):
        found = proceed(ask)
        if isinstance(ask, CurrentRun):
            return evolve(found, id=worker, parent_id=driver)
        return found

    repo = p.get_default_repo().with_layer(lambda base: with_layer(base, answer))
    with p.using_repo(repo):
        load(7)
    items = client.get("/api/v1/runs").json()["items"]
    assert [(driver, None), (worker, driver)] == [(each["id"], each["parent_id"]) for each in items]
    page = client.get("/runs").text
    assert re.search(rf'└─ </span><a class="id" href="/r/{worker}"', page)
    assert f'href="/r/{worker}"' in client.get(f"/r/{driver}").text
    assert f'Started by <a class="id" href="/r/{driver}"' in client.get(f"/r/{worker}").text
    assert f"/r/{worker}" not in client.get("/").text.split("Newest runs")[1]


def test_a_run_that_only_started_others_has_a_page(client, store):
    """Its workers' pages lead to it; nothing is listed that it computed, but what it started is."""
    from provenance.cli.app import run

    repo = p.get_default_repo()
    worker = repo.interpreter(CurrentRun())
    driver = evolve(worker, id="8" * 40)
    worker = evolve(worker, id="9" * 40, parent_id=driver.id)
    known = repo.load_record(store["data"].id)
    one = evolve(known, id="7" * 40, run_id=worker.id)
    repo.interpreter(PutRecord(one, worker, "{}", parents=(driver,)))
    page = client.get(f"/r/{driver.id}")
    assert page.status_code == 200
    assert f'href="/r/{worker.id}"' in page.text
    assert client.get(f"/r/{'6' * 40}").status_code == 404
    assert run(["runs", driver.id]) == 0


def test_leases_of_ended_processes_are_listed(tmp_path):
    """With the time since they expired; the command `doctor` counts them."""
    repo = p.SqliteRepo(db=tmp_path / "leases.db")
    with p.using_repo(repo):
        load(3)
    assert "left behind" not in client_of(repo).get("/storage").text
    assert () == p.expired_leases(repo)
    with closing(sqlite3.connect(tmp_path / "leases.db")) as connection, connection:
        left = "7" * 40, "somebody", 1, time.time() - 7200
        connection.execute("INSERT INTO leases VALUES (?, ?, ?, ?)", left)
    (lease,) = p.expired_leases(repo)
    assert "7" * 40 == lease.artifact_id
    text = client_of(repo).get("/storage").text
    assert "left behind" in text
    assert "777777777777" in text
    assert () == p.expired_leases(p.MemoryRepo())


def test_artifacts_inside_of_arguments_are_links(client, store):
    """In lists and in dictionaries."""
    inside = {"best": store["six"].proxy(), "n": 1}
    result = p.provenance(name="churn.inside")(len)(inside)
    text = client.get(f"/a/{p.artifact_of(result).id}").text
    arguments = text.split("<h2>Arguments</h2>")[1].split("</section>")[0]
    assert f'href="/a/{store["six"].id}"' in arguments
    assert "best" in arguments


def noting(kind):
    """The default repository, and a list of what it is asked of this kind."""
    asked = []

    def note(effect, inner):
        if isinstance(effect, kind):
            asked.append(effect)
        return inner(effect)

    return p.get_default_repo().with_layer(lambda base: with_layer(base, note)), asked


def _page_of_a_run(repo):
    return pages.run(repo, {"id": p.search("churn.*").first.run_id})


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (pages.overview, 2),
        (pages.storage, 5),
        (pages.runs, 1),
        (_page_of_a_run, 1),
        (lambda repo: pages.find(repo, {"q": "churn.*"}), 0),
        (lambda repo: pages.find(repo, {"q": "chrn"}), 1),
    ],
)
def test_a_page_adds_up_each_grouping_once(store, make, most):
    """A store that keeps no sums reads all its artifacts for each."""
    repo, asked = noting(SummarizeRecords)
    make(repo)
    groupings = [effect.by for effect in asked]
    assert len({*groupings}) == len(groupings) == most


def test_the_page_of_an_artifact_reads_its_own_sets_only(store):
    """However many others there are; the newest is the first."""
    one, other = store["six"], store["three"]
    p.create_set([other.id], "another")
    mine = [
        p.create_set(members, f"set {len(members)}") for members in ([one.id], [one.id, other.id])
    ]
    repo, asked = noting(FindSet)
    shown = [each["id"] for each in pages.artifact(repo, {"id": one.id}).content["sets"]]
    assert [each.id for each in reversed(mine)] == shown[:2]
    assert {*shown} == {effect.id for effect in asked}


def test_sets_are_counted_unread(store):
    """Their members may be very many."""
    p.create_set([store["six"].id], "another")
    repo, asked = noting(FindSet)
    assert len(p.sets()) == pages.overview(repo).document["sets"]
    assert [] == asked
