"""A scene in the languages of Graphviz and Mermaid."""

from __future__ import annotations

from collections.abc import Iterator

from provenance.vis.scene import ArtifactNode, FunctionNode, Kind, Scene, Step, Use, class_of
from provenance.vis.svg import LIGHT, Paint

_SHAPES = {Kind.PLAIN: "box", Kind.COMPOSITE: "box3d", Kind.FILE: "note"}


def dot(scene: Scene) -> str:
    """Return the scene as a digraph: nodes `f0 …` are functions, `a0 …` artifacts, by step."""
    graph = f"label={quote_dot(scene.title)}; labelloc=t; fontname=sans; bgcolor={quote_dot(LIGHT.sheet)};"
    node = 'node [fontname=sans, fontsize=11, style="filled,rounded"];'
    edge = "edge [fontname=sans, fontsize=10];"
    lines = ["digraph lineage {", f"  {graph}", f"  {node} {edge}"]
    for i, step in enumerate(scene.steps):
        lines += _dot_step(i, step)
    for use in scene.uses:
        label = quote_dot(use.argument)
        lines.append(f"  a{use.source} -> {_user(scene, use)} [label={label}];")
    return "\n".join((*lines, "}", ""))


def _user(scene: Scene, use: Use) -> str:
    """Return the node that an edge leads to: a function, or what stands for those that are left out."""
    return f"{'a' if scene.steps[use.user].call is None else 'f'}{use.user}"


def _call_lines(call: FunctionNode) -> tuple[str, ...]:
    return call.title, *(f"{name} = {text}" for name, text in call.arguments), call.duration


def _thing_lines(thing: ArtifactNode) -> tuple[str, ...]:
    if thing.kind is Kind.MORE:
        return (thing.type,)
    if thing.kind is Kind.MISSING:
        return thing.kind.value, thing.short_id
    outcome = "" if thing.outcome is None else class_of(thing.outcome)
    return f"{thing.type} · {thing.size}", thing.label, outcome


def quote_dot(*lines: str) -> str:
    r"""Return lines of text as one quoted string, without escapes, references to the graph or entities.

    >>> print(quote_dot('a "b" <c> &amp; \\N'))
    "a \"b\" <c> &amp;amp; \\N"
    """
    texts = (
        line.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
        for line in lines
        if line
    )
    return '"' + "\\n".join(texts) + '"'


def _colors(paint: Paint) -> str:
    return f"fillcolor={quote_dot(paint.fill)}, color={quote_dot(paint.line)}"


def _dot_step(number: int, step: Step) -> Iterator[str]:
    thing = step.artifact
    if step.call is not None:
        label = quote_dot(*_call_lines(step.call))
        yield f"  f{number} [shape=box, label={label}, {_colors(LIGHT.function)}];"
        yield f"  f{number} -> a{number} [arrowsize=0.6];"
    label = quote_dot(*_thing_lines(thing))
    tooltip = quote_dot(*(f"{name}: {text}" for name, text in thing.facts))
    if thing.is_gone:
        yield f"  a{number} [shape=box, style=dashed, label={label}, tooltip={tooltip}];"
        return
    style = ' style="filled",' if thing.kind in (Kind.COMPOSITE, Kind.FILE) else ""
    colors = _colors(LIGHT.paints[thing.outcome])
    shape = f"shape={_SHAPES[thing.kind]},{style}"
    yield f"  a{number} [{shape} label={label}, tooltip={tooltip}, {colors}];"


_MERMAID_SHAPES = {Kind.COMPOSITE: ("[[", "]]"), Kind.FILE: (">", "]")}
_PLAIN = frozenset(" .,_-=:/…·")


def mermaid(scene: Scene) -> str:
    """Return the scene as a flow chart: nodes `f0 …` are functions, `a0 …` artifacts, by step."""
    lines = ["flowchart TD"]
    for i, step in enumerate(scene.steps):
        lines += _mermaid_step(i, step)
    for use in scene.uses:
        label = quote_mermaid(use.argument or " ")
        lines.append(f"  a{use.source} -->|{label}| {_user(scene, use)}")
    return "\n".join((*lines, *_classes(scene), ""))


def quote_mermaid(*lines: str) -> str:
    """Return lines of text as one quoted string; special characters of Mermaid and HTML are codes.

    >>> quote_mermaid('a "b" <c>', "#;")
    '"a #34;b#34; #60;c#62;<br/>#35;#59;"'
    """
    return '"' + "<br/>".join("".join(map(_mermaid_escaped, line)) for line in lines if line) + '"'


def _mermaid_escaped(character: str) -> str:
    is_plain = character.isalnum() or character in _PLAIN or not character.isascii()
    return character if is_plain else f"#{ord(character)};"


def _mermaid_step(number: int, step: Step) -> Iterator[str]:
    thing = step.artifact
    if step.call is not None:
        yield f"  f{number}[{quote_mermaid(*_call_lines(step.call))}]:::function"
        yield f"  f{number} --> a{number}"
    opening, closing = _MERMAID_SHAPES.get(thing.kind, ("([", "])"))
    style = "missing" if thing.is_gone else class_of(thing.outcome)
    yield f"  a{number}{opening}{quote_mermaid(*_thing_lines(thing))}{closing}:::{style}"


def _classes(scene: Scene) -> Iterator[str]:
    outcomes = sorted({step.artifact.outcome for step in scene.steps}, key=class_of)
    paints = {class_of(outcome): LIGHT.paints[outcome] for outcome in outcomes}
    missing = Paint(LIGHT.sheet, LIGHT.quiet)
    for name, paint in {"function": LIGHT.function, **paints, "missing": missing}.items():
        dashes = ",stroke-dasharray:4 3" if name == "missing" else ""
        yield f"  classDef {name} fill:{paint.fill},stroke:{paint.line},color:{LIGHT.text}{dashes}"
