"""A scene in Mermaid, which many Markdown viewers render as a picture."""

from __future__ import annotations

from collections.abc import Iterator

from provenance.vis.scene import Call, Kind, Scene, Thing
from provenance.vis.style import LIGHT, Paint, class_of

_SHAPES = {
    Kind.PLAIN: ("([", "])"),
    Kind.COMPOSITE: ("[[", "]]"),
    Kind.FILE: (">", "]"),
    Kind.MISSING: ("([", "])"),
}
_PLAIN = frozenset(" .,_-=:/…·")


def mermaid(scene: Scene) -> str:
    """Return the scene as a flow chart: nodes `f0 …` are functions, `a0 …` artifacts, by step."""
    return "\n".join(
        (
            "flowchart TD",
            *(
                line
                for i, step in enumerate(scene.steps)
                for line in _step(i, step.call, step.thing)
            ),
            *(f"  a{use.source} -->|{told(use.argument)}| f{use.user}" for use in scene.uses),
            *_classes(scene),
            "",
        )
    )


def told(*lines: str) -> str:
    """Return lines of text as one quoted string; special characters of Mermaid and HTML are codes.

    >>> told('a "b" <c>', "#;")
    '"a #34;b#34; #60;c#62;<br/>#35;#59;"'
    """
    return '"' + "<br/>".join("".join(map(_escaped, line)) for line in lines if line) + '"'


def _escaped(character: str) -> str:
    is_plain = character.isalnum() or character in _PLAIN or not character.isascii()
    return character if is_plain else f"#{ord(character)};"


def _step(number: int, call: Call | None, thing: Thing) -> Iterator[str]:
    if call is not None:
        lines = (call.title, *(f"{name} = {text}" for name, text in call.arguments), call.duration)
        yield f"  f{number}[{told(*lines)}]:::function"
        yield f"  f{number} --> a{number}"
    opening, closing = _SHAPES[thing.kind]
    if thing.kind is Kind.MISSING:
        yield f"  a{number}{opening}{told(thing.kind.value, thing.short_id)}{closing}:::missing"
        return
    outcome = "" if thing.outcome is None else class_of(thing.outcome)
    label = told(f"{thing.type} · {thing.size}", thing.short_id, outcome)
    yield f"  a{number}{opening}{label}{closing}:::{class_of(thing.outcome)}"


def _classes(scene: Scene) -> Iterator[str]:
    outcomes = sorted({step.thing.outcome for step in scene.steps}, key=class_of)
    paints = {class_of(outcome): LIGHT.paints[outcome] for outcome in outcomes}
    missing = Paint(LIGHT.sheet, LIGHT.quiet)
    for name, paint in {"function": LIGHT.function, **paints, "missing": missing}.items():
        dashes = ",stroke-dasharray:4 3" if name == "missing" else ""
        yield f"  classDef {name} fill:{paint.fill},stroke:{paint.line},color:{LIGHT.text}{dashes}"
