"""Functions are what they do."""

import functools
import threading

import pytest

from provenance.hashing import digest

RATE = 2
TABLE = {}
LOCK = threading.Lock()


def compiled(source, name="f", **names):
    """Run *source* as a module of its own and return what it calls *name*."""
    space = {"__name__": "package.module", **names}
    exec(compile(source, "<test>", "exec"), space)
    return space[name]


BASE = "def f(x):\n    return g(x) + RATE\ndef g(x):\n    return x\nRATE = 1\n"


@pytest.mark.parametrize(
    ("same", "source"),
    [
        (True, BASE),
        (True, "\n\n# a comment\n" + BASE),
        (True, BASE.replace("return g", '"""Words."""\n    return g')),
        (True, BASE + "UNUSED = 3\n"),
        (False, BASE.replace("+ RATE", "- RATE")),
        (False, BASE.replace("RATE = 1", "RATE = 2")),
        (False, BASE.replace("return x", "return x + 1")),
        (False, BASE.replace("f(x)", "f(x, y=1)")),
        (False, BASE.replace("f(x)", "f(*x)")),
    ],
)
def test_what_a_function_does_counts(same, source):
    """Code, signature, the helpers and constants it uses count; comments, docstrings and the rest of the module do not."""
    assert same == (digest(compiled(BASE)) == digest(compiled(source)))


def test_docstrings_do_not_count():
    """Another docstring, or none, in the function or in one nested in it, is the same function."""
    bare = "def f(x):\n    {}\n    def g():\n        {}\n        return 'text'\n    return g"
    sources = [
        bare.format(*words)
        for words in (("", ""), ("'a'", ""), ("'b'", "'text'"), ("'text'", "'c'"))
    ]
    assert 1 == len({digest(compiled(source)) for source in sources})


def test_captured_values_and_defaults_count():
    """Closures that captured different values differ, and so do other defaults."""

    def adder(n):
        return lambda x: x + n

    assert digest(adder(1)) == digest(adder(1)) != digest(adder(2))
    assert digest(lambda x=[1]: x) == digest(lambda x=[1]: x) != digest(lambda x=[2]: x)
    assert digest(lambda *, x=1: x) != digest(lambda *, x=2: x)
    assert digest(lambda: 1) != digest(lambda: 1.0)
    assert digest(lambda: 0.0) != digest(lambda: -0.0)


def test_recursion_ends():
    """Functions that call themselves or each other, by name or by capture, have a digest that their bodies decide."""

    def pair(step):
        def even(n):
            return n == 0 or odd(n - step)

        def odd(n):
            return n != 0 and even(n - step)

        return even, odd

    (even, odd), (other, _) = pair(1), pair(2)
    assert digest(even) == digest(pair(1)[0]) != digest(other)
    assert digest([even, odd]) == digest([pair(1)[0], pair(1)[1]])
    source = "def f(n):\n    return g(n)\ndef g(n):\n    return f(n) + {}\n"
    assert (
        digest(compiled(source.format(1)))
        == digest(compiled(source.format(1)))
        != digest(compiled(source.format(2)))
    )


def test_a_digest_does_not_depend_on_the_company():
    """A function has one digest, alone or beside those that refer to it."""
    source = "def f(n):\n    return g(n)\ndef g(n):\n    return f(n)\npair = (f, g)\nback = (g, f)"
    pair, back = compiled(source, "pair"), compiled(source, "back")
    assert digest(pair) == digest(back[::-1])
    assert digest(frozenset(pair)) == digest(frozenset(back))


def test_a_function_may_be_found_in_a_table_that_it_uses():
    """A registry that holds the function which reads it is no cycle of values."""
    source = "def f():\n    return TABLE['f']\nTABLE = {'f': f, 'n': %d}"
    assert (
        digest(compiled(source % 1)) == digest(compiled(source % 1)) != digest(compiled(source % 2))
    )


def test_many_helpers_that_call_each_other_cost_little():
    """Forty functions that all use each other are described once each."""
    names = [f"f{number}" for number in range(40)]
    source = "".join(f"def {name}():\n    return {', '.join(names)}\n" for name in names)
    assert digest(compiled(source, "f0")) == digest(compiled(source, "f0"))


def test_helpers_count_by_what_they_do_not_by_who_they_are():
    """One helper in two places and two equal helpers are the same, as for any other value."""

    def helper(n):
        return lambda x: x + n

    def user(*helpers):
        return lambda x: [each(x) for each in helpers]

    one = helper(1)
    assert (
        digest(user(one, one))
        == digest(user(helper(1), helper(1)))
        != digest(user(helper(1), helper(2)))
    )
    assert (
        digest(user(one, user(one)))
        == digest(user(helper(1), user(helper(1))))
        != digest(user(user(one), one))
    )


def test_functions_that_call_each_other_in_a_long_chain_have_a_digest():
    """A chain of two thousand functions is no deep nesting, whatever stands at its end counts."""
    source = (
        "".join(f"def f{n}(): return f{n + 1}()\n" for n in range(2_000))
        + "def f2000(): return %d\n"
    )
    first, same, other = (compiled(source % end, "f0") for end in (1, 1, 2))
    assert digest(first) == digest(same) != digest(other)


def test_a_table_that_many_functions_use_is_read_once():
    """However many functions use a global, it is hashed once."""
    seen = []

    class Table:
        def value_repr(self):
            seen.append(self)
            return 1

    source = "def f(): return TABLE, g()\ndef g(): return TABLE, h()\ndef h(): return TABLE, g()"
    digest(compiled(source, TABLE=Table()))
    assert len(seen) == 1


def test_functions_of_other_packages_go_by_name():
    """A helper from elsewhere counts by its qualified name, its body does not."""
    helper, changed, renamed = (
        compiled(f"def {name}(): return {body}", name)
        for name, body in (("h", 1), ("h", 2), ("i", 1))
    )
    for function in (helper, changed, renamed):
        function.__module__ = "elsewhere"
    source = "def f(): return h()"
    assert (
        digest(compiled(source, h=helper))
        == digest(compiled(source, h=changed))
        != digest(compiled(source, h=renamed))
    )


def test_a_lock_among_the_globals_is_no_obstacle():
    """What has no value stands for its type when a function uses it as a global."""
    source = "def f():\n    with LOCK: return {}"
    with_lock = compiled(source.format(1), LOCK=LOCK)
    assert digest(with_lock) == digest(compiled(source.format(1), LOCK=threading.Lock()))
    assert digest(with_lock) != digest(compiled(source.format(2), LOCK=LOCK))


class Sample:
    def __init__(self, a):
        self.a = a

    def method(self):
        return self.a

    @classmethod
    def made(cls):
        return cls(1)


def test_other_callables():
    """Methods carry their object, partials their arguments, caches what they wrap; builtins have names."""
    assert digest(Sample(1).method) == digest(Sample(1).method) != digest(Sample(2).method)
    assert digest(Sample.method) != digest(Sample(1).method)
    assert digest(Sample.made) == digest(Sample.made)
    assert (
        digest(functools.partial(max, 1))
        != digest(functools.partial(max, 2))
        != digest(functools.partial(min, 2))
    )
    cached = functools.lru_cache(Sample.method)
    assert digest(cached) == digest(functools.lru_cache(Sample.method)) != digest(Sample.method)
    assert (
        len(
            {
                digest(one)
                for one in (len, abs, str.upper, "a".upper, "b".upper, [].append, int, Sample)
            }
        )
        == 8
    )
