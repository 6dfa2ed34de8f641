"""Plays the tables and writes `known_differences.json`: `python tests/transparency/record.py [TABLE]... [--explain]`.

Prints how many cases of each table are equal or differ, as a table for documents. A table whose
libraries are missing keeps what was recorded for it.
"""

# ruff: noqa: T201 - prints a report
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from transparency import runner

OUTCOMES = ("equal", "raises", "silent", "repr", "type", "crash")


def main() -> None:
    """Play the tables that the command line names, or all."""
    explain = "--explain" in sys.argv
    print(
        "| table | where |",
        " | ".join(OUTCOMES),
        "|\n| --- " * 1 + "| --- " * (len(OUTCOMES) + 1) + "|",
    )
    for table in [name for name in sys.argv[1:] if name != "--explain"] or runner.playable():
        cases, found = runner.cases_of(table), runner.play(table)
        known = json.loads(runner.KNOWN.read_text()) | {table: runner.differences(cases, found)}
        text = json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False)
        runner.KNOWN.write_text(text + "\n")
        for place in runner.PLACES[1:]:
            counts = runner.counts(found, place)
            print(
                f"| {table} | {place} |",
                " | ".join(str(counts[outcome]) for outcome in OUTCOMES),
                "|",
                flush=True,
            )
        for (case, place), played in sorted(found.items()):
            if explain and (played.outcome != "equal" or played.explanation):
                print(f"{place} {played.outcome}: {cases[case].name}\n    {played.explanation}")


if __name__ == "__main__":
    main()
