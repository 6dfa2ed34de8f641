"""A scene in the language of Graphviz, for who has it and wants to lay the picture out himself."""

from __future__ import annotations

from collections.abc import Iterator

from provenance.vis.scene import Call, Kind, Scene, Thing
from provenance.vis.style import LIGHT, class_of

_SHAPES = {Kind.PLAIN: "box", Kind.COMPOSITE: "box3d", Kind.FILE: "note", Kind.MISSING: "box"}


def dot(scene: Scene) -> str:
    """The scene as a directed graph: nodes `f0 …` for functions, `a0 …` for artifacts, by the number of the step."""
    return "\n".join(
        (
            "digraph lineage {",
            f"  label={quoted(scene.title)}; labelloc=t; fontname=sans; bgcolor={quoted(LIGHT.sheet)};",
            '  node [fontname=sans, fontsize=11, style="filled,rounded"]; edge [fontname=sans, fontsize=10];',
            *(line for i, step in enumerate(scene.steps) for line in _step(i, step.call, step.thing)),
            *(f"  a{use.source} -> f{use.user} [label={quoted(use.argument)}];" for use in scene.uses),
            "}",
            "",
        )
    )


def quoted(text: str) -> str:
    r"""*text* as a quoted string that shows just that: no escapes, references to the graph or entities are left in it.

    >>> print(quoted('a "b" <c> &amp; \\N'))
    "a \"b\" <c> &amp;amp; \\N"
    """
    inner = text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{inner}"'


def _label(*lines: str) -> str:
    """Several lines as one quoted string."""
    return '"' + "\\n".join(quoted(line)[1:-1] for line in lines if line) + '"'


def _step(number: int, call: Call | None, thing: Thing) -> Iterator[str]:
    if call is not None:
        lines = (call.title, *(f"{name} = {text}" for name, text in call.arguments), call.duration)
        paint = LIGHT.function
        colours = f"fillcolor={quoted(paint.fill)}, color={quoted(paint.line)}"
        yield f"  f{number} [shape=box, label={_label(*lines)}, {colours}];"
        yield f"  f{number} -> a{number} [arrowsize=0.6];"
    yield f"  a{number} [{_thing(thing)}];"


def _thing(thing: Thing) -> str:
    paint = LIGHT.paints[thing.outcome]
    tooltip = _label(*(f"{name}: {text}" for name, text in thing.facts))
    if thing.kind is Kind.MISSING:
        return f"shape=box, style=dashed, label={_label(thing.kind.value, thing.short_id)}, tooltip={tooltip}"
    outcome = "" if thing.outcome is None else class_of(thing.outcome)
    label = _label(f"{thing.type} · {thing.size}", thing.short_id, outcome)
    style = ' style="filled",' if thing.kind in (Kind.COMPOSITE, Kind.FILE) else ""
    colours = f"fillcolor={quoted(paint.fill)}, color={quoted(paint.line)}"
    return f"shape={_SHAPES[thing.kind]},{style} label={label}, tooltip={tooltip}, {colours}"
