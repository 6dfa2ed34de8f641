"""The pages as files: whole, without a script, and leading only to one another."""

import re
from pathlib import PurePosixPath

import pytest

import provenance as p
from provenance.ui.static import render_site
from ui.conftest import png


@pytest.fixture
def site(store):
    """The files of a site about a score and a picture."""
    roots = [store["score"], store["picture"].id]
    return dict(render_site(p.get_default_repo(), roots))


def test_a_site_has_what_the_results_were_made_from(site, store):
    """Each artifact of their lineage has a page, and so has the run; nothing else of the store is there."""
    ids = {store[name].id for name in ("score", "six", "data", "picture")}
    assert {f"a/{one}.html" for one in ids} == {path for path in site if path.startswith("a/")}
    assert f"r/{store['score'].run_id}.html" in site
    assert store["three"].id not in site["index.html"].decode()


def test_runs_tell_what_they_computed(site, store):
    """The front page counts the artifacts of each run, as the page that is served does."""
    text = site["index.html"].decode().split("<h2>Runs</h2>")[1]
    (usage,) = p.disk_usage("run")
    assert f'<td class="n">{usage.artifacts}</td>' in text


def test_links_lead_to_files_of_the_site(site):
    """Every address is relative, and leads to a file."""
    for path, content in site.items():
        if not path.endswith(".html"):
            continue
        for link in re.findall(r'(?:href|src)="([^"]*)"', content.decode()):
            if link.startswith(("#", "data:")):
                continue
            parts = []
            for part in (PurePosixPath(path).parent / link).parts:
                if part == "..":
                    parts.pop()
                else:
                    parts.append(part)
            assert "/".join(parts) in site, (path, link)


def test_a_site_has_no_script(site):
    """It is shown as it is, wherever it is opened."""
    for path, content in site.items():
        if path.endswith(".html"):
            assert b"<script" not in content
            assert b"script-src 'none'" in content


def test_images_are_files(site, store):
    """An archived image is beside the pages."""
    assert png() == site[f"images/{store['picture'].id}.png"]


def test_an_unknown_root_is_an_error(store):
    """Nothing is left out silently."""
    with pytest.raises(p.ArtifactNotFoundError):
        list(render_site(p.get_default_repo(), ["f" * 40]))
