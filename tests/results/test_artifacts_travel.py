"""Artifacts as values of their own: copied, pickled, sent to other processes, and refused as arguments."""

import copy
import pickle

import cloudpickle
import joblib
import pytest

import provenance as p
from processes import printed
from provenance.testing import in_memory

WAYS = {"pickle": pickle, "cloudpickle": cloudpickle}


def double(n: list[int]) -> list[int]:
    """Decorated below."""
    return n * 2


@pytest.fixture
def doubled(home):
    """An artifact that was just computed, of a decorated function of the module."""
    return p.provenance(name="double")(double).artifact([1])


@pytest.fixture(params=["memory_repo", "stored"])
def home(request):
    """Either kind of repository."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("way", WAYS)
def test_pickles_are_the_id(home, doubled, way):
    """However it came, it comes back from the current repository; nothing of the value is in the pickle."""
    for artifact in (
        doubled,
        home[doubled.id],
        p.load_artifact(doubled.id),
        p.artifact_of(doubled.proxy()),
    ):
        data = WAYS[way].dumps(artifact)
        assert len(data) < 300
        back = WAYS[way].loads(data)
        assert (artifact, p.Artifact, [1, 1]) == (back, type(back), back.value)
        assert artifact.run_info == back.run_info
        assert [1] == back.inputs["kargs"]["n"]


def test_copies_are_itself(doubled):
    """It cannot be changed."""
    assert copy.copy(doubled) is doubled
    assert copy.deepcopy([doubled])[0] is doubled


def test_pickles_follow_the_current_repository(stored, memory_repo):
    """As those of proxies do; where that has none of the id, unpickling says so."""
    with p.using_repo(stored):
        data = pickle.dumps(p.provenance(name="double")(double).artifact([1]))
    with pytest.raises(p.ArtifactNotFoundError, match="memory"):
        pickle.loads(data)
    with p.using_repo(stored):
        assert [1, 1] == pickle.loads(data).value


def test_another_process_finds_it(stored, tmp_path):
    """With no more than the configuration."""
    artifact = p.provenance(name="double")(double).artifact([1])
    path = tmp_path / "artifact.pickle"
    path.write_bytes(
        pickle.dumps(
            {"made": artifact, "set": p.create_set([artifact], "x"), "from": p.lineage(artifact)}
        )
    )
    program = """if True:
        import pickle, sys
        found = pickle.load(open(sys.argv[1], "rb"))
        import provenance as p
        print(found["made"].id, found["made"].value, found["made"] == p.load_artifact(found["made"].id),
            found["set"].artifacts[0].value, found["from"].artifacts[found["from"].root].name)
    """
    config = tmp_path / "provenance.yaml"
    config.write_text(
        "blobstores: {disk: {type: disk, cachedir: blobs}}\n"
        "artifact_repos: {local: {type: sqlite, db: records.db, store: disk}}\n"
        "default_repo: local\n"
    )
    said = printed(
        program.replace('open(sys.argv[1], "rb")', f"open({str(path)!r}, 'rb')"),
        PROVENANCE_CONFIG=str(config),
    )
    assert f"{artifact.id} [1, 1] True [1, 1] double\n" == said


def test_joblib_takes_them(doubled, tmp_path):
    """To files of its own."""
    joblib.dump([doubled], tmp_path / "x")
    assert [doubled] == joblib.load(tmp_path / "x")


def test_lineages_travel(doubled):
    """With the artifacts in them."""
    graph = p.lineage(doubled)
    for again in (pickle.loads(pickle.dumps(graph)), copy.deepcopy(graph)):
        assert graph == again
        assert graph.tree() == again.tree()


@pytest.mark.parametrize("record", ["run", "set", "inputs", "record"])
def test_other_records_travel(home, doubled, record):
    """Runs, sets, inputs and bare records."""
    one = {
        "run": doubled.run_info,
        "set": p.create_set([doubled], "x"),
        "inputs": doubled.inputs,
        "record": home.load_record(doubled.id),
    }[record]
    for again in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert p.hash(one) == p.hash(again)


def test_read_only_results_do_not_travel(home):
    """They are in no store: the error says what to pickle instead; a copy is itself."""
    artifact = p.artifact_of(p.provenance(name="double", read_only=True)(double)([1]))
    with pytest.raises(pickle.PicklingError, match=r"in no store.*artifact\.value"):
        pickle.dumps(artifact)
    assert copy.deepcopy(artifact) is artifact


def test_arguments_are_the_result_not_its_record(doubled):
    """An artifact as an argument, a part of one, or captured, is refused with what to pass."""
    taken = p.provenance(name="taken")(lambda x: 1)
    advice = "pass the result itself, or artifact.proxy()"
    with pytest.raises(
        p.UnhashableValueError,
        match=r"arguments\['x'\]: an Artifact .*" + advice.replace(".", r"\."),
    ):
        taken(doubled)
    with pytest.raises(p.UnhashableValueError, match=r"arguments\['x'\]\[0\]: an Artifact"):
        taken([doubled])
    with pytest.raises(p.UnhashableValueError, match=r"artifacts\['.*'\]: an Artifact"):
        taken(p.lineage(doubled))
    with pytest.raises(p.UnhashableValueError, match="captured"):
        p.provenance(name="captures")(lambda: doubled.id)()
    assert 1 == taken(doubled.proxy())
    assert {doubled.id} == taken.artifact(doubled.proxy()).input_artifact_ids


def test_ignored_artifacts_are_recorded_by_their_type(home, doubled):
    """An argument that does not count may be one; as before, nothing is stored that leads to another repository."""
    taken = p.provenance(name="taken", ignore=["x"])(lambda x: x.id)
    assert doubled.id == taken(doubled)
    assert "provenance:Artifact" == taken.artifact(doubled).inputs["kargs"]["x"].type


def test_results_are_no_records():
    """A function that returns one is told what to return."""
    with in_memory():
        made = p.provenance(name="double")(double)
        with pytest.raises(p.ProvenanceError, match="an Artifact is the record"):
            p.provenance(name="record")(lambda: made.artifact([1]))()
