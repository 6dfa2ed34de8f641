"""The pages as files, for a bundle or a folder that is handed on."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import Final

from attrs import evolve

import provenance as p
from provenance.documents.items import artifact_item, run_item, set_item
from provenance.ui import pages
from provenance.ui.pages import Page
from provenance.ui.previews import browsing, read_image
from provenance.ui.rendering import Frame, Links, asset, render

MOST_PAGES: Final = 1_000
"""Artifacts that have pages of their own, those nearest to the results first."""
_ASSETS: Final = ("style.css", "lineage.css", "icon.svg")


def render_site(
    repo: p.Repository,
    roots: Iterable[object],
    others: Iterable[object] = (),
    *,
    files: Container[str] = (),
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a site about some artifacts and all that they were made from.

    The site has no script and needs no server; `index.html` is its front page. No value that could
    execute code is read.

    Args:
        repo: The repository that has the artifacts.
        roots: The artifacts: results, artifacts or ids.
        others: Artifacts that have pages, too, whether or not the roots were made from them.
        files: Other files of the folder, to which pages link: values and sources, by the paths that they have in a bundle.

    Yields:
        The path of a file below the site's folder, and its content.

    Raises:
        ArtifactNotFoundError: for a root that is not there.
        MissingLibraryError: if Jinja2 is not installed.
    """
    place = browsing(repo)
    chosen = [place.get_by_id(root) for root in roots]
    found: dict[str, p.Artifact[object]] = {}
    for root in chosen:
        graph = p.lineage(root)
        found |= {key: graph.artifacts[key] for key in reversed(graph.order)}
    found |= {one.id: one for one in map(place.get_by_id, others) if one.id not in found}
    more = max(len(found) - MOST_PAGES, 0)
    found = dict(islice(found.items(), MOST_PAGES))
    runs = {one.run_id: one for one in found.values()}
    known = frozenset([*found, *runs])
    frame = Frame(place.name, Links("", ".html", known, files))
    usages = {usage.key: usage for usage in p.disk_usage("run", place)}
    index = {
        "roots": [artifact_item(one, place) for one in chosen],
        "items": [artifact_item(one, place) for one in found.values()],
        "more": more,
        "runs": [run_item(place.load_run(one), usages.get(key)) for key, one in runs.items()],
        "sets": [set_item(one) for one in p.sets(place) if not one.artifact_ids.isdisjoint(found)],
    }
    yield _file("index.html", Page("index", "Results and where they came from", index), frame)
    for key, one in found.items():
        yield _file(f"a/{key}.html", pages.artifact(place, {"id": key}), frame)
        if (image := read_image(one, place)) is not None:
            data, media_type = image
            yield Links(suffix=".html", root="").image(key, media_type), data
    for key in runs:
        yield _file(f"r/{key}.html", pages.run(place, {"id": key}), frame)
    for name in _ASSETS:
        content = asset(name)
        if content is not None:
            yield f"assets/{name}", content[0]


def _file(path: str, page: Page, frame: Frame) -> tuple[str, bytes]:
    root = "../" * (len(PurePosixPath(path).parts) - 1)
    here = evolve(frame, links=evolve(frame.links, root=root))
    return path, render(page, here).encode("utf-8", "replace")
