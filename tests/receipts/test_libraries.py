"""A library whose version counts is part of the code."""

from importlib import metadata

import pytest

import provenance as p


@pytest.fixture
def versions(monkeypatch):
    """The versions that seem to be installed."""
    found = {"forest": "4.2.1"}

    def version(name):
        if name not in found:
            raise metadata.PackageNotFoundError(name)
        return found[name]

    monkeypatch.setattr(metadata, "version", version)
    return found


@pytest.mark.parametrize(
    ("library", "version", "changes"),
    [
        ("forest", "4.9.0", False),
        ("forest", "5.0.0", True),
        ("forest:minor", "4.2.7", False),
        ("forest:minor", "4.3.0", True),
        ("forest:full", "4.2.1", False),
        ("forest:full", "4.2.2", True),
        ("forest>=4", "9.0", False),
        ("forest >= 4.0", "3.9", True),
        ("forest>=5", "5.0.0rc1", True),
        ("forest", None, True),
    ],
)
def test_a_hit_follows_the_policy_if_the_version_changed(library, version, changes, versions, repo):
    """In the part that was named; an uninstalled library has changed."""

    def make():
        @p.provenance(name="fit", sensitive_to=[library], on_code_change="raise")
        def fit():
            return 1

        return fit

    make()()
    versions.update({"forest": version}) if version else versions.clear()
    if not changes:
        assert 1 == make()()
        return
    with pytest.raises(p.CodeChangedError, match="library forest changed"):
        make()()


def test_no_library_counts_by_default(versions, repo, events):
    """An upgrade loses nothing and says nothing."""
    p.provenance(name="fit")(lambda: 1)()
    versions["forest"] = "5"
    p.provenance(name="fit")(lambda: 1)()
    assert ["Miss", "Hit"] == [type(each).__name__ for each in events]


@pytest.mark.parametrize("library", ["", "a b", "numpy==2", "numpy:patch", ">=2"])
def test_what_names_no_library_is_refused(library):
    """When the function is decorated."""
    with pytest.raises(p.ConfigError, match="option sensitive_to: cannot read"):
        p.provenance(sensitive_to=[library])(lambda: 1)
