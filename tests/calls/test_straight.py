"""A plain call, taken in a straight line, is the call that is taken step by step."""

import threading
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import pytest
from attrs import asdict, evolve, fields_dict
from hypothesis import given, settings
from hypothesis import strategies as st

import provenance as p
from provenance import environment
from provenance.calls import execute
from provenance.calls.function import spec_of
from provenance.ports.records import FindInputs

TIMES = (
    "computed_at",
    "added_at",
    "compute_duration",
    "hash_duration",
    "value_id_duration",
    "signature",  # of the times, too
)


def identity(a, b=1, *, c=None):
    """Returns a scalar."""
    return a


def collect(a, b=1, *, c=None):
    """Returns a container."""
    return [a, {"b": b, "c": c}]


def fail(a, b=1, *, c=None):
    """Raises."""
    raise ValueError(a)


def lock(a, b=1, *, c=None):
    """Returns what nothing stores."""
    return threading.Lock()


def recurse(a, b=1, *, c=None):
    """Calls itself."""
    return a if b is None else recursing(a, None, c=c)


FUNCTIONS = [
    *map(p.provenance(), [identity, collect, fail, lock]),
    p.provenance(tags=["x"], custom_fields={"y": [1]}, version=3)(collect),
    p.provenance(serializer="json")(identity),
    p.provenance(results="values", singletons="proxy")(identity),
    p.provenance(read_only=True)(identity),
]
recursing = p.provenance()(recurse)


@p.provenance()
def half(a):
    """A result that another call receives."""
    return a / 2


@pytest.mark.parametrize("options", [{"remove": ("b",)}, {"ignore": ("b",)}, {}])
def test_what_is_no_input_is_read_for_the_function(options):
    """An argument that is removed or ignored may be a result, too, which the function receives as its value."""
    shown = p.provenance(**options)(show)
    told = []
    for way in (step_by_step, straight):
        with empty("memory") as repo, p.using_repo(repo):
            told.append(p.unwrap(way(shown, (1, half(3)), {})))
    assert told[0] == told[1] == "1 1.5"


def show(a, b):
    """Writes what it receives."""
    return f"{a!r} {b!r}"


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.binary(max_size=3)
)
plans = st.tuples(
    st.sampled_from([*FUNCTIONS, recursing]),
    st.one_of(st.tuples(scalars), st.tuples(scalars, scalars)),
    st.one_of(st.just({}), st.fixed_dictionaries({"c": scalars})),
)


def step_by_step(function, args, kwargs):
    """The call, without the straight line."""
    return execute.execute(execute.prepare(environment.current(), spec_of(function), args, kwargs))


def straight(function, args, kwargs):
    """The call as users make it."""
    return function(*args, **kwargs)


def play(repo, calls, way):
    """What the *calls* return, report and leave behind in *repo*, without times."""
    told, events = [], []
    with p.using_repo(repo), p.subscribe(events.append):
        for call in calls:
            try:
                result = way(*call)
                told.append((type(result), repr(p.unwrap(result)), p.hash(p.unwrap(result))))
            except (ValueError, p.ProvenanceError) as error:
                told.append((type(error), str(error), type(getattr(error, "value", None))))
    records = {
        record.id: (
            {name: each for name, each in _facts(record).items() if name not in TIMES},
            repo.interpreter(FindInputs(record.id)),
        )
        for record in repo
    }
    return told, [_timeless(event) for event in events], records


def _facts(record):
    return {name: getattr(record, name) for name in fields_dict(type(record)) if name != "origin"}


def _timeless(event):
    changes = {name: 0.0 for name in asdict(event) if name.startswith(("seconds", "started"))}
    return evolve(event, **changes)


@contextmanager
def empty(kind):
    """A repository with nothing in it."""
    if kind == "memory":
        yield p.MemoryRepo()
        return
    with TemporaryDirectory() as folder:
        yield p.SqliteRepo(db=f"{folder}/p.db")


@pytest.mark.parametrize("kind", ["sqlite", "memory"])
@settings(max_examples=40)
@given(st.lists(plans, min_size=1, max_size=4))
def test_both_ways_are_the_same(kind, calls):
    """Results, events, records and recorded inputs are equal, hits and errors among them."""
    repeated = [*calls, *calls]
    with empty(kind) as one, empty(kind) as other:
        assert play(one, repeated, step_by_step) == play(other, repeated, straight)
