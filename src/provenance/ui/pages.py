"""The content of each page, from a repository.

A page is the name of its template and what the template shows: mostly the JSON documents of the
command line. Nothing here knows HTTP or HTML, so the same pages are served and written as files.
"""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import islice, starmap
from statistics import median_high
from typing import Any, Final, cast

from attrs import field, frozen

import provenance as p
from provenance import extending
from provenance.documents.items import (
    Item,
    artifact_document,
    artifact_item,
    explanation_item,
    lineage_document,
    nest_runs,
    run_document,
    run_item,
    runs_of_id,
    set_item,
    stats_item,
    usage_item,
    used_runs,
)
from provenance.documents.words import ConditionError, page_of, parse_input, parse_time
from provenance.ui.code import code_of, literal, newest_results, of_other_code, sample_of
from provenance.ui.previews import preview_of
from provenance.util.formatting import did_you_mean, duration

PAGE_SIZE: Final = 50
NEAR: Final = 2
"""Steps of the lineage that the page of an artifact shows."""
MOST_NEAR: Final = 200
"""Artifacts that a small picture shows, the nearest ones."""
MOST_DRAWN: Final = 1_000
"""Artifacts that a whole picture shows, the nearest ones."""
MOST_LISTED: Final = 200
"""Members of a list without pages that are shown."""
FILTERS: Final = ("name", "input", "tag", "since", "until", "version", "run", "set")


@frozen
class Page:
    """A page: its template, its title, what it shows, and the JSON document of the same.

    Attributes:
        template: name of the template.
        title: title of the page.
        content: what the template shows.
        document: the JSON document.
        is_live: whether it changes while pipelines run.
        status: the HTTP status.
    """

    template: str
    title: str
    content: Mapping[str, object]
    document: Item = field(factory=dict)
    is_live: bool = False
    status: int = 200


class NotFound(p.ProvenanceError):
    """There is no such page."""


def overview(repo: p.Repository) -> Page:
    """Return the front page: numbers, functions, and what was computed lately."""
    by_function, by_run = p.functions(repo), p.disk_usage("run", repo)
    stats = stats_item(repo, by_function, by_run)
    artifacts, _ = p.search(repo=repo).page(10)
    newest_first = sorted(by_function, key=lambda usage: usage.newest, reverse=True)
    shown = [(usage_item(usage), sample_of(repo, usage.key)) for usage in newest_first[:12]]
    content = {
        "stats": stats,
        "functions": shown,
        "any_other": any(sample.other for _, sample in shown),
        "more_functions": max(len(newest_first) - 12, 0),
        "artifacts": [artifact_item(one, repo) for one in artifacts],
        "runs": _newest_runs(repo, by_run, 6),
    }
    return Page("overview", "Overview", content, stats, is_live=True)


def _newest_runs(repo: p.Repository, by_run: tuple[p.Usage, ...], most: int) -> list[Item]:
    """Return the newest runs that no other one started, by their first results; others are not read."""
    known = {usage.key for usage in by_run}
    latest = sorted(by_run, key=lambda usage: usage.oldest, reverse=True)
    found = (
        (repo.interpreter(extending.FindRun(extending.RunId(usage.key))), usage) for usage in latest
    )
    items = (run_item(run, usage) for run, usage in found if run and run.parent_id not in known)
    return list(islice(items, most))


# ---------------------------------------------------------------- artifacts


def artifacts(repo: p.Repository, given: Mapping[str, str]) -> Page:
    """Return a page of the artifacts that meet the conditions of the form."""
    conditions = {key: given.get(key, "").strip() for key in FILTERS}
    result = search(repo, conditions)
    members = None
    if conditions["set"]:
        members = p.load_set_by_name(conditions["set"].lstrip("@"), repo).artifact_ids
    start = _number(given.get("after", ""), "after")
    found, after = page_of(
        result, PAGE_SIZE, start, lambda one: members is None or one.id in members
    )
    items = [artifact_item(one, repo) for one in found]
    token = None if after is None else str(after)
    content = {
        "items": items,
        "conditions": conditions,
        "is_filtered": any(conditions.values()),
        "next": token,
        "is_first": not given.get("after"),
        "durations": [one.compute_duration for one in reversed(found)],
        "command": _ls(conditions),
    }
    document: Item = {"items": cast("Any", items), "next": token}
    return Page("artifacts", "Artifacts", content, document, is_live=not given.get("after"))


def search(repo: p.Repository, conditions: Mapping[str, str]) -> p.SearchResult:
    """Return what meets the conditions of the form, by the names of `FILTERS`."""
    given = {key: text for key, text in conditions.items() if text}
    inputs = [part for part in given.get("input", "").split(";") if part.strip()]
    return p.search(
        given.get("name"),
        version=_number(given.get("version", ""), "version"),
        inputs=dict(map(parse_input, inputs)) or None,
        tags=[given["tag"]] if "tag" in given else (),
        run=find_run(repo, given["run"]).id if "run" in given else None,
        since=parse_time(given["since"]) if "since" in given else None,
        until=parse_time(given["until"]) if "until" in given else None,
        repo=repo,
    )


def _number(text: str, what: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or len(text) > 18:  # noqa: PLR2004 - SQL integers have 64 bits
        raise ConditionError(f"{what} must be a whole number, got {text!r}")
    return int(text)


def _ls(conditions: Mapping[str, str]) -> str:
    """Return the command that lists the same."""
    words = ["provenance", "ls"]
    if conditions["name"]:
        words.append(conditions["name"])
    for key in FILTERS[1:]:
        if conditions[key]:
            words += [f"--{key}", conditions[key]]
    return shlex.join(words)


def _is_id(text: str) -> bool:
    """Return whether *text* is an id or its first digits."""
    return re.fullmatch(r"[0-9a-f]{6,40}", text) is not None


def _require_id(text: str) -> str:
    if not _is_id(text):
        raise NotFound(f"{text!r} is not an id; pass at least 6 hexadecimal digits")
    return text


def find_artifact(repo: p.Repository, artifact_id: str) -> p.Artifact[object]:
    """Return the artifact of an id or of its first digits."""
    return repo.get_by_id(_require_id(artifact_id))


def artifact(repo: p.Repository, given: Mapping[str, str]) -> Page:
    """Return the page of an artifact."""
    one = find_artifact(repo, given["id"])
    document = artifact_document(one, repo)
    run = None
    with suppress(p.RunNotFoundError, p.CorruptRecordError):
        run = run_item(one.run_info, None)
    used_by = cast("list[str]", document["used_by"])
    content = {
        "item": document,
        "fields": without_tags(cast("Item", document["custom_fields"])),
        "run": run,
        "graph": p.lineage(one, depth=NEAR, most=MOST_NEAR),
        "used_by": _items(repo, used_by[:MOST_LISTED]),
        "more_uses": max(len(used_by) - MOST_LISTED, 0),
        "sets": _sets_with(repo, one),
        "preview": preview_of(one, repo),
        "receipt": code_of(repo, one),
        "command": f"provenance show {one.id[:12]}",
        "line": f'p.load_proxy("{one.id[:12]}")',
    }
    return Page("artifact", f"{one.name} {one.id[:12]}", content, document)


def _sets_with(repo: p.Repository, one: p.Artifact[object]) -> list[Item]:
    """Return the sets that contain an artifact, newest first."""
    found: list[p.ArtifactSet] = []
    for set_id in repo.interpreter(extending.FindSetsContaining(one.id)):
        # Another process may have deleted it since.
        with suppress(p.SetNotFoundError):
            found.append(repo.get_set_by_id(set_id))
    found.sort(key=lambda each: (each.created_at, each.id), reverse=True)
    return [set_item(each) for each in found]


def without_tags(fields: Item) -> Item:
    """Return custom fields without the tags, which are among them."""
    return {name: value for name, value in fields.items() if name != "tags"}


def _items(repo: p.Repository, ids: list[str]) -> list[Item]:
    """Return the artifacts of these ids, without those that another process has deleted."""
    items: list[Item] = []
    for one in ids:
        with suppress(p.ArtifactNotFoundError, p.CorruptRecordError):
            items.append(artifact_item(repo.get_by_id(one), repo))
    return items


def lineage(repo: p.Repository, given: Mapping[str, str]) -> Page:
    """Return the page with the whole lineage of an artifact, or its first steps."""
    one = find_artifact(repo, given["id"])
    depth = _number(given.get("depth", ""), "depth")
    graph = p.lineage(one, depth=depth, most=MOST_DRAWN)
    content = {
        "item": artifact_item(one, repo),
        "graph": graph,
        "more": sum(graph.beyond.values()),
        "depth": depth,
        "tree": graph.tree(),
    }
    title = f"Lineage of {one.name} {one.id[:12]}"
    return Page("lineage", title, content, lineage_document(graph, repo))


def why(repo: p.Repository, given: Mapping[str, str]) -> Page:
    """Return the page that explains why an artifact was computed."""
    one = find_artifact(repo, given["id"])
    found = p.why(one)
    first, *rest = repr(found).splitlines()
    nearest = None
    if isinstance(found, p.CallDiffers):
        nearest = artifact_item(repo.get_by_id(found.nearest), repo)
    content = {
        "item": artifact_item(one, repo),
        "sentence": first,
        "differences": [line.strip() for line in rest],
        "nearest": nearest,
        "command": f"provenance why {one.id[:12]}",
    }
    title = f"Why {one.name} {one.id[:12]} was computed"
    return Page("why", title, content, explanation_item(found))


def uses(repo: p.Repository, given: Mapping[str, str]) -> Page:
    """Return the page of what was made from an artifact, at any distance; the picture may show the first steps."""
    one = find_artifact(repo, given["id"])
    depth = _number(given.get("depth", ""), "depth")
    found = p.descendants(one)
    items = [artifact_item(artifact, repo) for artifact in found[:MOST_LISTED]]
    content = {
        "item": artifact_item(one, repo),
        "items": items,
        "more": len(found) - len(items),
        "graph": p.lineage(one, depth=depth, most=MOST_NEAR, down=True) if found else None,
        "depth": depth,
        "command": f"provenance lineage --down {one.id[:12]}",
    }
    document: Item = {"items": cast("Any", items), "next": None}
    return Page("uses", f"Uses of {one.name} {one.id[:12]}", content, document, is_live=True)


# ---------------------------------------------------------------- functions, runs, sets


def function(repo: p.Repository, given: Mapping[str, str]) -> Page:
    """Return the page of a function: its versions, the arguments seen, and durations."""
    name = given["name"]
    usage = {one.key: one for one in p.functions(repo)}.get(name)
    if usage is None:
        raise NotFound(f"no function {name!r} has results in repository {repo.name!r}")
    found = newest_results(repo, name, MOST_LISTED)
    other = of_other_code(found)
    items = [artifact_item(one, repo) for one in found]
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        for parameter, value in cast("Item", item["inputs"]).items():
            seen[parameter][json.dumps(value, sort_keys=True)] += 1
    parameters = {
        parameter: [(json.loads(text), count) for text, count in texts.most_common(6)]
        for parameter, texts in seen.items()
    }
    durations = [one.compute_duration for one in reversed(found)]
    content = {
        "name": name,
        "usage": usage_item(usage),
        "items": items,
        "parameters": parameters,
        "marks": dict.fromkeys(other, "other code"),
        "found": len(found),
        "versions": sorted(Counter(one.version for one in found).items()),
        "durations": durations,
        "median": median_high(durations) if durations else 0.0,
        "more": usage.artifacts - len(items),
    }
    document = {**usage_item(usage), "items": cast("Any", items)}
    return Page("function", name, content, document, is_live=True)


def runs(repo: p.Repository) -> Page:
    """Return the page of the processes that computed artifacts."""
    nested = nest_runs(starmap(run_item, used_runs(repo)))
    items = [item for item, _ in nested]
    content = {
        "items": items[:MOST_LISTED],
        "depths": {item["id"]: depth for item, depth in nested},
        "more": max(len(items) - MOST_LISTED, 0),
    }
    return Page("runs", "Runs", content, {"items": cast("Any", items), "next": None}, is_live=True)


def find_run(repo: p.Repository, run_id: str) -> p.Run:
    """Return the run of an id or of its first digits."""
    return _only_run(p.runs(repo), run_id, repo)


def _only_run(runs: Iterable[p.Run], run_id: str, repo: p.Repository) -> p.Run:
    found = runs_of_id(repo, run_id, runs)
    if len(found) != 1:
        count = "no run begins" if not found else f"{len(found)} runs begin"
        raise NotFound(f"{count} with {run_id!r} in repository {repo.name!r}")
    return found[0]


def run(repo: p.Repository, given: Mapping[str, str]) -> Page:
    """Return the page of a process: where and with what it ran, and what it computed."""
    known = used_runs(repo)
    one = _only_run((process for process, _ in known), given["id"], repo)
    usage = next((used for process, used in known if process.id == one.id), None)
    document = run_document(one)
    result = p.search(run=one.id, repo=repo)
    items = [artifact_item(artifact, repo) for artifact in islice(result, MOST_LISTED)]
    started = [run_item(*other) for other in known if other[0].parent_id == one.id]
    content = {
        "run": run_item(one, usage),
        "started": started[:MOST_LISTED],
        "more_started": max(len(started) - MOST_LISTED, 0),
        "groups": {name: document[name] for name in ("git", "python", "host", "process", "extra")},
        "packages": document["packages"] or {},
        "items": items,
        "more": max((usage.artifacts if usage else 0) - len(items), 0),
    }
    return Page("run", f"Run {one.id[:12]}", content, document, is_live=True)


def sets(repo: p.Repository) -> Page:
    """Return the page of the sets of artifacts."""
    items = [set_item(one) for one in p.sets(repo)]
    content = {"items": items[:MOST_LISTED], "more": max(len(items) - MOST_LISTED, 0)}
    return Page("sets", "Sets", content, {"items": cast("Any", items), "next": None}, is_live=True)


def artifact_set(repo: p.Repository, given: Mapping[str, str]) -> Page:
    """Return the page of a set and its members."""
    one = repo.get_set_by_id(_require_id(given["id"]))
    ids = sorted(one.artifact_ids)
    content = {
        "set": set_item(one),
        "items": _items(repo, list(ids[:MOST_LISTED])),
        "more": max(len(ids) - MOST_LISTED, 0),
        "line": f'p.load_set_by_id("{one.id[:12]}")',
    }
    return Page("set", one.name or f"Set {one.id[:12]}", content, set_item(one))


# ---------------------------------------------------------------- search and storage


def find(repo: p.Repository, given: Mapping[str, str]) -> Page:
    """Return the page of what a text names: an id, a name, a tag, or the id of a value."""
    text = given.get("q", "").strip()
    groups: list[tuple[str, list[Item]]] = []

    def add(title: str, find: Callable[[], Iterable[p.Artifact[object]]], most: int) -> None:
        with suppress(p.ProvenanceError):
            if some := [artifact_item(one, repo) for one in islice(find(), most)]:
                groups.append((title, some))

    if _is_id(text):
        add("with this id", lambda: _by_id(repo, text), MOST_LISTED)
        add("with this value", lambda: repo.get_by_value_id(text), MOST_LISTED)
    if text:
        add("of this function", lambda: p.search(text, repo=repo), PAGE_SIZE)
        add("with this tag", lambda: p.search(tags=[text], repo=repo), PAGE_SIZE)
    if text and not groups:
        pattern = f"*{literal(text)}*"
        add("whose function's name has it", lambda: p.search(pattern, repo=repo), PAGE_SIZE)
    items = [item for _, some in groups for item in some]
    known = [one.key for one in p.functions(repo)] if text and not groups else []
    content = {
        "query": text,
        "groups": groups,
        "advice": did_you_mean(text, known) if known else "",
    }
    return Page("search", "Search", content, {"items": cast("Any", items), "next": None})


def _by_id(repo: p.Repository, text: str) -> list[p.Artifact[object]]:
    try:
        return [repo.get_by_id(text)]
    except p.AmbiguousIdError as error:
        return [repo.get_by_id(one) for one in error.matches]


def storage(repo: p.Repository) -> Page:
    """Return the page of where things are stored and what takes the room."""
    by_function = p.disk_usage("function", repo)
    stats = stats_item(repo, by_function, p.disk_usage("run", repo))
    groups = {
        "function": by_function[:20],
        "type": p.disk_usage("type", repo)[:20],
        "serializer": p.disk_usage("serializer", repo),
        "month": p.disk_usage("month", repo)[:24],
    }
    leases = sorted(p.expired_leases(repo), key=lambda one: -one.seconds)
    content = {
        "stats": stats,
        "leases": [(one.artifact_id, duration(one.seconds)) for one in leases[:MOST_LISTED]],
        "more_leases": max(len(leases) - MOST_LISTED, 0),
        "groups": {title: list(map(usage_item, some)) for title, some in groups.items()},
        "is_trusted": repo.trusted,
    }
    return Page("storage", "Storage", content, stats)


def problem(title: str, text: str, status: int) -> Page:
    """Return the page that says what is wrong."""
    return Page("problem", title, {"text": text}, {"code": status, "message": text}, status=status)
