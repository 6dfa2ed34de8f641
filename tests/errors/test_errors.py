"""Errors: one root, a builtin beside it, facts as attributes, and they travel between processes."""

import copy
import pickle
import threading

import pytest

import provenance as p

ERRORS = [
    (p.ArtifactNotFoundError("abcdef", "local"), KeyError),
    (p.SetNotFoundError("named 'x'", "local"), KeyError),
    (p.MemberNotFoundError("abcdef", "fedcba"), KeyError),
    (p.RunNotFoundError("abcdef", "fedcba", "local"), KeyError),
    (p.BlobNotFoundError("abcdef", "disk"), FileNotFoundError),
    (p.CorruptBlobError("abcdef", "disk", "the digest differs"), ValueError),
    (p.KeyExistsError("abcdef", "disk"), KeyError),
    (p.AmbiguousIdError("abcdef", ["abcdef1", "abcdef2"]), ValueError),
    (p.StorePermissionError("deleting a blob", "disk", "delete"), PermissionError),
    (p.StoreUnavailableError("disk", "no space", "free some", [1]), OSError),
    (p.CorruptRecordError("abcdef", "local", "its digest differs"), ValueError),
    (p.UntrustedStoreError("shared", "joblib", "it can execute code"), PermissionError),
    (p.BundleError("x.zip", "it is not a zip file"), ValueError),
    (p.EngineError("the worker died", "start it again"), RuntimeError),
    (p.ConfigError("artifact_repos.x", "no type", "give one"), ValueError),
    (p.UnhashableValueError("arguments['x'].lock", "a lock has no value"), TypeError),
    (p.UnhashableValueError("arguments['x'].lock", "a lock has no value"), ValueError),
    (p.UnserializableValueError("the result of f", "no pickle", [1]), TypeError),
    (p.UnarchivableFileError("the result of f", "no such file", "give another", "x.csv"), OSError),
    (p.UnreadableFileError("x.csv", "it changes while it is read"), OSError),
    (p.MissingFileError("x.csv"), FileNotFoundError),
    (p.NotReproducibleError("m.f", "3f2a91"), ValueError),
    (p.MissingLibraryError("serializer 'x'", "pandas"), ImportError),
    (p.ImpureFunctionError("m.f", ["a", "b"]), ValueError),
    (p.UnrepeatableStreamError("m.f", 0, 3), p.ImpureFunctionError),
    (p.CodeChangedError("m.f", "3f2a91", "m.K changed", 1), ValueError),
    (p.MutatedArtifactValueError("abcdef", "m.f", ["a"]), ValueError),
    (p.ProxyExpectedError("m.f", ["a", "b"]), TypeError),
    (p.DuplicateNameError(["m.f", "m.g"]), ValueError),
]
each_error = pytest.mark.parametrize(
    ("error", "builtin"), ERRORS, ids=lambda each: type(each).__name__
)


@each_error
def test_an_error_is_caught_as_its_builtin_or_as_ours(error, builtin):
    """By whoever knows the library, and by whoever does not."""
    assert isinstance(error, builtin)
    assert isinstance(error, p.ProvenanceError)


@each_error
def test_a_message_says_what_which_and_what_to_do(error, builtin):
    """`str` is the message itself (a KeyError would quote it), and names every fact."""
    assert error.message == str(error)
    facts = [
        value
        for name, value in vars(error).items()
        if name not in {"message", "value"} and isinstance(value, str)
    ]
    assert [] == [each for each in facts if each not in str(error)]
    advice = ": pip install" if isinstance(error, p.MissingLibraryError) else ";"
    assert advice in str(error) or isinstance(error, p.AmbiguousIdError), "advice follows the facts"


@each_error
def test_errors_are_pickled_and_copied(error, builtin):
    """With their message and facts, whatever their constructor takes."""
    for back in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(error) is type(back)
        assert str(error) == str(back)
        assert vars(error) == vars(back)


def test_public_errors_are_all_here():
    """A new error must be listed above."""
    public = {
        each
        for each in vars(p).values()
        if isinstance(each, type) and issubclass(each, p.ProvenanceError)
    }
    assert public - {p.ProvenanceError} == {type(error) for error, _ in ERRORS}


def test_an_unhashable_argument_runs_nothing(repo):
    """The error names the path to the offending part; function and store were not touched."""

    def never(*args, **kwargs):
        raise AssertionError

    class Layer:
        def __init__(self):
            self.lock = threading.Lock()

    f = p.provenance(never)
    cyclic = []
    cyclic.append(cyclic)
    cases = {
        "varargs[1]": lambda call: call(1, (each for each in "ab")),
        "arguments['x']": lambda call: call(x=threading.Lock()),
        "varargs[0]['deep'][2]": lambda call: call({"deep": [1, 2, threading.Lock()]}),
        "varargs[0][0]": lambda call: call(cyclic),
        "arguments['layers'][1].lock": lambda call: call(layers=[1, Layer()]),
    }
    for path, call in cases.items():
        for target in (f, f.plan, f.artifact_id, f.is_cached):
            with pytest.raises(p.UnhashableValueError) as raised:
                call(target)
            assert path in raised.value.path
