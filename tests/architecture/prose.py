"""Print how long the sentences of the documents are: `python prose.py [--long] [PAGE ...]`.

`--long` lists the sentences of more than 30 words.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
]
LONG = 30

FENCE = re.compile(r"^( *)(`{3,})[^\n]*\n.*?^\1\2 *$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
NEW_BLOCK = re.compile(r"^\s*(?:[-*+] |\d+\. |#|\||>|$)")
SENTENCE_END = re.compile(r"(?<=[.!?])[*_)\"]*\s+(?=[A-Z`*(\"\[])|\s\|\s|:\n")


def without_code(text: str) -> str:
    """Return *text* with its blocks of code emptied; each line keeps its number."""
    return FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)


def paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """Yield the first line and the words of each paragraph, item, heading and row of a table."""
    first, lines = 1, list[str]()
    for number, line in enumerate(without_code(text).splitlines(), 1):
        if NEW_BLOCK.match(line) and lines:
            yield first, "\n".join(lines)
            lines = []
        if line.strip():
            first = first if lines else number
            lines.append(line)
    if lines:
        yield first, "\n".join(lines)


def words_only(paragraph: str) -> str:
    """Return a paragraph with one word for each piece of code, and the text alone of each link."""
    return LINK.sub(r"\1", CODE.sub("Code", paragraph))


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield the sentences of a page, and the line where the paragraph of each starts."""
    for line, paragraph in paragraphs(text):
        for sentence in SENTENCE_END.split(words_only(paragraph)):
            if len(sentence.split()) > 1:
                yield line, " ".join(sentence.split())


def report(pages: list[Path], *, with_long: bool) -> str:
    """Return a row for each page: sentences, the median of their words, the longest, long ones."""
    rows, everything = list[str](), list[int]()
    for page in pages:
        found = list(sentences(page.read_text("utf-8")))
        lengths = [len(sentence.split()) for _, sentence in found]
        everything += lengths
        rows.append(row(str(page.resolve().relative_to(ROOT)), lengths))
        if with_long:
            rows += [f"    {n}: {s}" for n, s in found if len(s.split()) > LONG]
    head = f"{'words in sentences':36}{'count':>6}{'median':>8}{'longest':>9}{f'over {LONG}':>9}"
    return "\n".join([head, *rows, row("all pages", everything)]) + "\n"


def row(name: str, lengths: list[int]) -> str:
    """Return one row of the table."""
    over = sum(length > LONG for length in lengths)
    cells = f"{len(lengths):6}{median(lengths or [0]):8g}{max(lengths, default=0):9}{over:9}"
    return f"{name:36}{cells}"


def main() -> None:
    """Print the report on all documents, or on the pages that the command line names."""
    parser = argparse.ArgumentParser(description="Print how long sentences are.")
    parser.add_argument("pages", nargs="*", type=Path, default=PAGES, metavar="PAGE")
    parser.add_argument("--long", action="store_true", help=f"list sentences over {LONG} words")
    chosen = parser.parse_args()
    sys.stdout.write(report(chosen.pages, with_long=chosen.long))


if __name__ == "__main__":
    main()
