"""The record of which the tables consist."""

import ast
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple


class Case(NamedTuple):
    """Code that users write, and the value that it uses as `x`.

    The code is Python text. Its last statement is an expression, and the value of that expression
    is compared. Where several expressions are written in one line with commas between them, each
    is a case of its own (`each_expression`), played with an `x` of its own. *shows* marks code that displays `repr(x)` or asks for the exact type of `x`: a
    result may differ there at top level.
    """

    value: str
    """A name in `transparency.values.VALUES`, or in the `VALUES` of the table's module."""
    code: str
    shows: Literal["", "repr", "type"] = ""

    @property
    def name(self) -> str:
        """The case's name in lists and messages."""
        return f"{self.value}: {self.code}"


def each_expression(cases: Iterable[Case]) -> list[Case]:
    """Return the cases with one expression in each."""
    return list(dict.fromkeys(part for case in cases for part in _parts(case)))


def _parts(case: Case) -> Iterator[Case]:
    match ast.parse(case.code).body:
        case [ast.Expr(ast.Tuple([first, *_] as members) as whole)] if (
            whole.col_offset == first.col_offset
        ):
            for member in members:
                yield case._replace(code=ast.get_source_segment(case.code, member) or "")
        case _:
            yield case
