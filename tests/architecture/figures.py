"""Print figures of a package's sources: `python figures.py [--names] [SRC]`.

They show how the code is cut, not whether it is right: sizes of modules and functions, what lines are spent on, and
who imports whom. `--names` also lists the places behind the counts.
"""

import argparse
import ast
import io
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, takewhile
from pathlib import Path
from statistics import median

SOURCES = Path(__file__).resolve().parents[2] / "src" / "provenance"

SMALL_MODULE = 60
SMALL_HELPER = 3
DUPLICATE = 6
LISTED = 10

LAYOUT_TOKENS = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Described = ast.Module | ast.ClassDef | Function


def docstring_of(node: Described) -> ast.Expr | None:
    """Return the statement that is the docstring of *node*."""
    first = node.body[0] if node.body else None
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return first if is_text and isinstance(first.value.value, str) else None


def body_lines(function: Function) -> int:
    """Return the number of lines of a function's body, without its docstring."""
    statements = function.body[1:] if docstring_of(function) else function.body
    return (statements[-1].end_lineno or 0) - statements[0].lineno + 1 if statements else 0


@dataclass(frozen=True)
class Module:
    """A file of the package."""

    name: str
    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text, str(self.path))

    @cached_property
    def functions(self) -> list[Function]:
        """Its functions, methods and nested functions."""
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    @cached_property
    def tokens_by_line(self) -> dict[int, list[str]]:
        """The tokens on each line of code, of a long string the part on that line."""
        described = [node for node in ast.walk(self.tree) if isinstance(node, Described)]
        docstrings = [found for node in described if (found := docstring_of(node))]
        lines: dict[int, list[str]] = defaultdict(list)
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            is_docstring = token.type == tokenize.STRING and any(
                (node.lineno, node.col_offset) <= token.start
                and token.end[0] <= (node.end_lineno or 0)
                for node in docstrings
            )
            if token.type not in LAYOUT_TOKENS and not is_docstring:
                for line, part in enumerate(token.string.split("\n"), token.start[0]):
                    lines[line].append(part)
        return lines

    @cached_property
    def import_lines(self) -> set[int]:
        """The lines that import statements take."""
        return lines_of(node for node in ast.walk(self.tree) if is_import(node))

    @cached_property
    def kinds(self) -> Counter[str]:
        """How many lines are code, imports, docstrings, comments and blank."""
        described = [node for node in ast.walk(self.tree) if isinstance(node, Described)]
        docstrings = lines_of(found for node in described if (found := docstring_of(node)))
        counts: Counter[str] = Counter()
        for number, line in enumerate(self.text.splitlines(), 1):
            if number in self.tokens_by_line:
                counts["imports" if number in self.import_lines else "code"] += 1
            elif number in docstrings:
                counts["docstrings"] += 1
            else:
                counts["comments" if line.strip() else "blank"] += 1
        return counts


def is_import(node: ast.AST) -> bool:
    """Return whether *node* is an import statement."""
    return isinstance(node, ast.Import | ast.ImportFrom)


def lines_of(nodes: Iterable[ast.AST]) -> set[int]:
    """Return the numbers of the lines that statements take."""
    return {
        number
        for node in nodes
        if isinstance(node, ast.stmt)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def modules_of(package: Path) -> dict[str, Module]:
    """Return the modules of *package* by their dotted names."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path, path.read_text("utf-8"))
    return found


def statements(tree: ast.AST, *, annotations: bool) -> Iterator[ast.AST]:
    """Yield the nodes of *tree*; without *annotations*, none that only type checkers read."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if annotations or not (
            isinstance(node, ast.If) and "TYPE_CHECKING" == ast.unparse(node.test)
        ):
            yield node
            waiting.extend(ast.iter_child_nodes(node))


def imported(module: Module, names: Iterable[str], *, annotations: bool = True) -> Iterator[str]:
    """Yield the dotted names that a module imports, relative ones made absolute."""
    is_package = module.path.name == "__init__.py"
    for node in statements(module.tree, annotations=annotations):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.name.split(".")
            above = above[: len(above) - node.level + is_package] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            inner = {alias.name: f"{source}.{alias.name}" for alias in node.names}
            yield from (full if full in names else source for full in inner.values())


def import_graph(modules: dict[str, Module], *, annotations: bool = True) -> dict[str, set[str]]:
    """Return which modules of the package each module imports, late imports too.

    With *annotations*, what is imported for type checkers alone counts as well.
    """
    return {
        name: {
            other
            for other in imported(module, modules, annotations=annotations)
            if other in modules
        }
        - {name}
        for name, module in modules.items()
    }


def top_level(name: str) -> str:
    """Return the package or module at the top level that a module is, or lies in."""
    return ".".join(name.split(".")[:2])


def package_graph(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return which packages at the top level import which others."""
    packages: dict[str, set[str]] = {top_level(name): set() for name in graph}
    for name, others in graph.items():
        packages[top_level(name)] |= {top_level(other) for other in others} - {top_level(name)}
    return packages


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    """Return what can be reached from *start* in one step or more."""
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(graph[node])
    return found


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the sets of nodes that reach one another (strongly connected components)."""
    reach = {node: reachable(graph, node) for node in graph}
    mutual = {
        frozenset(other for other in reach[node] if node in reach[other])
        for node in graph
        if node in reach[node]
    }
    return sorted(sorted(component) for component in mutual)


def small_modules(modules: dict[str, Module], graph: dict[str, set[str]]) -> list[str]:
    """Return the modules of under 60 lines that one module imports."""
    importers = Counter(other for others in graph.values() for other in others)
    return [
        name
        for name, module in modules.items()
        if len(module.text.splitlines()) < SMALL_MODULE and importers[name] == 1
    ]


def small_helpers(modules: dict[str, Module]) -> list[str]:
    """Return the private functions of modules that have at most 3 lines and one use."""
    uses: Counter[str] = Counter()
    for name, module in modules.items():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Name):
                uses[f"{name}.{node.id}"] += 1
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                uses[f"*.{node.attr}"] += 1
            elif isinstance(node, ast.ImportFrom):
                uses.update(f"{node.module}.{alias.name}" for alias in node.names)
    return [
        f"{name}.{node.name}"
        for name, module in modules.items()
        for node in module.tree.body
        if isinstance(node, Function)
        and node.name.startswith("_")
        and body_lines(node) <= SMALL_HELPER
        and uses[f"{name}.{node.name}"] + uses[f"*.{node.name}"] == 1
    ]


def duplicates(modules: dict[str, Module]) -> list[tuple[int, str, str]]:
    """Return the pairs of equal runs of lines, longest first; imports are left out.

    Lines are compared by their tokens, so spaces, comments and docstrings do not matter.
    """
    lines: list[tuple[str, str]] = []
    for name, module in modules.items():
        code = sorted(module.tokens_by_line.items())
        lines += [(" ".join(t), f"{name}:{n}") for n, t in code if n not in module.import_lines]
        lines += [(f"end of {name}", "")]  # so that no run goes from one module to the next
    texts = [text for text, _ in lines]
    runs = [
        (run_length(texts, first, second), lines[first][1], lines[second][1])
        for first, second in equal_windows(texts)
        if first == 0 or texts[first - 1] != texts[second - 1]  # else inside of a longer run
    ]
    return sorted(runs, key=lambda run: -run[0])


def equal_windows(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of places from which 6 texts are equal and do not overlap."""
    starts: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index in range(len(texts) - DUPLICATE + 1):
        starts[tuple(texts[index : index + DUPLICATE])].append(index)
    for places in starts.values():
        yield from ((a, b) for a, b in combinations(places, 2) if b - a >= DUPLICATE)


def run_length(texts: Sequence[str], first: int, second: int) -> int:
    """Return how many texts from *first* on are equal to those from *second* on."""
    pairs = zip(texts[first:second], texts[second:], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def quantile(numbers: Sequence[int], share: float) -> int:
    """Return the number below which *share* of the numbers lie."""
    return sorted(numbers)[min(len(numbers) - 1, int(share * len(numbers)))] if numbers else 0


def sizes(numbers: Sequence[int], shares: Sequence[float]) -> str:
    """Return the median, the quantiles and the maximum of *numbers* as text."""
    cells = [median(numbers or [0]), *(quantile(numbers, share) for share in shares)]
    return " / ".join(f"{number:g}" for number in [*cells, max(numbers, default=0)])


def figures(package: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the table of figures, and the places behind the counts."""
    modules = modules_of(package)
    graph = import_graph(modules)
    packages = package_graph(graph)
    running = import_graph(modules, annotations=False)
    lengths = [len(module.text.splitlines()) for module in modules.values()]
    kinds = sum((module.kinds for module in modules.values()), Counter[str]())
    functions = [function for module in modules.values() for function in module.functions]
    code = kinds["code"] + kinds["imports"]
    fan_out = sorted(graph, key=lambda name: -len(graph[name]))[:LISTED]
    places = {
        "small modules": small_modules(modules, graph),
        "small helpers": small_helpers(modules),
        "cycles between modules": [" <-> ".join(cycle) for cycle in cycles(running)],
        "cycles between packages": [
            " <-> ".join(cycle) for cycle in cycles(package_graph(running))
        ],
        "cycles with annotations": [" <-> ".join(cycle) for cycle in cycles(graph)],
        "most imports": [f"{len(graph[name]):3} {name}" for name in fan_out],
        "duplicated runs": [f"{n:3} lines {one} = {two}" for n, one, two in duplicates(modules)],
    }

    def share(kind: str) -> str:
        return f"{100 * kinds[kind] / max(1, kinds.total()):.1f} %"

    table = {
        "modules": f"{len(modules)}",
        "  lines, median / p90 / max": sizes(lengths, [0.9]),
        "  under 60 lines with one importer": f"{len(places['small modules'])}",
        "lines": f"{kinds.total()}",
        "code lines": f"{code}",
        "  without imports": f"{kinds['code']}  {share('code')}",
        "  imports": f"{kinds['imports']}  {share('imports')}",
        "docstring lines": f"{kinds['docstrings']}  {share('docstrings')}",
        "comment lines": f"{kinds['comments']}  {share('comments')}",
        "blank lines": f"{kinds['blank']}  {share('blank')}",
        "functions": f"{len(functions)}",
        "  lines, median / p75 / p90 / max": sizes([body_lines(f) for f in functions], [0.75, 0.9]),
        "  per 100 code lines": f"{100 * len(functions) / max(1, code):.1f}",
        "  per 100 code lines without imports": f"{100 * len(functions) / max(1, kinds['code']):.1f}",
        "  private, used once, at most 3 lines": f"{len(places['small helpers'])}",
        "import arrows between modules": f"{sum(map(len, graph.values()))}",
        "import arrows at the top level": f"{sum(map(len, packages.values()))}",
        "cycles between modules": f"{len(places['cycles between modules'])}",
        "cycles between packages": f"{len(places['cycles between packages'])}",
        "cycles with annotations": f"{len(places['cycles with annotations'])}",
        "pairs of duplicated runs of 6 lines": f"{len(places['duplicated runs'])}",
    }
    return table, places


def report(package: Path, *, with_names: bool) -> str:
    """Return the whole output."""
    table, places = figures(package)
    width = max(map(len, table))
    lines = [f"{label:{width}}  {value}" for label, value in table.items()]
    for label, found in places.items():
        if with_names or not label.startswith("small"):
            shown = found if with_names else found[:LISTED]
            rest = [f"... and {len(found) - len(shown)} more"] if len(found) > len(shown) else []
            lines += ["", f"{label}:", *(f"  {place}" for place in [*shown, *rest] or ["none"])]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the figures of the package that the command line names."""
    parser = argparse.ArgumentParser(description="Print figures of a package's sources.")
    parser.add_argument("sources", nargs="?", type=Path, default=SOURCES, metavar="SRC")
    parser.add_argument("--names", action="store_true", help="also list all places")
    chosen = parser.parse_args()
    sys.stdout.write(report(chosen.sources.resolve(), with_names=chosen.names))


if __name__ == "__main__":
    main()
