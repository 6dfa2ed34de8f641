"""W3C PROV: the closure as PROV-JSON and as PROV-N.

Both are written from one list of statements. See https://www.w3.org/TR/prov-n/ and
https://www.w3.org/submissions/prov-json/.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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

_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r"})


@frozen
class QName:
    """A qualified name as the value of an attribute."""

    name: str


Value: TypeAlias = "str | float | QName"
"""The value of an attribute."""


_SOFTWARE: Final = {"prov:type": QName("prov:SoftwareAgent")}
_DELETED: Final = {"pv:state": "deleted"}
_COLLECTION: Final = {"prov:type": QName("prov:Collection")}


@frozen
class Statement:
    """A statement: its kind, the name of what it describes (empty for a relation), and its attributes in order."""

    kind: str
    name: str
    attributes: Mapping[str, Value]


def prov_json(closure: Closure) -> str:
    """Return the PROV-JSON document of *closure*."""
    document: dict[str, dict[str, Json]] = {"prefix": dict(PREFIXES)}
    for number, statement in enumerate(statements(closure)):
        members = document.setdefault(statement.kind, {})
        members[statement.name or f"_:r{number}"] = {
            key: _json_value(value) for key, value in statement.attributes.items()
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
                yield Statement("agent", f"run:{run.parent_id}", _SOFTWARE)
            yield _relation("actedOnBehalfOf", f"run:{run.id}", f"run:{run.parent_id}")
    functions: set[str] = set()
    for entry in closure.entries:
        plan = _function(entry)
        if plan.name not in functions:
            functions.add(plan.name)
            yield plan
        yield from _artifact(entry, closure, plan.name)
    for known in closure.sets:
        name = f"set:{known.id}"
        label = {"prov:label": known.name} if known.name else {}
        labels = {"pv:labels": json_text(dict(known.labels))}
        yield Statement("entity", name, {**_COLLECTION, **label, **labels})
        for member in sorted(known.artifact_ids & closure.ids):
            yield _relation("hadMember", name, f"artifact:{member}")


def _relation(kind: str, *formal: str, others: Mapping[str, Value] | None = None) -> Statement:
    """Return a relation with its first *formal* arguments by position."""
    named = dict(zip(_FORMAL[kind], formal, strict=False))
    return Statement(kind, "", {**named, **(others or {})})


def _agent(run: Run) -> Statement:
    facts = {
        "pv:python": str(run.python.get("version", "")),
        "pv:host": str(run.host.get("nodename", "")),
        "pv:system": str(run.host.get("system", "")),
        "pv:git_commit": str((run.git or {}).get("commit", "")),
    }
    known = {name: text for name, text in facts.items() if text}
    return Statement("agent", f"run:{run.id}", {**_SOFTWARE, **known})


def _function(entry: Entry) -> Statement:
    record = entry.record
    name = f"function:{quote(record.name, safe='')}/{record.version}"
    facts: dict[str, Value] = {
        "prov:type": QName("prov:Plan"),
        "prov:label": f"{record.name}, version {record.version}",
        "pv:module": record.fn_module,
        "pv:version": record.version,
    }
    return Statement("entity", name, facts)


def _artifact(entry: Entry, closure: Closure, plan: str) -> Iterator[Statement]:
    record = entry.record
    name, call = f"artifact:{record.id}", f"call:{record.id}"
    started, ended = record.computed_at.isoformat(), entry.ended_at.isoformat()
    facts: dict[str, Value] = {
        "prov:label": record.name,
        "pv:value_digest": record.value_id,
        "pv:value_type": record.value_type,
        "pv:size": record.size_bytes,
    }
    kind = _COLLECTION if record.value_artifact_ids else {}
    code = {"pv:code": record.code} if record.code else {}
    yield Statement("entity", name, {**kind, **facts, **code})
    times: dict[str, Value] = {
        "prov:startTime": started,
        "prov:endTime": ended,
        "prov:label": f"call of {record.name}",
        "pv:seconds": record.compute_duration,
    }
    yield Statement("activity", call, times)
    yield _relation("wasGeneratedBy", name, call, ended)
    if record.run_id in closure.runs:
        yield _relation("wasAssociatedWith", call, f"run:{record.run_id}", plan)
    for role, source in entry.uses:
        used = f"artifact:{source}"
        if source not in closure.ids:
            yield Statement("entity", used, _DELETED)
        yield _relation("used", call, used, others={"prov:role": role} if role else None)
        yield _relation("wasDerivedFrom", name, used, call)
    for derivation in entry.derivations:
        # Nothing ran at a hit, so there is no activity: the artifact had been computed before.
        about: dict[str, Value] = {
            "pv:derivation": derivation.id,
            "pv:run": QName(f"run:{derivation.run_id}"),
        }
        for source in sorted(derivation.input_artifact_ids):
            if source not in closure.ids:
                yield Statement("entity", f"artifact:{source}", _DELETED)
            yield _relation("wasDerivedFrom", name, f"artifact:{source}", others=about)
    for number, (role, value) in enumerate(entry.plain):
        given = f"input:{record.id}.{number}"
        yield Statement("entity", given, {"prov:label": role, "prov:value": json_text(value)})
        yield _relation("used", call, given, others={"prov:role": role})
    for member in sorted(record.value_artifact_ids & closure.ids):
        yield _relation("hadMember", name, f"artifact:{member}")


def _json_value(value: Value) -> Json:
    if isinstance(value, QName):
        return {"$": value.name, "type": "prov:QUALIFIED_NAME"}
    return value


def _line(statement: Statement) -> str:
    """Return a statement in PROV-N: named arguments by position, `-` for those that are missing, then attributes."""
    formal = _FORMAL[statement.kind]
    given = statement.attributes
    places = [statement.name] if statement.name else []
    places += [str(given.get(name, "-")) for name in formal]
    others = [f"{key}={_literal(value)}" for key, value in given.items() if key not in formal]
    attributes = [f"[{', '.join(others)}]"] if others else []
    return f"{statement.kind}({', '.join([*places, *attributes])})"


def _literal(value: Value) -> str:
    match value:
        case QName():
            return f"'{value.name}'"
        case str():
            return f'"{value.translate(_ESCAPES)}"'
        case int():
            return str(value)
        case _:
            return f'"{value!r}" %% xsd:double'
