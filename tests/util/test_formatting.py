"""Values whose `repr` raises: what is said of them, and that nothing fails because of it."""

import threading
from fractions import Fraction

import pytest

import provenance as p
from provenance.testing import in_memory
from provenance.util.formatting import describe_error, describe_shape, safe_repr
from provenance.vis import visualize_lineage

HUGE = 10**5_000
BITS = "<int of 16610 bits>"


class Mute:
    """Says nothing of itself, and hides what it looks like."""

    def __repr__(self):
        raise LookupError("no words")

    @property
    def shape(self):
        raise LookupError("no shape")

    def value_repr(self):
        return "mute"


class Silent(Exception):
    def __str__(self):
        raise LookupError("no words")


class Number(int):
    pass


@pytest.fixture
def identity(memory_repo):
    """A decorated function that returns its argument."""
    return p.provenance(name="identity")(lambda n: n)


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("[1, 'two', None]", [1, "two", None]),
        (BITS, HUGE),
        (BITS, -HUGE),
        ("<Number of 16610 bits>", Number(HUGE)),
        (f"[1, {BITS}]", [1, HUGE]),
        (f"({BITS},)", (HUGE,)),
        (f"(1, {BITS})", (1, HUGE)),
        (f"{{{BITS}: 'x'}}", {HUGE: "x"}),
        (f"{{{BITS}}}", {HUGE}),
        (f"frozenset({{{BITS}}})", frozenset({HUGE})),
        (f"{{'a': [({BITS},)]}}", {"a": [(HUGE,)]}),
        ("<Fraction whose repr raises ValueError>", Fraction(HUGE, 3)),
        ("[1, <Mute whose repr raises LookupError>]", [1, Mute()]),
        ("[[[[<list whose repr raises ValueError>]]]]", [[[[[HUGE]]]]]),
    ],
    ids=map(str, range(14)),
)
def test_what_is_said_of_a_value(expected, value):
    """It is its `repr`, but for what has none: an int says how long it is, anything else its type."""
    assert expected == safe_repr(value)


def test_what_is_said_of_an_error():
    """Its type and text, or the type alone."""
    assert ["ValueError: no", "Silent"] == [
        describe_error(ValueError("no")),
        describe_error(Silent()),
    ]
    assert (None, (2,)) == (describe_shape(Mute()), describe_shape(memoryview(b"ab")))


def test_proxies_of_huge_integers(identity):
    """Their `repr` says how long the number is; they are the number all the same."""
    made = identity(HUGE)
    assert repr(made).startswith("<provenance.ArtifactProxy(")
    assert repr(made).endswith(f" {BITS} >")
    assert HUGE == made
    assert repr(identity([HUGE])).endswith(f" [{BITS}] >")


def test_inputs_and_plans_of_huge_integers(identity):
    """They can be shown."""
    expected = f"{{'kargs': {{'n': {BITS}}}, 'varargs': ()}}"
    assert expected == repr(identity.artifact(HUGE).inputs)
    assert "n=an int of 16610 bits" in repr(identity.plan(HUGE))


@pytest.mark.parametrize(
    "value", [HUGE, [HUGE], {"deep": {HUGE: 1}}, Mute(), [Mute()]], ids=map(str, range(5))
)
def test_a_lineage_of_such_values_is_drawn(identity, value):
    """As a tree, and in every format of pictures."""
    made = p.provenance(name="one")(lambda n: 1)(value)
    assert "one(n=" in p.lineage(made).tree()
    picture = visualize_lineage(made)
    assert all([picture.svg, picture.html, picture.mermaid, picture.dot])


def test_a_lineage_says_how_long_an_integer_is(identity):
    """In place of its digits."""
    assert f"identity(n={BITS})" in p.lineage(identity(HUGE)).tree()


def test_other_errors_are_not_hidden(identity):
    """An error whose message shows a value is that error, whatever the value."""
    with pytest.raises(p.UnhashableValueError, match=r"arguments\['n'\]\[<int of 16610 bits>\]"):
        identity({HUGE: threading.Lock()})
    with pytest.raises(p.ConfigError, match="at most 64 bits"):
        p.search(version=HUGE)
    with pytest.raises(p.ConfigError, match="labels"):
        p.create_set([], {"n": HUGE})
    with pytest.raises(p.ConfigError, match="version"):
        p.provenance(version=-HUGE)(lambda: 1)
    with pytest.raises(p.ConfigError, match="max_bytes"):
        p.evict(max_bytes=-HUGE, dry_run=False)
    with pytest.raises(TypeError, match="expected an artifact"):
        p.promote(Mute(), "elsewhere")
    with pytest.raises(TypeError, match="expected an artifact"):
        p.create_set([HUGE])
    with pytest.raises(TypeError, match="expected an artifact"):
        p.lazy_proxy_dict([HUGE])
    with pytest.raises(p.UnarchivableFileError, match="expected a path"):
        p.archive_file(HUGE)


def test_searches_are_shown():
    """Whatever is looked for."""
    with in_memory():
        assert "nothing found" in repr(p.search(custom_fields={"n": HUGE}))


def test_lazy_dictionaries_are_shown():
    """Whatever their keys and values."""
    lazy = p.lazy_dict({HUGE: Mute})
    _ = lazy[HUGE]
    assert f"<lazy_dict {{{BITS}: <Mute whose repr raises LookupError>}}>" == repr(lazy)


def test_explanations_of_such_values():
    """Name what differs."""
    assert ["value[0] differs: an int of 16610 bits and an int of 16610 bits"] == [
        str(each) for each in p.hash_differences([HUGE], [HUGE + 1])
    ]
    assert "a Mute" in str(p.explain_hash([Mute()]))


def test_an_error_without_words_while_storing(identity):
    """A serializer that fails with one leaves the value to the next."""

    class Stubborn:
        def __reduce__(self):
            raise Silent

        def value_repr(self):
            return 1

    with pytest.raises(p.UnserializableValueError, match="Silent"):
        p.provenance(name="stubborn")(Stubborn)()
