"""The demo: the cancer pipeline three times, each in a fresh process, and where its result came from.

    python examples/run_demo.py

First into an empty store, then again, then with another number of trees. It checks what it shows: if the second run
computes anything, or the third anything that does not depend on the trees, it says so and fails.
"""

import argparse
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import provenance as p

HERE = Path(__file__).resolve().parent
STORE = HERE / ".provenance"
STEPS = ["load", "clean", "engineer", "select", "split"]
KINDS = ["logistic", "nearest", "forest", "boosting"]
CALLS = [*STEPS, *(call for kind in KINDS for call in (kind, "evaluate")), "pick_best"]
OF_THE_TREES = ["forest", "evaluate", "pick_best"]
"""What depends on the number of trees: the forest, its evaluation, and the choice."""

Told: TypeAlias = dict[str, Any]
"""What a run tells the demo: a line of JSON."""


# ---------------------------------------------------------------- one run, in a process of its own


def configuration(store: Path) -> dict[str, object]:
    """SQLite for records and small values, files for the rest: what the library does by itself, in this folder."""
    return {
        "blobstores": {"files": {"type": "disk", "cachedir": str(store / "blobs"), "delete": True}},
        "artifact_repos": {
            "demo": {
                "type": "sqlite",
                "db": str(store / "provenance.db"),
                "store": "files",
                "delete": True,
            }
        },
    }


def tell(**facts: object) -> None:
    """Tell the demo, as a line of JSON."""
    print(json.dumps(facts), flush=True)


def tell_call(event: object) -> None:
    """Tell how a call went."""
    match event:
        case p.Hit():
            tell(call=event.name, id=event.artifact_id, outcome="hit", seconds=event.seconds_saved)
        case p.Miss() | p.Recomputed() | p.Recovered():
            tell(
                call=event.name,
                id=event.artifact_id,
                outcome=type(event).__name__.lower(),
                seconds=event.seconds,
            )


def run_once(store: Path, arguments: list[str]) -> None:
    """Run the pipeline and tell how each call went, how the candidates did, and where the best one came from."""
    import cancer_pipeline  # noqa: PLC0415 - scikit-learn takes a while, and only this process needs it

    p.load_config(configuration(store))
    began = time.perf_counter()
    with p.subscribe(tell_call):
        best, candidates = cancer_pipeline.pipeline(cancer_pipeline.settings_from(arguments))
    seconds = time.perf_counter() - began
    origins = p.lineage(best)
    tell(
        best=origins.root,
        seconds=seconds,
        tree=origins.tree(),
        candidates=[
            {"name": name, "validation": each.validation, "spread": each.spread, "test": each.test}
            for name, each in candidates.items()
        ],
    )


# ---------------------------------------------------------------- the show

COLOURS = {"miss": "33", "hit": "32", "bold": "1", "dim": "2", "bad": "31"}
COLOURED = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
WIDTH = 66


def styled(text: str, style: str) -> str:
    """*text* in a colour, if it goes to a terminal."""
    return f"\x1b[{COLOURS.get(style, '0')}m{text}\x1b[0m" if COLOURED else text


def headline(text: str, detail: str) -> None:
    """Open a section."""
    print(f"\n{styled(text, 'bold')}\n{styled(detail, 'dim')}\n")


def rule() -> None:
    """A line across the table."""
    print(styled("  " + "─" * WIDTH, "dim"))


def told(store: Path, arguments: list[str]) -> Iterator[Told]:
    """What a run in a fresh process tells, as it tells it; CalledProcessError if it fails."""
    command = [sys.executable, __file__, "--store", str(store), "--once", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        yield from map(json.loads, process.stdout or ())
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def show_call(call: Told) -> None:
    """A line of the table."""
    name, seconds = call["call"].rpartition(".")[2], f"{call['seconds']:.3f} s"
    computed, saved = ("", seconds) if call["outcome"] == "hit" else (seconds, "")
    outcome = styled(f"{call['outcome']:<10}", call["outcome"])
    print(f"  {name:<18}{styled(call['id'][:8], 'dim')}    {outcome}{computed:>12}{saved:>14}")


def run(number: int, title: str, store: Path, arguments: list[str]) -> list[Told]:
    """Play a run and show it as a table; what it told."""
    command = " ".join(["cancer_pipeline.py", *arguments])
    headline(f"Run {number}: {title}", f"a new process: {command}")
    print(
        styled(f"  {'call':<18}{'artifact':<12}{'outcome':<10}{'computed':>12}{'saved':>14}", "dim")
    )
    rule()
    began = time.perf_counter()
    lines: list[Told] = []
    for line in told(store, arguments):
        lines.append(line)
        if "call" in line:
            show_call(line)
    rule()
    show_sums(lines, time.perf_counter() - began)
    return lines


def show_sums(lines: list[Told], whole: float) -> None:
    """What the calls of a run add up to."""
    hits = [each for each in lines if each.get("outcome") == "hit"]
    others = [each for each in lines if each.get("outcome", "hit") != "hit"]
    computed, saved = (f"{sum(each['seconds'] for each in some):.3f} s" for some in (others, hits))
    print(
        f"  {len(hits) + len(others)} calls, {f'{len(hits)} hits, {len(others)} misses':<31}{computed:>12}{saved:>14}"
    )
    print(
        f"  {lines[-1]['seconds']:.2f} s for the pipeline, {whole:.2f} s with starting Python and importing scikit-learn"
    )


def show_candidates(last: Told) -> None:
    """How the candidates did."""
    for each in last["candidates"]:
        best = each["validation"] == max(other["validation"] for other in last["candidates"])
        line = f"{each['name']:<12}{each['validation']:.4f} ± {each['spread']:.4f}    {each['test']:.1%}"
        print("  " + (styled(f"▸ {line}", "bold") if best else f"  {line}"))


# ---------------------------------------------------------------- does it hold?


def computed(lines: list[Told]) -> list[str]:
    """Names of the calls that were computed, in order."""
    return [
        each["call"].rpartition(".")[2] for each in lines if each.get("outcome", "hit") != "hit"
    ]


def check(claim: str, expected: object, actual: object) -> bool:
    """Say whether *claim* holds."""
    holds = expected == actual
    print(styled(f"  {'✓' if holds else '✗'} {claim}", "hit" if holds else "bad"))
    if not holds:
        print(f"    expected {expected}\n    but was  {actual}")
    return holds


def ids(lines: list[Told]) -> list[str]:
    """Ids of the artifacts that the calls of a run answered with."""
    return [each["id"] for each in lines if "call" in each]


def cleared(store: Path) -> Path:
    """*store*, empty; SystemExit if that would delete something else than a store."""
    if store.exists():
        if any(store.iterdir()) and not (store / "provenance.db").exists():
            raise SystemExit(f"{store} is not empty and holds no store: name another folder")
        shutil.rmtree(store)
    return store


def demo(store: Path) -> bool:
    """Show the three runs and the lineage of their result; whether everything was as it should be."""
    print(
        textwrap.dedent("""
        Four models for the breast cancer data of scikit-learn: load, clean, engineer and select columns,
        split, train, evaluate, pick the best. Each step is a pure function under @provenance().""")
    )
    cold = run(1, "an empty store, everything is computed", store, [])
    holds = check("every call was computed, once", CALLS, computed(cold))
    warm = run(2, "the same again, nothing is computed", store, [])
    holds &= check("every call was a hit", [], computed(warm))
    holds &= check("and answered with the artifacts of run 1", ids(cold), ids(warm))
    more = run(
        3, "twice as many trees, only what depends on them is computed", store, ["--trees", "300"]
    )
    holds &= check(f"just {', '.join(OF_THE_TREES)} were computed", OF_THE_TREES, computed(more))
    headline(
        "The candidates of run 3",
        "area under the ROC curve in cross-validation, accuracy on unseen rows",
    )
    show_candidates(more[-1])
    headline(
        "Where the best one came from",
        "each line an artifact: its call, its id, the seconds that computing it took",
    )
    print(textwrap.indent(more[-1]["tree"], "  "))
    return holds


def show_ways(store: Path) -> None:
    """Name the command and the page that show what is stored now."""
    here = Path.cwd()
    place = store.relative_to(here) if store.is_relative_to(here) else store
    # Not resolved: the interpreter of a virtual environment is a link to another folder.
    script = Path(sys.executable).with_name("provenance")
    script = script.relative_to(here) if script.is_relative_to(here) else script
    print(f"\nThe store is in {place}. To look at it, in a shell or in a browser:")
    for command in ("ls", "ui"):
        print(f"  {shlex.join([str(script), command, '--repo', f'{place}{os.sep}'])}")


def main() -> int:
    """The demo, or (for the demo itself) one run of it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # where the terminal has no box characters
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--store", type=Path, default=STORE, help="folder of the store; it is emptied first"
    )
    parser.add_argument("--once", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once is not None:
        run_once(options.store, options.once)
        return 0
    holds = demo(cleared(options.store.resolve()))
    show_ways(options.store.resolve())
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
