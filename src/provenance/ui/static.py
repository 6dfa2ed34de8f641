"""The pages as files, for a bundle or a folder that is handed on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

import provenance as p
from provenance.documents.items import artifact_item, run_item
from provenance.ui import pages
from provenance.ui.app import browsing
from provenance.ui.pages import Page
from provenance.ui.previews import read_image
from provenance.ui.rendering import Frame, Links, asset, render

_ASSETS: Final = ("style.css", "lineage.css", "icon.svg")


def render_site(repo: p.Repository, roots: Iterable[object]) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a site about some artifacts and all that they were made from.

    The site has no script and needs no server; `index.html` is its front page. No value that could
    execute code is read.

    Args:
        repo: The repository that has the artifacts.
        roots: The artifacts: results, artifacts or ids.

    Yields:
        The path of a file below the site's folder, and its content.

    Raises:
        ArtifactNotFoundError: for a root that is not there.
    """
    place = browsing(repo)
    chosen = [place.get_by_id(root) for root in roots]
    found: dict[str, p.Artifact[object]] = {}
    for root in chosen:
        graph = p.lineage(root)
        found |= {key: graph.artifacts[key] for key in reversed(graph.order)}
    runs = {one.run_id: one for one in found.values()}
    known = frozenset([*found, *runs])
    yield _file("index.html", _index(place, chosen, found), place, known)
    for key, one in found.items():
        yield _file(f"a/{key}.html", pages.artifact(place, key), place, known)
        if (image := read_image(one, place)) is not None:
            data, media_type = image
            yield Links(suffix=".html", root="").image(key, media_type), data
    for key in runs:
        yield _file(f"r/{key}.html", pages.run(place, key), place, known)
    for name in _ASSETS:
        content = asset(name)
        if content is not None:
            yield f"assets/{name}", content[0]


def _file(path: str, page: Page, repo: p.Repository, known: frozenset[str]) -> tuple[str, bytes]:
    root = "../" * (len(PurePosixPath(path).parts) - 1)
    frame = Frame(repo.name, Links(root, ".html", known))
    return path, render(page, frame).encode("utf-8", "replace")


def _index(
    repo: p.Repository, roots: list[p.Artifact[object]], found: dict[str, p.Artifact[object]]
) -> Page:
    runs = {one.run_id: one for one in found.values()}
    content = {
        "roots": [artifact_item(one, repo) for one in roots],
        "items": [artifact_item(one, repo) for one in found.values()],
        "runs": [run_item(one.run_info, None) for one in runs.values()],
    }
    return Page("index", "Results and where they came from", content)
