"""Writes the list of known differences into `docs/reference/transparency.md`: `python tests/transparency/document.py`."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from transparency.runner import KNOWN, TABLES, TESTS, cases_of

PAGE = TESTS.parent / "docs" / "reference" / "transparency.md"
BEGIN = "<!-- written by `make transparency` -->\n"
END = "<!-- end of what is written -->\n"
MEANINGS = {
    "raises": "raises",
    "silent": "**another answer**",
    "repr": "shows the artifact",
    "type": "names the class",
    "": "equal",
}


def table() -> str:
    """Return the differences as a table: one row for each expression, with what it does where."""
    known = json.loads(KNOWN.read_text())
    cases = {name: len(cases_of(name)) for name in TABLES}
    top = sum(len(known[name].get("hit", {})) for name in TABLES)
    inside = sum(len(known[name].get("inside", {})) for name in TABLES)
    total = sum(cases.values())
    lines = [
        f"Of {total:,} expressions that users write, {total - top:,} give the same as with the plain",
        f"value at top level, and {total - inside:,} inside decorated functions. The others are in this table.",
        "It also has those of pictures and tensors, which are not in these numbers.",
        "",
        "| group | `x` is | expression | at top level | inside functions |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, places in known.items():
        outside = places.get("miss", {}) | places.get("hit", {})
        for case in sorted(outside | places.get("inside", {})):
            value, _, code = case.partition(": ")
            shown = "; ".join(code.splitlines()).replace("|", "\\|")
            found = (MEANINGS[where.get(case, "")] for where in (outside, places.get("inside", {})))
            lines.append(
                f"| {name.replace('_', ' ')} | {value} | `{shown}` | {' | '.join(found)} |"
            )
    return "\n".join(lines) + "\n"


def written(page: str) -> str:
    """Return the text of a page with the table of now in it."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
