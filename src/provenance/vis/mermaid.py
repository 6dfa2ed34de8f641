"""A scene in the language of Mermaid, which Markdown pages of many places show as a picture."""

from __future__ import annotations

from collections.abc import Iterator

from provenance.vis.scene import Call, Kind, Scene, Thing
from provenance.vis.style import LIGHT, Paint, class_of

_SHAPES = {Kind.PLAIN: ("([", "])"), Kind.COMPOSITE: ("[[", "]]"), Kind.FILE: (">", "]"), Kind.MISSING: ("([", "])")}
_PLAIN = frozenset(" .,_-=:/…·")


def mermaid(scene: Scene) -> str:
    """The scene as a flow chart: nodes `f0 …` for functions, `a0 …` for artifacts, by the number of the step."""
    return "\n".join(
        (
            "flowchart TD",
            *(line for i, step in enumerate(scene.steps) for line in _step(i, step.call, step.thing)),
            *(f"  a{use.source} -->|{told(use.argument)}| f{use.user}" for use in scene.uses),
            *_classes(scene),
            "",
        )
    )


def told(*lines: str) -> str:
    """Lines of text as one quoted string, in which whatever might mean something to Mermaid or HTML is a code.

    >>> told('a "b" <c>', "#;")
    '"a #34;b#34; #60;c#62;<br/>#35;#59;"'
    """
    return '"' + "<br/>".join("".join(map(_coded, line)) for line in lines if line) + '"'


def _coded(character: str) -> str:
    return character if character.isalnum() or character in _PLAIN or ord(character) > 0x7F else f"#{ord(character)};"  # noqa: PLR2004 - ASCII


def _step(number: int, call: Call | None, thing: Thing) -> Iterator[str]:
    if call is not None:
        lines = (call.title, *(f"{name} = {text}" for name, text in call.arguments), call.duration)
        yield f"  f{number}[{told(*lines)}]:::function"
        yield f"  f{number} --> a{number}"
    opening, closing = _SHAPES[thing.kind]
    if thing.kind is Kind.MISSING:
        yield f"  a{number}{opening}{told(thing.kind.value, thing.short_id)}{closing}:::missing"
        return
    label = told(
        f"{thing.type} · {thing.size}", thing.short_id, "" if thing.outcome is None else class_of(thing.outcome)
    )
    yield f"  a{number}{opening}{label}{closing}:::{class_of(thing.outcome)}"


def _classes(scene: Scene) -> Iterator[str]:
    used = {step.thing.outcome for step in scene.steps}
    paints = {class_of(each): LIGHT.paints[each] for each in sorted(used, key=class_of)}
    for name, paint in {"function": LIGHT.function, **paints, "missing": Paint(LIGHT.sheet, LIGHT.quiet)}.items():
        dashes = ",stroke-dasharray:4 3" if name == "missing" else ""
        yield f"  classDef {name} fill:{paint.fill},stroke:{paint.line},color:{LIGHT.text}{dashes}"
