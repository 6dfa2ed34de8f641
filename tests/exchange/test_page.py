"""The page of a bundle shows what is in it, and nothing in it is believed."""

from html.parser import HTMLParser
from pathlib import Path

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


def test_each_artifact_is_on_the_page(bundle):
    """With its function and arguments, and links to its value and to what it was made from."""
    members = members_of(bundle)
    page = Page(members["index.html"].decode())
    artifacts = [*p.search(repo=p.open_bundle(bundle))]
    assert {each.id for each in artifacts} == set(page.anchors)
    assert all(each.name in page.text for each in artifacts)
    assert "production" in page.text
    inside = [link for link in page.links if link.startswith("#")]
    assert {link[1:] for link in inside} <= set(page.anchors)
    assert len(inside) > 2
    assert {link for link in page.links if not link.startswith("#")} <= set(members)


def test_names_and_arguments_are_text(memory_repo, tmp_path):
    """Whatever others called their functions and their arguments."""

    @p.provenance(name=HOSTILE)
    def work(**arguments):
        return [HOSTILE]

    with p.capture_set(labels=HOSTILE):
        work(**{HOSTILE: HOSTILE})
    path = p.export(p.load_set_by_name(HOSTILE), tmp_path / "out.zip")
    text = members_of(path)["index.html"].decode()
    assert "script" not in Page(text).tags
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert isinstance(path, Path)
