"""The options of the decorator: what each does, and that a wrong one is refused where the function is decorated."""

import inspect
import threading

import pytest

import provenance as p
from provenance.calls.options import OptionArguments
from provenance.testing import in_memory


def sample(a, b=0, conf={"k": 1}):  # noqa: B006 - a default dictionary, for merge_defaults
    """A sample."""
    return [a, b, conf]


def gather(a, *args, **kwargs):
    """A sample that takes anything."""
    return [a, args, kwargs]


WRONG = {
    "version": [-1, 1.0, "1", True, None],
    "name": ["", 1, b"x"],
    "merge_defaults": ["conf", 1, ["b"], ["nothing"]],
    "ignore": ["a", ["nothing"], [1], 1, {"a": 1}],
    "remove": ["a", ["nothing"], [None]],
    "input_hash_fn": [1, "f"],
    "input_process_fn": [1, "f"],
    "custom_fields": [1, ["a"], {"a": {1}}, {"a": float("nan")}, {1: 2}, {"a": object()}],
    "tags": ["tag", [1], 1, {"a": 1}],
    "aliases": ["alias", [1], 1, {"a": 1}, ["a\0b"]],
    "serializer": ["nothing", "jobli", 1, ""],
    "load_kwargs": [1, {"a": object()}],
    "dump_kwargs": [1, {"a": object()}],
    "use_cache": [1, "yes", 0],
    "read_only": [1, "yes", 0],
    "repo": [1, object()],
}


@pytest.mark.parametrize(
    ("option", "value"), [(name, each) for name, values in WRONG.items() for each in values]
)
def test_a_wrong_option_is_refused_at_decoration(option, value):
    """The error is a ConfigError, and a ValueError; it names the function and the option."""
    with pytest.raises(p.ConfigError) as raised:
        p.provenance(**{option: value})(sample)
    assert isinstance(raised.value, ValueError)
    assert f"{__name__}.sample" in str(raised.value)
    assert option in str(raised.value)


def test_a_mapping_is_taken_whatever_its_truth_value(repo):
    """One that counts as false keeps its entries."""

    class Quiet(dict):
        """A mapping that is never true."""

        def __bool__(self):
            return False

    f = p.provenance(custom_fields=Quiet(team="x"))(sample)
    assert {"team": "x"} == dict(f.artifact(1).custom_fields)


@pytest.mark.parametrize(("name", "odd"), [("a\0b", r"'\\x00'"), ("x\ud800", r"'\\ud800'")])
def test_a_name_that_no_database_takes_is_told(name, odd):
    """Which character it is."""
    with pytest.raises(
        p.ConfigError, match=f"option name: .* databases cannot store {odd}; remove it"
    ):
        p.provenance(name=name)(sample)


def test_an_unknown_option_is_refused_at_decoration():
    """A misspelt option is an error that names the function and the option meant."""
    with pytest.raises((p.ConfigError, TypeError), match="versoin"):
        p.provenance(versoin=1)(sample)


def test_ignore_and_input_hash_fn_exclude_each_other():
    """Both say what tells calls apart."""
    with pytest.raises(p.ConfigError, match=r"ignore.*input_hash_fn"):
        p.provenance(ignore=["a"], input_hash_fn=lambda hashes: hashes)(sample)


def test_a_wrong_serializer_names_the_nearest():
    """A typing error in a name is shown how to correct."""
    with pytest.raises(p.ConfigError, match=r"did you mean 'joblib'\?"):
        p.provenance(serializer="jobli")(sample)


def test_an_unknown_parameter_lists_those_there_are():
    """The error shows the parameters that can be named."""
    with pytest.raises(p.ConfigError, match="a, b, conf"):
        p.provenance(ignore=["c"])(sample)


def test_with_options_refuses_as_the_decorator_does():
    """Options that are changed later are checked too."""
    with pytest.raises(p.ConfigError, match=r"sample.*version"):
        p.provenance(sample).with_options(version=-1)


@pytest.mark.parametrize("make", ["def f():\n yield 1", "async def f():\n yield 1"])
def test_generators_are_refused(make):
    """A generator function is refused at decoration, with advice."""
    space = {}
    exec(make, space)
    with pytest.raises(p.ConfigError, match=r"generator.*return a list"):
        p.provenance(space["f"])


@pytest.mark.parametrize("thing", [1, "f", None, [sample]])
def test_only_callables_are_decorated(thing):
    """What is no function is refused at once."""
    with pytest.raises(TypeError):
        p.provenance(version=1)(thing)


def test_what_has_no_signature_is_refused():
    """Arguments of a function that does not tell its parameters cannot be bound: it is refused, with advice."""
    with pytest.raises(TypeError, match="wrap it"):
        p.provenance(bytes)


def test_version_and_name_make_other_artifacts(repo):
    """Another version or name computes anew; the artifact carries both."""
    calls = []

    def f(x):
        calls.append(x)
        return x

    results = [
        p.provenance(ignore=["calls"], **each)(f)(1)
        for each in ({}, {"version": 1}, {"name": "n"}, {})
    ]
    assert [1, 1, 1] == calls
    artifacts = [p.artifact_of(each) for each in results]
    default = f"{__name__}.f"
    assert [(default, 0), (default, 1), ("n", 0), (default, 0)] == [
        (each.name, each.version) for each in artifacts
    ]
    assert {__name__} == {each.fn_module for each in artifacts}
    assert {("f", f.__qualname__)} == {(each.fn_name, each.fn_qualname) for each in artifacts}


def test_a_shared_name_shares_artifacts(repo):
    """Two functions that were given one name serve each other's results for equal inputs."""
    one = p.provenance(name="shared")(lambda x: ["one", x])
    other = p.provenance(name="shared")(lambda x: ["other", x])
    assert ["one", 1] == one(1) == other(1)
    assert ["other", 2] == other(2) == one(2)


def test_ignored_arguments_do_not_tell_calls_apart(repo):
    """They are recorded, need no hash, and the first call's result is served for all."""
    f = p.provenance(ignore=["b"])(sample)
    assert f.artifact_id(1, threading.Lock()) == f.artifact_id(1, 2)
    assert [1, 2, {"k": 1}] == f(1, 2) == f(1, 3)
    assert f.artifact_id(1, 2) == f.artifact_id(1, 3) == f.artifact_id(1)
    assert f.artifact_id(1, 2) != p.provenance(sample).artifact_id(1, 2)


def test_an_ignored_argument_is_recorded(repo):
    """`inputs` has it, and an artifact among the ignored arguments is an input of the result all the same."""
    source = p.provenance(name="source")(lambda: [1])()
    f = p.provenance(ignore=["b"])(lambda a, b: a)
    artifact = p.artifact_of(f(1, {"deep": [source]}))
    assert {"a": 1, "b": {"deep": [[1]]}} == artifact.inputs["kargs"]
    assert {p.artifact_of(source).id} == artifact.input_artifact_ids


def test_removed_arguments_are_neither_hashed_nor_recorded(repo):
    """They reach the function and nothing else."""
    f = p.provenance(remove=["token"])(lambda a, token: [a, len(token)])
    result = f(1, "secret")
    assert [1, 6] == result
    assert {"a": 1} == p.artifact_of(result).inputs["kargs"]
    assert f.artifact_id(1, "x") == f.artifact_id(1, threading.Lock())
    assert "secret" not in repr(p.artifact_of(result).inputs)


def test_a_captured_variable_may_be_ignored_or_removed(repo):
    """A variable that a closure captured is named like a parameter."""

    def make(lock, rate, **options):
        @p.provenance(**options)
        def f(x):
            return x * rate if lock else x

        return f

    one, other = (make(threading.Lock(), 2, ignore=["lock"]) for _ in range(2))
    assert one.artifact_id(1) == other.artifact_id(1)
    assert one.artifact_id(1) != make(threading.Lock(), 3, ignore=["lock"]).artifact_id(1)
    removed = make(threading.Lock(), 2, remove=["lock"])
    assert {"rate": 2} == dict(p.artifact_of(removed(1)).inputs.captured)
    with pytest.raises(p.UnhashableValueError, match="lock"):
        make(threading.Lock(), 2)(1)


def test_input_hash_fn_decides_what_tells_calls_apart(repo):
    """It gets the hashes by name and place and returns those to use."""
    seen = []

    def only_a(hashes):
        seen.append(hashes)
        return {"kargs": {"a": hashes["kargs"]["a"]}, "varargs": ()}

    f = p.provenance(input_hash_fn=only_a)(gather)
    assert f.artifact_id(1, 2, z=3) == f.artifact_id(1, 4, y=5)
    assert f.artifact_id(1, 2) != f.artifact_id(2, 2)
    assert {"kargs": {"a": p.hash(1), "z": p.hash(3)}, "varargs": (p.hash(2),)} == seen[0]


def test_input_process_fn_decides_what_is_hashed_and_recorded(repo):
    """It gets the inputs by name and place; the function still gets its own arguments."""

    def rounded(inputs):
        return {"kargs": {"a": round(inputs["kargs"]["a"])}, "varargs": inputs["varargs"]}

    f = p.provenance(input_process_fn=rounded)(gather)
    result = f(1.2, "x")
    assert [1.2, ("x",), {}] == result
    assert 1.2 == f(0.9, "x")[0]
    assert {"kargs": {"a": 1}, "varargs": ("x",)} == dict(p.artifact_of(result).inputs)


@pytest.mark.parametrize("option", ["input_hash_fn", "input_process_fn"])
@pytest.mark.parametrize(
    "answer", [None, 1, {}, {"varargs": ()}, {"kargs": 1}, {"kargs": {}, "varargs": 1}]
)
def test_an_input_function_must_keep_the_shape(repo, option, answer):
    """What it returns otherwise is an error that names the option; nothing has run."""
    with pytest.raises(p.ConfigError, match=option):
        p.provenance(**{option: lambda _: answer})(refuse_to_run)(1)


def refuse_to_run(*args):
    """A function that must not be called."""
    raise AssertionError("it ran")


def test_merge_defaults_completes_dictionaries(repo):
    """Entries that the caller leaves out come from the default, for the function, the id and the record alike."""
    f = p.provenance(merge_defaults=True)(sample)
    assert [1, 0, {"k": 1, "j": 2}] == f(1, conf={"j": 2})
    assert f.artifact_id(1, conf={"j": 2}) == f.artifact_id(1, 0, {"j": 2, "k": 1})
    assert {"k": 1, "j": 2} == f.artifact(1, conf={"j": 2}).inputs["kargs"]["conf"]
    assert [1, 0, {"k": 3}] == f(1, conf={"k": 3})
    assert [1, 0, {"k": 1}] == f(1)
    assert {"k": 1} == sample(1)[2], "the default itself is as it was"


def test_merge_defaults_may_name_parameters(repo):
    """Only those named are completed."""

    def two(a={"x": 1}, b={"y": 1}):  # noqa: B006 - default dictionaries are what it is about
        return [a, b]

    f = p.provenance(merge_defaults=["a"])(two)
    assert [{"x": 1, "z": 2}, {"z": 2}] == f({"z": 2}, {"z": 2})
    assert [{"z": 2}, {"z": 2}] == p.provenance(two)({"z": 2}, {"z": 2})


def test_custom_fields_and_tags_are_recorded(repo):
    """They come back with the artifact; tags are among the fields."""
    f = p.provenance(custom_fields={"team": "x", "n": [1, {"a": None}]}, tags=["b", "a"])(sample)
    artifact = repo[f.artifact(1).id]
    assert {"team": "x", "n": [1, {"a": None}], "tags": ["b", "a"]} == dict(artifact.custom_fields)
    assert ("b", "a") == artifact.tags


@pytest.mark.parametrize("serializer", ["pickle", "joblib", "cloudpickle"])
def test_the_serializer_is_recorded_and_used(repo, serializer):
    """What is stored names its serializer, and is read with it."""
    f = p.provenance(serializer=serializer)(sample)
    assert serializer == f.artifact(1).serializer
    assert [1, 0, {"k": 1}] == repo[f.artifact(1).id].value


def test_dump_and_load_kwargs_reach_the_serializer(repo):
    """They are recorded with the artifact, so that it is read back as it was meant."""
    dumped, loaded = [], []

    def dump(value, sink, *, mark):
        dumped.append(mark)
        sink.write(repr(value).encode())

    def load(source, *, mark):
        loaded.append(mark)
        return int(source.read())

    p.register_serializer("marked", dump, load)
    f = p.provenance(serializer="marked", dump_kwargs={"mark": 1}, load_kwargs={"mark": 2})(
        lambda x: x
    )
    f(7)
    assert 7 == p.unwrap(f(7))
    assert ([1], [2, 2]) == (dumped, loaded)  # the first of its type is read back


def test_repo_may_be_given_or_named(repo):
    """Results go into the repository that the decorator names; an unknown name is an error at the call."""
    with in_memory() as mine:
        f = p.provenance(repo=mine)(sample)
        g = p.provenance(repo="memory")(sample)
        assert f.artifact(1).id in mine
    assert f.artifact(2).id in mine
    assert f.artifact(2).id not in repo
    assert g.artifact(1).id in repo
    with pytest.raises(p.ConfigError, match="elsewhere"):
        p.provenance(repo="elsewhere")(refuse_to_run)(1)


def test_use_cache_off_computes_each_time(repo, events):
    """Equal values meet in one artifact, different ones get artifacts of their own; each was recorded."""
    values = iter([[1], [1], [2]])
    f = p.provenance(name="f", use_cache=False)(lambda x: next(_values))
    global _values  # noqa: PLW0603 - a global is no captured value
    _values = values
    ids = [f.artifact(0).id for _ in range(3)]
    assert ids[0] == ids[1] != ids[2]
    assert ([1], [2]) == (repo[ids[0]].value, repo[ids[2]].value)
    assert not f.is_cached(0)
    assert ["Recomputed"] * 3 == [type(each).__name__ for each in events]


_values = iter([])


def test_the_environment_turns_the_cache_off(repo):
    """A function that does not say itself follows the environment; one that says so does not."""
    counts = []

    def f(x):
        counts.append(x)
        return x

    follows, insists = (
        p.provenance(name="n", ignore=["counts"]),
        p.provenance(name="n", ignore=["counts"], use_cache=True),
    )
    follows(f)(1)
    p.set_use_cache(False)
    insists(f)(1)
    assert [1] == counts
    follows(f)(1)
    assert [1, 1] == counts


def stores_nothing(repo, result):
    """Whether neither the artifact of *result* nor its value is in *repo*."""
    artifact = p.artifact_of(result)
    return artifact.id not in repo and () == repo.get_by_value_id(artifact.value_id)


def test_read_only_serves_hits_and_stores_nothing(repo):
    """A hit is a hit; a miss is computed and returned, and is in no store."""
    writes, reads = p.provenance(name="f")(sample), p.provenance(name="f", read_only=True)(sample)
    writes(1)
    assert [1, 0, {"k": 1}] == reads(1)
    result = reads(2)
    assert [2, 0, {"k": 1}] == result == p.artifact_of(result).value
    assert stores_nothing(repo, result)
    assert not writes.is_cached(2)
    p.set_read_only(True)
    assert stores_nothing(repo, writes(3))


def test_an_ephemeral_result_is_recorded_as_a_plain_value(repo):
    """What is in no store is no input artifact of what is: alone, nested, captured or ignored, it is a plain value."""
    ephemeral = p.provenance(read_only=True)(lambda x: [x])(1)
    tracked = p.provenance(name="tracked")(lambda x: [x])(2)
    f = p.provenance(name="f")(lambda a, b=None: len(a))
    captured = p.provenance(name="g")(lambda: [ephemeral, tracked])
    ignoring = p.provenance(name="h", ignore=["a"])(lambda a: 1)
    artifacts = [
        f.artifact(ephemeral, tracked),
        f.artifact([ephemeral, tracked]),
        captured.artifact(),
        ignoring.artifact([ephemeral, tracked]),
    ]
    assert [{p.artifact_of(tracked).id}] * 4 == [each.input_artifact_ids for each in artifacts]
    recorded = artifacts[0].inputs["kargs"]["a"]
    assert [1] == recorded
    assert not p.is_proxy(recorded)
    assert [[1], [2]] == captured() == artifacts[2].value


def test_consoles_can_complete_the_options():
    """The signatures of the decorator and of `with_options` name all of them, as keywords."""
    for function in (p.provenance, p.provenance(len).with_options):
        parameters = inspect.signature(function).parameters
        keywords = {name for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY}
        assert set(OptionArguments.__annotations__) | {"version", "stream", "over"} == keywords


def test_what_pictures_there_are_can_be_completed():
    """`dir` of the package and of its part for pictures have the public names."""
    assert {"vis", "provenance", "search", "report"} <= set(dir(p))
    assert {"visualize_lineage", "Drawing"} <= set(dir(p.vis))
