"""A scene in the languages of Graphviz and Mermaid."""

from __future__ import annotations

from collections.abc import Iterator

from provenance.vis.scene import ArtifactNode, FunctionNode, Kind, Scene, Use, class_of
from provenance.vis.svg import LIGHT, Paint

_SHAPES = {Kind.PLAIN: "box", Kind.COMPOSITE: "box3d", Kind.FILE: "note"}


def dot(scene: Scene) -> str:
    """Return the scene as a digraph: nodes `f0 …` are functions, `a0 …` artifacts, by step."""
    graph = f"label={quote_dot(scene.title)}; labelloc=t; fontname=sans; bgcolor={quote_dot(LIGHT.sheet)};"
    node = 'node [fontname=sans, fontsize=11, style="filled,rounded"];'
    edge = "edge [fontname=sans, fontsize=10];"
    lines = ["digraph lineage {", f"  {graph}", f"  {node} {edge}"]
    for i, step in enumerate(scene.steps):
        lines += _step(i, step.call, step.artifact)
    for use in scene.uses:
        label = quote_dot(use.argument)
        lines.append(f"  a{use.source} -> {_user(scene, use)} [label={label}];")
    return "\n".join((*lines, "}", ""))


def _user(scene: Scene, use: Use) -> str:
    """Return the node that an edge leads to: a function, or what stands for those that are left out."""
    return f"{'a' if scene.steps[use.user].call is None else 'f'}{use.user}"


def quote_dot(text: str) -> str:
    r"""Return *text* as a quoted string, without escapes, references to the graph or entities.

    >>> print(quote_dot('a "b" <c> &amp; \\N'))
    "a \"b\" <c> &amp;amp; \\N"
    """
    return f'"{_escape(text)}"'


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def _label(*lines: str) -> str:
    """Return several lines as one quoted string."""
    return '"' + "\\n".join(_escape(line) for line in lines if line) + '"'


def _colors(paint: Paint) -> str:
    return f"fillcolor={quote_dot(paint.fill)}, color={quote_dot(paint.line)}"


def _step(number: int, call: FunctionNode | None, thing: ArtifactNode) -> Iterator[str]:
    if call is not None:
        lines = (call.title, *(f"{name} = {text}" for name, text in call.arguments), call.duration)
        yield f"  f{number} [shape=box, label={_label(*lines)}, {_colors(LIGHT.function)}];"
        yield f"  f{number} -> a{number} [arrowsize=0.6];"
    yield f"  a{number} [{_thing(thing)}];"


def _thing(thing: ArtifactNode) -> str:
    tooltip = _label(*(f"{name}: {text}" for name, text in thing.facts))
    if thing.kind in (Kind.MISSING, Kind.MORE):
        label = _label(*_gone(thing))
        return f"shape=box, style=dashed, label={label}, tooltip={tooltip}"
    outcome = "" if thing.outcome is None else class_of(thing.outcome)
    label = _label(f"{thing.type} · {thing.size}", thing.label, outcome)
    style = ' style="filled",' if thing.kind in (Kind.COMPOSITE, Kind.FILE) else ""
    colors = _colors(LIGHT.paints[thing.outcome])
    return f"shape={_SHAPES[thing.kind]},{style} label={label}, tooltip={tooltip}, {colors}"


def _gone(thing: ArtifactNode) -> tuple[str, ...]:
    """Return the lines of what is not recorded any more, or left out."""
    return (thing.type,) if thing.kind is Kind.MORE else (thing.kind.value, thing.short_id)


_MERMAID_SHAPES = {Kind.COMPOSITE: ("[[", "]]"), Kind.FILE: (">", "]")}
_PLAIN = frozenset(" .,_-=:/…·")


def mermaid(scene: Scene) -> str:
    """Return the scene as a flow chart: nodes `f0 …` are functions, `a0 …` artifacts, by step."""
    return "\n".join(
        (
            "flowchart TD",
            *(
                line
                for i, step in enumerate(scene.steps)
                for line in _mermaid_step(i, step.call, step.artifact)
            ),
            *(
                f"  a{use.source} -->|{quote_mermaid(use.argument or ' ')}| {_user(scene, use)}"
                for use in scene.uses
            ),
            *_classes(scene),
            "",
        )
    )


def quote_mermaid(*lines: str) -> str:
    """Return lines of text as one quoted string; special characters of Mermaid and HTML are codes.

    >>> quote_mermaid('a "b" <c>', "#;")
    '"a #34;b#34; #60;c#62;<br/>#35;#59;"'
    """
    return '"' + "<br/>".join("".join(map(_mermaid_escaped, line)) for line in lines if line) + '"'


def _mermaid_escaped(character: str) -> str:
    is_plain = character.isalnum() or character in _PLAIN or not character.isascii()
    return character if is_plain else f"#{ord(character)};"


def _mermaid_step(number: int, call: FunctionNode | None, thing: ArtifactNode) -> Iterator[str]:
    if call is not None:
        lines = (call.title, *(f"{name} = {text}" for name, text in call.arguments), call.duration)
        yield f"  f{number}[{quote_mermaid(*lines)}]:::function"
        yield f"  f{number} --> a{number}"
    opening, closing = _MERMAID_SHAPES.get(thing.kind, ("([", "])"))
    if thing.kind in (Kind.MISSING, Kind.MORE):
        yield f"  a{number}{opening}{quote_mermaid(*_gone(thing))}{closing}:::missing"
        return
    outcome = "" if thing.outcome is None else class_of(thing.outcome)
    label = quote_mermaid(f"{thing.type} · {thing.size}", thing.label, outcome)
    yield f"  a{number}{opening}{label}{closing}:::{class_of(thing.outcome)}"


def _classes(scene: Scene) -> Iterator[str]:
    outcomes = sorted({step.artifact.outcome for step in scene.steps}, key=class_of)
    paints = {class_of(outcome): LIGHT.paints[outcome] for outcome in outcomes}
    missing = Paint(LIGHT.sheet, LIGHT.quiet)
    for name, paint in {"function": LIGHT.function, **paints, "missing": missing}.items():
        dashes = ",stroke-dasharray:4 3" if name == "missing" else ""
        yield f"  classDef {name} fill:{paint.fill},stroke:{paint.line},color:{LIGHT.text}{dashes}"
