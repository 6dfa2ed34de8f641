"""The pages of a bundle show what is in it, and nothing in it is believed."""

import posixpath
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

import provenance as p
from exchange.test_bundles import members_of

HOSTILE = '"><script>alert(1)</script>\x1b]0;x\x07\u202e'


class Page(HTMLParser):
    """The tags, links and anchors of a page, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.anchors, self.text = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append(tag)
        self.links += [found["href"]] if "href" in found else []
        self.anchors += [found["id"]] if "id" in found else []

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def plain(monkeypatch):
    """Jinja2 is not installed."""
    monkeypatch.setattr("provenance.exchange.bundles.find_spec", lambda _: None)


def pages_of(members):
    """The pages of a bundle, parsed, by their paths."""
    return {name: Page(data.decode()) for name, data in members.items() if name.endswith(".html")}


def test_each_artifact_has_a_page(bundle):
    """The pages of the web page as files: they lead to one another, to values and to sources, and nowhere else."""
    members = members_of(bundle)
    pages = pages_of(members)
    artifacts = [*p.search(repo=p.open_bundle(bundle))]
    assert {f"a/{each.id}.html" for each in artifacts} == {
        name for name in pages if name.startswith("a/")
    }
    assert all(each.name in pages["index.html"].text for each in artifacts)
    assert "production" in pages["index.html"].text
    reached = set()
    for name, page in pages.items():
        for link in page.links:
            if not link.startswith("#"):
                reached.add(posixpath.normpath(posixpath.join(posixpath.dirname(name), link)))
    assert reached <= set(members)
    assert {each for each in members if each.startswith(("a/", "r/", "sources/"))} <= reached
    blobs = {f"blobs/{each.content_digest[:2]}/{each.content_digest[2:]}" for each in artifacts}
    assert blobs <= reached


def test_pages_tell_of_what_is_in_the_bundle_alone(results, tmp_path):
    """Not of other artifacts of the repository, their sets, or the machine."""
    p.create_set([results["load"], results["table"]], "another")
    used = p.provenance(name="later")(len)(results["load"])
    run = p.artifact_of(results["load"]).run_info
    pages = pages_of(members_of(p.export(results["load"], tmp_path / "out.zip")))
    text = "".join(page.text for page in pages.values())
    assert "load" in text
    private = ("another", "later", p.artifact_of(used).id, run.host["nodename"], run.process["cwd"])
    assert [] == [each for each in private if str(each) in text]
    opened = p.export(results["load"], tmp_path / "opened.zip", redacted=False)
    assert run.host["nodename"] in "".join(
        page.text for page in pages_of(members_of(opened)).values()
    )


def test_values_are_shown_but_never_executed(memory_repo, tmp_path):
    """A table has its rows, and a pickle the reason that it is not shown."""
    table = p.provenance(name="rows")(lambda: pd.DataFrame({"x": ["seven", "eight"]}))()
    other = p.provenance(name="thing")(lambda: {"model": p.MemoryRepo})()
    pages = pages_of(members_of(p.export([table, other], tmp_path / "out.zip")))
    assert "eight" in pages[f"a/{p.artifact_of(table).id}.html"].text
    assert "may execute code" in pages[f"a/{p.artifact_of(other).id}.html"].text


@pytest.mark.usefixtures("plain")
def test_without_its_library_a_bundle_has_one_plain_page(results, tmp_path):
    """With each artifact, its function and arguments, and links to its value and to what it was made from."""
    bundle = p.export(p.load_set_by_name("production"), tmp_path / "all.zip")
    members = members_of(bundle)
    assert ["index.html"] == [name for name in members if name.endswith((".html", ".css"))]
    page = Page(members["index.html"].decode())
    artifacts = [*p.search(repo=p.open_bundle(bundle))]
    assert {each.id for each in artifacts} == set(page.anchors)
    assert all(each.name in page.text for each in artifacts)
    assert "production" in page.text
    inside = [link for link in page.links if link.startswith("#")]
    assert {link[1:] for link in inside} <= set(page.anchors)
    assert len(inside) > 2
    assert {link for link in page.links if not link.startswith("#")} <= set(members)


@pytest.mark.parametrize("has_library", [True, False])
def test_names_and_arguments_are_text(has_library, memory_repo, tmp_path, request):
    """Whatever others called their functions and their arguments."""
    if not has_library:
        request.getfixturevalue("plain")

    @p.provenance(name=HOSTILE)
    def work(**arguments):
        return [HOSTILE]

    with p.capture_set(labels=HOSTILE):
        work(**{HOSTILE: HOSTILE})
    path = p.export(p.load_set_by_name(HOSTILE), tmp_path / "out.zip")
    members = members_of(path)
    assert has_library == any(name.startswith("a/") for name in members)
    for name, data in members.items():
        if name.endswith(".html"):
            assert "script" not in Page(data.decode()).tags
            assert not {"\x1b", "\x07", "\u202e"} & set(data.decode())
    assert isinstance(path, Path)
