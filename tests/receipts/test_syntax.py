"""The digest of a function's syntax is the same in every supported version of Python."""

import linecache

from provenance.receipts.syntax import class_syntax, function_syntax

ODD = '''
def odd(x, *a, **k):
    """Do much."""
    y: int = 3
    z: str
    f"{x!r:>{y}} {x=} a{'b'}c"
    with open(x) as q, open(y): pass
    match x:
        case {"a": 1, **rest}: return rest
        case [1, *others]: return others
        case str(v) | int(v): return v
    async def g():
        return [await i async for i in x if (w := i)]
    lambda u=1: u + y
    try: pass
    except (A, B.c) as e: raise e from None
    class C(Base, metaclass=M):
        n: int
        m = y
        def k(self): return self.m
    global GG; GG = 1
    CACHE[x] = STATE.items.append(y)
    return x[1:2, ...], {**k}, not -x ** 2, 1_000, 1j, "a" "b"

class Odd(odd.Base, key=KEY):
    """A class."""
    a: int
    b: int = BIND
    def method(self): return hidden
'''


def compiled(text, file):
    """Return the namespace of *text*, whose source Python finds under the name *file*."""
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    code = compile(text, file, "exec")
    return {each.co_name: each for each in code.co_consts if hasattr(each, "co_name")}


def test_the_digest_of_a_function_is_known():
    """A change to it is a change of the format of receipts."""
    syntax = function_syntax(compiled(ODD, "<odd>")["odd"], with_defaults=True)
    assert "ff3df1323071" == syntax.digest
    # Of functions and classes inside it, names are followed even if they are their own.
    inner = {("u",), ("self", "m"), ("m",), ("n",)}
    names = {("A",), ("B", "c"), ("Base",), ("CACHE",), ("GG",), ("M",), ("open",), ("str",)}
    assert {*names, ("int",), ("STATE", "items", "append"), *inner} == syntax.names
    assert {("CACHE",), ("GG",), ("STATE", "items")} == syntax.state


def test_the_digest_of_a_class_is_known():
    """Its methods are functions of their own; what its body looks up counts."""
    compiled(ODD, "<odd class>")
    syntax = class_syntax("<odd class>", "Odd")
    assert ("0843edb904cf", 25) == (syntax.digest, syntax.line)
    assert {("odd", "Base"), ("BIND",), ("KEY",), ("a",), ("b",)} == syntax.names


def test_lambdas_of_one_line_are_not_told_apart():
    """There is no telling which is which, so they have no source."""
    text = "one = lambda: 1\nboth = lambda: 2, lambda: 3\n"
    linecache.cache["<lambdas>"] = (len(text), None, text.splitlines(keepends=True), "<lambdas>")
    space = {}
    exec(compile(text, "<lambdas>", "exec"), space)
    assert function_syntax(space["one"].__code__, with_defaults=True) is not None
    assert function_syntax(space["both"][0].__code__, with_defaults=True) is None


def test_a_source_that_is_missing_or_damaged_is_no_source():
    """Neither a name without a file nor text that is no Python is an error."""
    compiled(ODD, "<gone>")
    code = compiled(ODD, "<gone>")["odd"]
    linecache.cache["<gone>"] = (4, None, ["def (\n"], "<gone>")
    assert function_syntax(code, with_defaults=True) is None
    del linecache.cache["<gone>"]
    assert function_syntax(code, with_defaults=True) is None
    assert class_syntax("", "Odd") is None
