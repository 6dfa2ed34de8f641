"""The package and its documents are written in plain English, not in a dialect of their own.

`PYTHONPATH=tests python tests/architecture/test_dialect.py SRC` prints the hits of any folder or file, Python or Markdown.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from architecture.prose import PAGES, ROOT, paragraphs, words_only

PACKAGE = ROOT / "src" / "provenance"

Spot = tuple[int, str, bool]

PERSONS = ["user", "users", "reader", "readers", "author", "authors", "people", "those", "one"]
NOT_A_PERSON = "".join(rf"(?<!\b{word} )" for word in PERSONS)  # "those who call it" is English

# What no engineer would say, and what to write instead.
DIALECT = {
    r"(?<!\bthere )\b(?:is|are|was|were|be|being) no\b(?! (?:longer|more than\b|less than\b|fewer than\b))": "is not a",
    r"\b(?:is|are|was|were) none of\b": "must be one of",
    r"\b(?:has|have|had|with) no (?:business|part)\b": "does not belong",
    r"\b(?:is|are|was|were) not said\b": "pass ...",
    r"\b(?:is|are|was|were|be|been|being|as) told\b(?! apart)": "configured, reported, given",
    r"\btells? (?:it|them|him|whom|who)\b(?! apart)": "report",
    r"\banew\b": "again",
    r"\blet(?:s|ting)? (?:\w+ )?go\b": "evict, release",
    r"\bat (?:one|a) stroke\b": "atomically",
    r"\bamid\b": "during",
    r"\baside\b": "quarantine, apart",
    r"\belsewhere\b": "in another process, remote",
    r"\bwho(?:m)?ever\b": "the caller, another process",
    rf"{NOT_A_PERSON}\bwho (?:asks?|asked|waits?|waited|has|have|had|is|are|was|were|wants?|calls?|called"
    r"|knows?|needs?|takes?|took|makes?|may|can|will|holds?|held|reads?|writes?|wrote"
    r"|gives?|gave|says?|does|did|goes|comes?|came|looks?|uses?|answers?|owns?)\b": "the caller, which ...",
    r"\bso (?:many|much)\b": "up to N, the number of",
    r"\b(?:each|all|both|one|none|some|most|many|any) of (?:whom|which)\b": "two sentences",
    r"\bwhereof\b|\bthereof\b|\bwherefrom\b|\bthereby\b|\bwherein\b|\btherein\b": "plain words",
    r"\b(?:begins?|started?|makes?|made|come|comes|put|puts|taken|set) away\b": "remove, delete",
    r"\b(?:takes?|taken|taking|took) (?:\w+ )?away\b": "remove, delete",
    r"\bin (?:its|their|his) stead\b": "instead",
    r"\bfar(?:ther)? (?:store|stores|value|values|copy|copies|place|side|end)\b": "remote",
    r"\bnear(?:er)? (?:store|stores|copy|copies|place)\b": "local, cached",
    r"\bis due\b": "is expected",
    r"\bforebears?\b|\bprogeny\b|\boffspring\b": "ancestors, dependents, descendants",
    r"\b(?:takes?|taking|took|taken) care of\b": "maintain",
    r"\b(?:house|room|floor)s? (?:order|rule)s?\b": "convention",
    r"\bby (?:itself|themselves) alone\b": "alone",
    r"\bwants? (?:a|an|the|its|their) \w+ to\b": "requires",
    r"\bit is (?:so|thus) that\b": "plain words",
}
HITS = [re.compile(pattern, re.IGNORECASE) for pattern in DIALECT]

# In a docstring "if there is no such file" is plain; a message says what is wrong with what.
IN_MESSAGES = [*HITS, re.compile(r"\bthere (?:is|are|was|were) no\b", re.IGNORECASE)]


def text_of(node: ast.Constant | ast.JoinedStr) -> str:
    """Return the words of a literal, `{}` for each value that is formatted into it."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    parts = (text_of(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return "".join(parts)


def strings(tree: ast.Module) -> Iterator[Spot]:
    """Yield the line and text of each string literal, and whether it is a message.

    The parts of an f-string are one text. A string that is a statement is a docstring.
    """
    inside: set[ast.AST] = set()
    docstrings: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            docstrings.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            inside.update(node.values)
        if isinstance(node, ast.JoinedStr | ast.Constant) and node not in inside:
            yield node.lineno, text_of(node), node not in docstrings


def comments(source: str) -> Iterator[Spot]:
    """Yield the lines and texts of all comments; comments on adjacent lines are one text."""
    first, last, text = 0, -1, ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        words = token.string.lstrip("#:")
        if token.start[0] == last + 1 and text and token.line.lstrip().startswith("#"):
            text += "\n" + words
        else:
            yield first, text, False
            first, text = token.start[0], words
        last = token.start[0]
    yield first, text, False


def spots_of(path: Path) -> list[Spot]:
    """Return the texts of a file: strings and comments of Python, paragraphs of Markdown without their code."""
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        return [(line, words_only(words), False) for line, words in paragraphs(text)]
    return [*strings(ast.parse(text, str(path))), *comments(text)]


def hits(path: Path) -> Iterator[str]:
    """Yield each hit in a file: its place, and the words with some words around them."""
    spots = spots_of(path)
    for line, text, is_message in sorted(spots):
        for pattern in IN_MESSAGES if is_message else HITS:
            for match in pattern.finditer(re.sub(r"\s", " ", text)):
                number = line + text.count("\n", 0, match.start())
                before, after = text[: match.start()][-30:], text[match.end() :][:30]
                words = " ".join(f"{before}>>{match[0]}<<{after}".split())
                yield f"{path}:{number}: {words}"


def found(place: Path) -> list[str]:
    """Return the hits in a file, or in all Python and Markdown files below a folder."""
    files = [place] if place.is_file() else sorted(place.rglob("*.[pm][yd]"))
    return [hit for path in files for hit in hits(path)]


def test_no_text_of_the_package_is_in_dialect():
    """No message, docstring or comment has a phrase that only this project would use."""
    assert [] == found(PACKAGE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_document_is_in_dialect(page):
    """No page has a phrase that only this project would use; its blocks of code are not read."""
    assert [] == found(page)


def test_a_phrase_of_a_page_is_found(tmp_path):
    """Paragraphs, items and tables are read; code in blocks and lines is not."""
    page = tmp_path / "page.md"
    page.write_text(
        "# Title\n\nIt is\nno page.\n\n```python\n# it is no page\n```\n\n"
        "- `it is no` page\n- computed anew\n\n| it | is no page |\n"
    )
    assert ["3", "11", "13"] == [hit.split(":")[1] for hit in found(page)]


def test_a_phrase_is_found_across_lines_and_values(tmp_path):
    """Line breaks and formatted values do not hide a phrase, and plain phrases are no hits."""
    sample = tmp_path / "sample.py"
    sample.write_text(
        '"""It is\nno bool; it is no longer there, if there is no file."""\n'
        'message = f"{x} is no bool"\n'
        "# done\n# anew\n"
        'message = f"there is no {x}"\n'
    )
    assert ["1", "3", "5", "6"] == [hit.split(":")[1] for hit in found(sample)]


if __name__ == "__main__":
    places = [Path(argument) for argument in sys.argv[1:]] or [PACKAGE]
    lines = [hit for place in places for hit in found(place)]
    sys.stdout.write("".join(f"{line}\n" for line in lines) + f"{len(lines)} hits\n")
    sys.exit(bool(lines))
