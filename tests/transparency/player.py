"""Plays the cases of one table, in a process of its own: `python -m transparency.player TABLE REPORT [CASE PLACE]...`.

Each line of the report is a JSON list: `[case, place]` before the case is played there, and
`[case, place, outcome, explanation]` after it. Where the process dies, the last line tells at which case.
Without cases, those that the report lacks are played.
"""

import ast
import importlib
import itertools
import json
import os
import signal
import sys
import tempfile
import types
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import provenance as p
from transparency.case import Case, each_expression
from transparency.comparison import equal, unwrapped
from transparency.runner import PLACES

PATIENCE = 60
"""Seconds that a case may take; whatever hangs is killed by its alarm, and counts as a crash."""


class Outcome(NamedTuple):
    """What a piece of code evaluated to, or the exception that it raised."""

    value: Any
    error: BaseException | None


def play(code: str, x: Any, scope: dict[str, Any]) -> Outcome:
    """Return the value of the last statement of *code*, an expression, in an empty folder."""
    *statements, last = ast.parse(code).body
    assert isinstance(last, ast.Expr), code
    names = {**scope, "x": x}
    folder = Path.cwd()
    os.chdir(tempfile.mkdtemp(dir=folder))
    try:
        exec(compile(ast.Module(statements, []), "<case>", "exec"), names)
        return Outcome(eval(compile(ast.Expression(last.value), "<case>", "eval"), names), None)
    except BaseException as error:  # noqa: BLE001 - a panic of polars is an outcome too
        return Outcome(None, error)
    finally:
        os.chdir(folder)


def judge(case: Case, plain: Outcome, got: Outcome) -> tuple[str, str]:
    """Return the name of the difference between two outcomes, or `equal`, and an explanation."""
    if got.error is not None:
        if plain.error is not None and isinstance(got.error, type(plain.error)):
            return "equal", named(got.error)
        return "raises", named(got.error)
    if plain.error is not None:
        return "silent", f"{named(plain.error)} is {got.value!r:.200}"
    try:
        if equal(plain.value, got.value):
            return "equal", ""
        return case.shows or "silent", difference(plain.value, got.value)
    except Exception as error:  # noqa: BLE001 - what cannot be compared with the plain value differs from it
        return "silent", f"{type(got.value).__name__} cannot be compared: {named(error)}"


def named(error: BaseException) -> str:
    """Return the name of the exception's type and its message."""
    return f"{type(error).__name__}: {error}"


def difference(plain: Any, got: Any) -> str:
    """Describe how two values differ: the first parts that differ, where both are tuples or lists."""
    got = unwrapped(got)
    if isinstance(plain, tuple | list) and type(plain) is type(got) and len(plain) == len(got):
        parts = [(a, b) for a, b in zip(plain, got, strict=True) if not equal(a, b)]
        if parts:
            return difference(*parts[0])
    return f"{type(plain).__name__} {plain!r:.200} is {type(got).__name__} {got!r:.200}"


class Player:
    """The table of a process and the functions that play it."""

    def __init__(self, table: str) -> None:
        module = importlib.import_module(f"transparency.tables.{table}")
        self.cases = each_expression(module.CASES)
        self.values = (
            module.VALUES
            if hasattr(module, "VALUES")
            else importlib.import_module("transparency.values").VALUES
        )
        scope = types.ModuleType("table_scope")
        sys.modules["table_scope"] = scope
        exec(module.SETUP, vars(scope))
        self.scope = vars(scope)

    def got(self, case: Case, place: str, number: int) -> Outcome:
        """Return the outcome of the case in a place. The first call with a number is the miss."""
        if place == "plain":
            return play(case.code, self.values[case.value](), self.scope)
        try:
            result = made(case.value, number)
            if place != "miss":
                result = made(case.value, number)
            if place != "inside":
                return play(case.code, result, self.scope)
            inside(result, number)
        except Exception as error:  # noqa: BLE001 - an exception of the library is an outcome
            if place != "inside" or number not in _played:
                return Outcome(None, error)
        return _played.pop(number)


@p.provenance(name="transparency.made")
def made(value: str, number: int) -> Any:
    """Return the value of a name. Each number is a miss of its own."""
    return _players[0].values[value]()


@p.provenance(name="transparency.inside")
def inside(x: Any, number: int) -> None:
    """Play a case whose value is an argument."""
    _played[number] = play(_players[0].cases[number].code, x, _players[0].scope)


_players: list[Player] = []
_played: dict[int, Outcome] = {}


def main() -> None:
    """Play what the command line names."""
    table, report, *chosen = sys.argv[1:]
    warnings.simplefilter("ignore")
    player = Player(table)
    _players.append(player)
    wanted = [(int(case), place) for case, place in zip(chosen[::2], chosen[1::2], strict=True)]
    known = {tuple(line[:2]) for line in map(json.loads, Path(report).read_text().splitlines())}
    wanted = wanted or [
        pair for pair in itertools.product(range(len(player.cases)), PLACES) if pair not in known
    ]
    with Path(report).open("a", buffering=1) as lines:
        for index, pairs in itertools.groupby(wanted, key=lambda pair: pair[0]):
            case = player.cases[index]
            signal.alarm(PATIENCE)
            plain = player.got(case, "plain", -1)
            for _, place in pairs:
                lines.write(json.dumps([index, place]) + "\n")
                signal.alarm(PATIENCE)
                outcome = judge(case, plain, player.got(case, place, index))
                signal.alarm(0)
                lines.write(json.dumps([index, place, *outcome]) + "\n")


if __name__ == "__main__":
    main()
