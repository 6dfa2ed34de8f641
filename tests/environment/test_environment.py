"""The environment: replaced as a whole for the process, overlaid for one thread or task."""

import threading

import pytest

import provenance as p
from provenance.testing import memory_environment

echo = p.provenance(name="echo")(lambda value: value)


@pytest.fixture
def other():
    """Another repository."""
    return memory_environment().repository()


def in_thread(work):
    """What *work* returns in a thread of its own."""
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_using_repo_is_for_its_block_and_thread(repo, other):
    """Within the block calls go there; threads beside it do not notice; an exception ends it too."""
    with p.using_repo(other) as used:
        assert other is used is p.get_default_repo()
        assert repo is in_thread(p.get_default_repo)
        artifact = echo.artifact(1)
    assert (True, False) == (artifact.id in other, artifact.id in repo)
    with pytest.raises(ValueError, match="x"), p.using_repo(other):
        raise ValueError("x")
    assert repo is p.get_default_repo()


def test_using_repo_takes_names(repo):
    """A configured repository may be named; an unknown name is an error before the block."""
    with p.using_repo("memory") as used:
        assert repo is used
    with pytest.raises(p.ConfigError, match="nowhere"), p.using_repo("nowhere"):
        raise AssertionError


def test_set_default_repo_is_for_the_process(repo, other):
    """All threads see it; what does not exist is refused and changes nothing."""
    p.set_default_repo(other)
    assert other is p.get_default_repo() is in_thread(p.get_default_repo)
    with pytest.raises(p.ConfigError, match="nowhere"):
        p.set_default_repo("nowhere")
    assert other is p.get_default_repo()
    p.set_default_repo("memory")
    assert repo is p.get_default_repo() is p.get_repo_by_name("memory")


def test_an_unknown_repository_lists_those_there_are(repo):
    """The error names what was asked for and what is configured."""
    with pytest.raises(p.ConfigError, match=r"'nowhere'.*memory"):
        p.get_repo_by_name("nowhere")


@pytest.mark.parametrize("setting", ["x", 1, None])
@pytest.mark.parametrize("name", ["use_cache", "read_only", "check_mutations"])
def test_a_setting_is_true_or_false(repo, name, setting):
    """As in a configuration; what is refused changes nothing."""
    before = getattr(p, f"get_{name}")()
    with pytest.raises(
        p.ConfigError, match=f"set_{name}: must be a bool, got {setting!r}; pass True or False"
    ):
        getattr(p, f"set_{name}")(setting)
    assert before is getattr(p, f"get_{name}")()


@pytest.mark.parametrize(
    ("get", "set_"),
    [
        (p.get_use_cache, p.set_use_cache),
        (p.get_read_only, p.set_read_only),
        (p.get_check_mutations, p.set_check_mutations),
    ],
)
def test_settings(repo, get, set_):
    """What is set is what is got, in every thread."""
    for setting in (True, False, True):
        set_(setting)
        assert setting is get() is in_thread(get)


def test_a_setting_changed_meanwhile_does_not_change_a_call(repo):
    """A call keeps the environment that it began in."""

    @p.provenance(name="f")
    def f():
        p.set_read_only(True)
        return 1

    f()
    p.set_read_only(False)
    assert f.is_cached()


def test_the_repository_inside_a_body(repo, other):
    """A body that uses another repository for its own calls is recorded where it was called."""

    @p.provenance(name="outer", remove=["other"])
    def outer(other):
        with p.using_repo(other):
            return p.artifact_of(echo(1)).id

    result = outer(other)
    assert (True, False) == (p.artifact_of(result).id in repo, p.artifact_of(result).id in other)
    assert result in other
