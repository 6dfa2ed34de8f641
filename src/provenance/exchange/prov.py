"""W3C PROV: the closure as PROV-JSON and as PROV-N.

Both are written from one list of statements. See https://www.w3.org/TR/prov-n/ and
https://www.w3.org/submissions/prov-json/.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, TypeAlias
from urllib.parse import quote

from attrs import frozen

from provenance.exchange.closure import Closure, Entry
from provenance.model.records import Json, Run
from provenance.model.rows import json_text

_PREFIXES: Final = ("artifact", "call", "function", "input", "run", "set")
PREFIXES: Final = {
    **{name: f"urn:provenance:{name}:" for name in _PREFIXES},
    "pv": "urn:provenance:term:",
}
"""The prefix of names, and the namespace of each: no web address is invented."""
_FORMAL: Final = {
    "entity": (),
    "agent": (),
    "activity": ("prov:startTime", "prov:endTime"),
    "wasGeneratedBy": ("prov:entity", "prov:activity", "prov:time"),
    "used": ("prov:activity", "prov:entity", "prov:time"),
    "wasDerivedFrom": (
        "prov:generatedEntity",
        "prov:usedEntity",
        "prov:activity",
        "prov:generation",
        "prov:usage",
    ),
    "wasAssociatedWith": ("prov:activity", "prov:agent", "prov:plan"),
    "actedOnBehalfOf": ("prov:delegate", "prov:responsible", "prov:activity"),
    "hadMember": ("prov:collection", "prov:entity"),
}
"""The positional arguments of each kind of statement, in the order of PROV-N."""


@frozen
class QName:
    """A qualified name as the value of an attribute."""

    name: str


Value: TypeAlias = "str | float | QName"
"""The value of an attribute."""


_SOFTWARE: Final[tuple[str, Value]] = ("prov:type", QName("prov:SoftwareAgent"))


@frozen
class Statement:
    """A statement: its kind, the name of what it describes (empty for a relation), and its attributes in order."""

    kind: str
    name: str
    attributes: tuple[tuple[str, Value], ...]


def prov_json(closure: Closure) -> str:
    """Return the PROV-JSON document of *closure*."""
    document: dict[str, dict[str, Json]] = {"prefix": dict(PREFIXES)}
    for number, statement in enumerate(statements(closure)):
        members = document.setdefault(statement.kind, {})
        members[statement.name or f"_:r{number}"] = {
            key: _json_value(value) for key, value in statement.attributes
        }
    return json.dumps(document, indent=1, ensure_ascii=False)


def prov_n(closure: Closure) -> str:
    """Return the PROV-N document of *closure*."""
    lines = ["document", *(f"  prefix {name} <{space}>" for name, space in PREFIXES.items()), ""]
    lines += [f"  {_line(statement)}" for statement in statements(closure)]
    return "\n".join([*lines, "endDocument", ""])


def statements(closure: Closure) -> Iterator[Statement]:
    """Yield what PROV says of *closure*: agents, then each call with what it used and generated, then sets."""
    for run in closure.runs.values():
        yield _agent(run)
        if run.parent_id is not None:
            if run.parent_id not in closure.runs:
                yield Statement("agent", f"run:{run.parent_id}", (_SOFTWARE,))
            delegate = ("prov:delegate", f"run:{run.id}")
            responsible = ("prov:responsible", f"run:{run.parent_id}")
            yield Statement("actedOnBehalfOf", "", (delegate, responsible))
    functions: set[str] = set()
    for entry in closure.entries:
        plan = _function(entry)
        if plan.name not in functions:
            functions.add(plan.name)
            yield plan
        yield from _artifact(entry, closure, plan.name)
    for known in closure.sets:
        label = [("prov:label", known.name)] if known.name else []
        name = f"set:{known.id}"
        kind = ("prov:type", QName("prov:Collection"))
        yield Statement(
            "entity", name, (kind, *label, ("pv:labels", json_text(dict(known.labels))))
        )
        for member in sorted(known.artifact_ids & closure.ids):
            yield _member(name, f"artifact:{member}")


def _agent(run: Run) -> Statement:
    facts = {
        "pv:python": str(run.python.get("version", "")),
        "pv:host": str(run.host.get("nodename", "")),
        "pv:system": str(run.host.get("system", "")),
        "pv:git_commit": str((run.git or {}).get("commit", "")),
    }
    return Statement(
        "agent",
        f"run:{run.id}",
        (_SOFTWARE, *[(name, text) for name, text in facts.items() if text]),
    )


def _function(entry: Entry) -> Statement:
    record = entry.record
    name = f"function:{quote(record.name, safe='')}/{record.version}"
    facts = (
        ("prov:type", QName("prov:Plan")),
        ("prov:label", f"{record.name}, version {record.version}"),
        ("pv:module", record.fn_module),
        ("pv:version", record.version),
    )
    return Statement("entity", name, facts)


def _artifact(entry: Entry, closure: Closure, plan: str) -> Iterator[Statement]:
    record = entry.record
    name, call = f"artifact:{record.id}", f"call:{record.id}"
    started, ended = record.computed_at.isoformat(), entry.ended_at.isoformat()
    kind = [("prov:type", QName("prov:Collection"))] if record.value_artifact_ids else []
    facts: tuple[tuple[str, Value], ...] = (
        *kind,
        ("prov:label", record.name),
        ("pv:value_digest", record.value_id),
        ("pv:value_type", record.value_type),
        ("pv:size", record.size_bytes),
        *([("pv:code", record.code)] if record.code else []),
    )
    yield Statement("entity", name, facts)
    label = (("prov:label", f"call of {record.name}"), ("pv:seconds", record.compute_duration))
    yield Statement(
        "activity", call, (("prov:startTime", started), ("prov:endTime", ended), *label)
    )
    relation = (("prov:entity", name), ("prov:activity", call), ("prov:time", ended))
    yield Statement("wasGeneratedBy", "", relation)
    if record.run_id in closure.runs:
        agent = ("prov:agent", f"run:{record.run_id}")
        yield Statement(
            "wasAssociatedWith", "", (("prov:activity", call), agent, ("prov:plan", plan))
        )
    for role, source in entry.uses:
        used = f"artifact:{source}"
        if source not in closure.ids:
            yield Statement("entity", used, (("pv:state", "deleted"),))
        named = [("prov:role", role)] if role else []
        yield Statement("used", "", (("prov:activity", call), ("prov:entity", used), *named))
        derived = (
            ("prov:generatedEntity", name),
            ("prov:usedEntity", used),
            ("prov:activity", call),
        )
        yield Statement("wasDerivedFrom", "", derived)
    for derivation in entry.derivations:
        # Nothing ran at a hit, so there is no activity: the artifact had been computed before.
        about = (("pv:derivation", derivation.id), ("pv:run", QName(f"run:{derivation.run_id}")))
        for source in sorted(derivation.input_artifact_ids):
            if source not in closure.ids:
                yield Statement("entity", f"artifact:{source}", (("pv:state", "deleted"),))
            pair = (("prov:generatedEntity", name), ("prov:usedEntity", f"artifact:{source}"))
            yield Statement("wasDerivedFrom", "", (*pair, *about))
    for number, (role, value) in enumerate(entry.plain):
        given = f"input:{record.id}.{number}"
        yield Statement("entity", given, (("prov:label", role), ("prov:value", json_text(value))))
        used_value = (("prov:activity", call), ("prov:entity", given), ("prov:role", role))
        yield Statement("used", "", used_value)
    for member in sorted(record.value_artifact_ids & closure.ids):
        yield _member(name, f"artifact:{member}")


def _member(collection: str, member: str) -> Statement:
    return Statement("hadMember", "", (("prov:collection", collection), ("prov:entity", member)))


def _json_value(value: Value) -> Json:
    if isinstance(value, QName):
        return {"$": value.name, "type": "prov:QUALIFIED_NAME"}
    return value


def _line(statement: Statement) -> str:
    """Return a statement in PROV-N: named arguments by position, `-` for those that are missing, then attributes."""
    formal = _FORMAL[statement.kind]
    given = dict(statement.attributes)
    places = [statement.name] if statement.name else []
    places += [str(given.get(name, "-")) for name in formal]
    others = [
        f"{key}={_literal(value)}" for key, value in statement.attributes if key not in formal
    ]
    attributes = [f"[{', '.join(others)}]"] if others else []
    return f"{statement.kind}({', '.join([*places, *attributes])})"


def _literal(value: Value) -> str:
    match value:
        case QName():
            return f"'{value.name}'"
        case str():
            escaped = (
                value.replace("\\", "\\\\")
                .replace('"', '\\"')
                .replace("\n", "\\n")
                .replace("\r", "\\r")
            )
            return f'"{escaped}"'
        case int():
            return str(value)
        case _:
            return f'"{value!r}" %% xsd:double'
