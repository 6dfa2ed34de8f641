"""Lineage is that of the call: a hit shows the producers that its caller used."""

import multiprocessing
import pickle
import sqlite3
from contextlib import closing
from copy import copy, deepcopy

import cloudpickle
import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import provenance as p
from provenance.engines.shipping import dump
from provenance.ports.history import FindDerivations
from provenance.testing import in_memory


@p.provenance(name="train")
def train(ccp):
    """Return a model, equal for all parameters below 0.5."""
    return {"depth": 3 if ccp < 0.5 else 1}


@p.provenance(name="evaluate")
def evaluate(model, data=None):
    """Return a score."""
    return {"score": model["depth"] / 10}


@p.provenance(name="report")
def report(score, title="t"):
    """Return a text."""
    return {"text": f"{title}: {score['score']}"}


def ids(*results):
    """Return the ids of results."""
    return [p.artifact_of(result).id for result in results]


def sources(of):
    """Return the ids in the lineage of a result."""
    return set(p.lineage(of).artifacts)


def derivations(of, repo=None):
    """Return the recorded derivations of a result."""
    ask = (repo or p.get_default_repo()).interpreter
    return ask(FindDerivations(p.artifact_of(of).id))


def descendants(of):
    """Return the ids of what was made from a result."""
    return {artifact.id for artifact in p.descendants(of)}


@pytest.fixture(params=["memory", "stored"])
def place(request):
    """A repository in memory, and one in SQLite."""
    return request.getfixturevalue("memory_repo" if request.param == "memory" else "stored")


@pytest.mark.usefixtures("place")
def test_a_result_shows_the_model_that_its_caller_used():
    """Both models are equal, so the second evaluation is a hit; its lineage is its own."""
    one, two = train(0.1), train(0.2)
    first, second = evaluate(one), evaluate(two)
    assert ids(first) == ids(second)
    assert {*ids(first, one)} == sources(first)
    assert {*ids(second, two)} == sources(second)
    assert (("model", *ids(two)),) == p.lineage(second).uses(*ids(second))
    assert {*ids(first)} == descendants(one) == descendants(two)


@pytest.mark.usefixtures("place")
def test_a_derivation_is_recorded_once_and_only_where_it_differs():
    """Calls with the recorded inputs, or with plain values, record nothing."""
    one, two = train(0.1), train(0.2)
    for model in (one, one, {"depth": 3}, two, two, one):
        result = evaluate(model)
    (known,) = derivations(result)
    assert {*ids(two)} == known.input_artifact_ids


@pytest.mark.usefixtures("place")
def test_what_is_made_of_a_derivation_leads_to_it():
    """An edge knows the derivation, so lineage goes on behind it, also by id and for later hits."""
    one, two = train(0.1), train(0.2)
    evaluate(one)
    made = report(evaluate(two))
    for of in (made, *ids(made), report(evaluate(two))):
        assert {*ids(made, evaluate(two), two)} == sources(of)
    assert {*ids(made, evaluate(one), one)} == sources(report(evaluate(one)))
    assert ids(made)[0] in descendants(one) & descendants(two)
    assert 1 == len(derivations(made))


@pytest.mark.usefixtures("place")
def test_loading_by_id_shows_what_is_recorded_and_the_alternatives():
    """An artifact that nobody's call returned has the recorded inputs, and the derivations beside them."""
    one, two = train(0.1), train(0.2)
    evaluate(one)
    result = evaluate(two)
    loaded = p.load_artifact(*ids(result))
    assert {*ids(result, one)} == sources(loaded)
    (other,) = p.get_default_repo().get_derivations(loaded)
    assert {*ids(two)} == other.input_artifact_ids
    assert derivations(result) == (other,)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("way", ["option", "environment", "permission"])
def test_nothing_is_written_where_that_is_not_allowed(way, tmp_path):
    """The result still knows what its caller used."""
    one, two = train(0.1), train(0.2)
    recorded = evaluate(one)
    if way == "option":
        second = evaluate.with_options(name="evaluate", read_only=True)(two)
    elif way == "environment":
        p.set_read_only(True)
        second = evaluate(two)
        p.set_read_only(False)
    else:
        engine = p.get_default_repo().engine.url.database
        with p.using_repo(p.SqliteRepo(db=engine, write=False)):
            second = evaluate(two)
    assert ids(recorded) == ids(second)
    assert () == derivations(recorded)
    assert ids(two)[0] in sources(second)
    assert ids(recorded)[0] not in descendants(two)


@pytest.mark.usefixtures("place")
def test_the_winner_of_a_race_has_the_lineage_of_each_caller():
    """`recompute` replaces the record; derivations of the call stay, as its inputs have the same values."""
    one, two = train(0.1), train(0.2)
    evaluate(one)
    evaluate(two)
    again = evaluate.recompute(one)
    assert 1 == len(derivations(again))
    assert {*ids(again)} <= descendants(one) & descendants(two)


@pytest.mark.usefixtures("place")
def test_a_deleted_artifact_has_no_derivations():
    """Deleting and computing it again starts anew."""
    one, two = train(0.1), train(0.2)
    evaluate(one)
    evaluate(two)
    evaluate.forget(one)
    assert set() == descendants(one) == descendants(two)
    assert () == derivations(evaluate(one))


def test_derivations_are_promoted_with_their_producers(stored, tmp_path):
    """What was promoted before gets the derivations that came later."""
    target = p.SqliteRepo(db=tmp_path / "target.db")
    one, two = train(0.1), train(0.2)
    first = evaluate(one)
    p.promote(first, target)
    second = evaluate(two)
    p.promote(second, target)
    assert derivations(second) == derivations(second, target)
    with p.using_repo(target):
        assert {*ids(second)} == descendants(ids(two)[0])
        assert {*ids(second, two)} == sources(evaluate(two))


def test_a_chain_copies_derivations_and_records_them_everywhere(tmp_path):
    """Each tier that has the artifact has its derivations."""
    near, far = p.MemoryRepo(), p.SqliteRepo(db=tmp_path / "far.db")
    with p.using_repo(far):
        one, two = train(0.1), train(0.2)
        evaluate(one)
        known = evaluate(two)
    with p.using_repo(p.ChainedRepo(stores=[near, far])):
        assert {*ids(known, two)} == sources(evaluate(two))
        third = evaluate(train(0.3))
    assert 2 == len(derivations(third, near)) == len(derivations(third, far))


def test_an_unsigned_derivation_is_not_believed(tmp_path):
    """In a signed repository a row that somebody wrote in is left out, and verification reports it."""
    path = tmp_path / "signed.db"
    signed = p.SqliteRepo(db=path, signing_key="k" * 32)
    with p.using_repo(signed):
        one, two, other = train(0.1), train(0.2), train(0.9)
        evaluate(one)
        result = evaluate(two)
        assert p.verify().is_sound
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "INSERT INTO derivations SELECT artifact_id, 'ab', ?, '[]', run_id, derived_at, 'crc32:0:0' FROM derivations",
                (f'["{ids(other)[0]}"]',),
            )
            connection.execute(
                "INSERT INTO artifact_inputs VALUES (?, ?)", (*ids(result), *ids(other))
            )
        assert 1 == len(derivations(result))
        assert set() == descendants(other)
        assert not p.verify().is_sound


@pytest.mark.usefixtures("place")
def test_parts_of_a_composite_lead_to_what_the_caller_used():
    """A part is an artifact of its own, and has the derivation of the call."""
    split = p.provenance(name="split", returns_composite=True)(
        lambda model: {"depth": [model["depth"]], "n": [1]}
    )
    one, two = train(0.1), train(0.2)
    split(one)
    whole = split(two)
    assert {*ids(whole["depth"], two)} == sources(whole["depth"])
    used = report(p.provenance(name="score")(lambda depth: {"score": depth[0]})(whole["depth"]))
    assert ids(two)[0] in sources(used)
    assert ids(one)[0] not in sources(used)


@pytest.mark.usefixtures("memory_repo")
def test_captured_and_nested_models():
    """Whatever way the model comes in, the result leads to it."""
    one, two = train(0.1), train(0.2)

    def scored(model):
        return p.provenance(name="closure")(lambda: {"score": model["depth"]})

    scored(one)()
    assert ids(two)[0] in sources(scored(two)())
    nested = p.provenance(name="nested")(lambda models: {"n": len(models["all"])})
    nested({"all": [one, train(0.9)]})
    third = nested({"all": [two, train(0.9)]})
    assert {*ids(third, two, train(0.9))} == sources(third)


@p.provenance(name="depth")
def depth(model):
    """Return a scalar."""
    return float(model["depth"])


@p.provenance(name="parts", returns_composite=True)
def parts(model):
    """Return a composite."""
    return {"depth": [model["depth"]], "n": [1]}


@p.provenance(name="table")
def table(model):
    """Return an array, which is an opaque proxy."""
    return np.ones(3) * model["depth"]


def dumped_by_joblib(value):
    """Return a value that was in a file of joblib's."""
    joblib.dump(value, "value.joblib")
    return joblib.load("value.joblib")


def sent_to_a_process(value):
    """Return a value that was in another process."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(copy, (value,))


def copied(value):
    """Return a copy, a copy of a copy and a pickle's copy of these."""
    return pickle.loads(pickle.dumps(deepcopy(copy(value))))


TRIPS = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "copies": copied,
    "cloudpickle": lambda value: pickle.loads(cloudpickle.dumps([value]))[0],
    "shipment": lambda value: pickle.loads(dump(value, None)),
    "shipment home": lambda value: pickle.loads(dump(value, p.get_default_repo())),
    "joblib": dumped_by_joblib,
    "multiprocessing": sent_to_a_process,
}
MADE = {
    "container": evaluate,
    "scalar": depth,
    "opaque": table,
    "lazy": evaluate.with_options(name="evaluate", lazy=True),
    "part": lambda model: parts(model)["depth"],
    "composite's part": parts,
    "artifact": lambda model: p.artifact_of(evaluate(model)),
}


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("trip", TRIPS)
@pytest.mark.parametrize("read_only", [False, True])
def test_a_result_that_travels_keeps_the_lineage_of_its_call(trip, read_only):
    """Whatever pickles it, and whatever it is; also if the derivation is recorded nowhere."""
    one, two = train(0.1), train(0.2)
    whole = {kind: make(one) for kind, make in MADE.items()}
    assert whole
    p.set_read_only(read_only)
    for kind, make in MADE.items():
        result = TRIPS[trip](make(two))
        if kind == "composite's part":
            result = result["depth"]
        if kind != "artifact" or "shipment" not in trip:
            assert ids(two)[0] in sources(result), kind
            assert ids(one)[0] not in sources(result), kind
    p.set_read_only(False)


@pytest.mark.usefixtures("stored")
def test_what_is_made_of_a_result_that_travelled_leads_to_it():
    """Its edge knows the derivation."""
    one, two = train(0.1), train(0.2)
    evaluate(one)
    made = report(TRIPS["pickle"](evaluate(two)))
    assert {*ids(made, evaluate(two), two)} == sources(made)


@pytest.mark.usefixtures("stored")
def test_maps_have_the_lineage_of_each_call():
    """Hits of a map too, in this process and after one in another."""
    models = [train(0.1), train(0.2)]
    for engine in ("serial", p.engines.processes(1)):
        for model, result in zip(models, evaluate.map(models, engine=engine), strict=True):
            assert {*ids(result, model)} == sources(result)


steps = st.lists(
    st.tuples(st.sampled_from([train, evaluate, report]), st.integers(0, 5), st.booleans()),
    min_size=2,
    max_size=12,
)


@given(steps)
def test_lineage_is_that_of_the_call_in_any_pipeline(steps):
    """Whatever is stored before, each result leads to just what it was made from, by this caller."""
    with in_memory():
        made, truth = [], {}
        for function, number, twice in steps:
            kind = {train: None, evaluate: train, report: evaluate}[function]
            known = [each for each in made if each[0] is kind]
            if kind is None:
                result, used = train(number / 10), set()
            elif known:
                _, given_result, behind = known[number % len(known)]
                result, used = function(given_result), behind
                if twice:
                    result = function(given_result)
            else:
                continue
            behind = used | {*ids(result)}
            made.append((function, result, behind))
            assert behind == sources(result)
            for each in behind:
                truth.setdefault(each, set()).update(ids(result))
        for each, users in truth.items():
            assert users - {each} <= descendants(each)
