"""What users may rely on is listed, and nothing else is in sight."""

import __future__

from types import ModuleType

import provenance


def is_own_submodule(name: str) -> bool:
    """Whether the name is there only because Python binds imported submodules to their package."""
    value = getattr(provenance, name)
    return isinstance(value, ModuleType) and value.__name__ == f"provenance.{name}"


def public_names() -> set[str]:
    """The names that `provenance.<tab>` offers, submodules left out unless they are listed."""
    visible = {name for name in dir(provenance) if not name.startswith("_")}
    visible -= {name for name in visible if isinstance(getattr(provenance, name), __future__._Feature)}
    return {name for name in visible if name in provenance.__all__ or not is_own_submodule(name)}


def test_all_lists_the_public_names():
    """`__all__` and the names in sight are the same set."""
    assert public_names() == set(provenance.__all__)


def test_no_name_is_listed_twice():
    """`__all__` has no duplicates."""
    assert len(set(provenance.__all__)) == len(provenance.__all__)


def test_every_public_function_and_class_is_documented():
    """`help()` on a public function or class says something."""
    values = {name: getattr(provenance, name) for name in provenance.__all__}
    callables = {name: value for name, value in values.items() if callable(value) and hasattr(value, "__module__")}
    assert [] == [name for name, value in callables.items() if not value.__doc__]
