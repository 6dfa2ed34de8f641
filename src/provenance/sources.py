"""Where a configuration comes from: a YAML file, the project's `pyproject.toml`, or nowhere, and then the default."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias, cast

from provenance.checks import a
from provenance.errors import ConfigError

HOME: Final = ".provenance"
"""Folder of the default repository, in the project's own."""
VARIABLE: Final = "PROVENANCE_CONFIG"
"""Environment variable that names a YAML file, or holds the configuration itself as JSON."""
Raw: TypeAlias = Mapping[str, object]


def found(variables: Mapping[str, str], start: Path) -> tuple[Raw, Path]:
    """The configuration of a process that loaded none, and the folder from which its relative paths are taken.

    `PROVENANCE_CONFIG` names a YAML file, or is the configuration as JSON, as a parent process tells it; else
    `[tool.provenance]` in the project's `pyproject.toml` counts; else it is SQLite and disk under `.provenance/` in the
    project. The project is the nearest folder, from *start* upwards, with a `pyproject.toml` or `.git`; without any it
    is *start*.

    Raises:
        ConfigError: if it cannot be read.
    """
    named = variables.get(VARIABLE)
    if named:
        return from_json(named, start) if named.lstrip().startswith("{") else from_yaml(Path(named))
    project = next((each for each in (start, *start.parents) if _is_project(each)), start)
    table = _tool_table(project / "pyproject.toml")
    return (_default() if table is None else table), project


def from_yaml(path: Path) -> tuple[Raw, Path]:
    """The configuration in a YAML file, and the file's folder; ConfigError if it cannot be read."""
    import yaml

    try:
        raw: object = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(str(path), f"it cannot be read: {error}", "name a readable YAML file") from error
    if not isinstance(raw, Mapping):
        raise ConfigError(str(path), "it holds no dictionary", "write blobstores: and artifact_repos: into it")
    return cast("Raw", raw), path.absolute().parent


def from_json(text: str, start: Path) -> tuple[Raw, Path]:
    """The configuration that *text* is, and the folder that its key `base` names, else *start*; ConfigError if it is none."""
    try:
        raw = cast("dict[str, object]", json.loads(text))
    except ValueError as error:
        raise ConfigError(VARIABLE, f"it is no JSON: {error}", "name a YAML file, or write a JSON object") from error
    return raw, start / str(raw.pop("base", "."))


def to_json(raw: Raw, base: Path) -> str:
    """*raw* as text for `from_json`; a `run_info_fn` is left out. TypeError where something else in it has no JSON form.

    >>> to_json({"default_repo": "a", "artifact_repos": {"a": {"type": "memory"}}}, Path("/here"))
    '{"default_repo": "a", "artifact_repos": {"a": {"type": "memory"}}, "base": "/here"}'
    """
    plain = {key: value for key, value in raw.items() if key != "run_info_fn"}
    return json.dumps({**plain, "base": str(base)}, default=os.fspath)


def _is_project(folder: Path) -> bool:
    return (folder / "pyproject.toml").exists() or (folder / ".git").exists()


def _tool_table(pyproject: Path) -> Raw | None:
    if not pyproject.exists():
        return None
    import tomllib

    try:
        whole: Raw = tomllib.loads(pyproject.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(str(pyproject), f"it cannot be read: {error}", "correct it") from error
    tools = _table(whole.get("tool", {}), f"{pyproject}, tool")
    return _table(tools["provenance"], f"{pyproject}, tool.provenance") if "provenance" in tools else None


def _table(value: object, path: str) -> Raw:
    if not isinstance(value, Mapping):
        raise ConfigError(path, f"{a(value)} is no table", "write tables as [tool.provenance.artifact_repos.local]")
    return cast("Raw", value)


def _default() -> Raw:
    return {
        "blobstores": {"disk": {"type": "disk", "cachedir": f"{HOME}/blobs", "delete": True}},
        "artifact_repos": {
            "local": {"type": "sqlite", "db": f"{HOME}/provenance.db", "store": "disk", "delete": True},
        },
        "default_repo": "local",
    }
