"""Discovery of the configuration: a YAML file, JSON, `pyproject.toml`, or the default."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias, cast

from provenance.errors import ConfigError
from provenance.model.main_module import project_of
from provenance.util.formatting import with_article

HOME: Final = ".provenance"
"""Folder of the default repository, inside the project's folder."""
VARIABLE: Final = "PROVENANCE_CONFIG"
"""Environment variable with the name of a YAML file, or the configuration itself as JSON."""
Raw: TypeAlias = Mapping[str, object]


def find_config(variables: Mapping[str, str], start: Path) -> tuple[Raw, Path, str]:
    """Return the configuration of a process that loaded none, the folder of its relative paths, and where it was found.

    `PROVENANCE_CONFIG` comes first: it names a YAML file, or is JSON that a parent process has set.
    Then comes `[tool.provenance]` in the project's `pyproject.toml`. The default is SQLite and disk
    under `.provenance/` in the project. The project is the nearest folder, from *start* upwards,
    with a `pyproject.toml` or `.git`; without one the default is in the user's folder for data,
    and a user without a home has none.

    Raises:
        ConfigError: if the configuration cannot be read.
    """
    text = variables.get(VARIABLE)
    if text and text.lstrip().startswith("{"):
        return *from_json(text, start), f"environment variable {VARIABLE}"
    if text:
        file = Path(os.path.expanduser(text))  # noqa: PTH111 - without a home, `~` is a name
        return *from_yaml(file), str(file.absolute())
    project = project_of(start)
    if project is None:
        home = user_data()
        return ({} if home is None else _default(".")), home or start, "default"
    table = _tool_table(project / "pyproject.toml")
    if table is None:
        return _default(), project, "default"
    return table, project, str(project / "pyproject.toml")


def user_data() -> Path | None:
    """Return the user's folder for data of this library; None for a user without a home."""
    from platformdirs import user_data_path

    try:
        return user_data_path("provenance", appauthor=False)
    except RuntimeError:
        return None


def home_of(folder: Path) -> Path | None:
    """Return the default home that *folder* is in, None if it is in none."""
    folders = (folder, *folder.parents)
    home = next((path for path in folders if path.name == HOME), None) or user_data()
    return home if home in folders else None


def from_yaml(path: Path) -> tuple[Raw, Path]:
    """Return the configuration in a YAML file, and the file's folder.

    Raise ConfigError if it is unreadable.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses a key that is there twice, of which YAML takes the last without a word."""

        def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
            node = super().compose_mapping_node(anchor)
            seen = set[str]()
            for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
                if key.value in seen - {"<<"}:
                    place = f"{path}, line {key.start_mark.line + 1}"
                    problem = f"the key {key.value!r} is there twice"
                    raise ConfigError(place, problem, "keep one of them")
                seen.add(key.value)
            return node

    try:
        raw: object = yaml.load(path.read_text("utf-8"), Loader)  # noqa: S506 - it is a SafeLoader
    except ConfigError:
        raise
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(
            str(path), f"cannot read it: {error}", "name a readable YAML file"
        ) from error
    if not isinstance(raw, Mapping):
        problem = f"must be a mapping, got {with_article(raw)}"
        raise ConfigError(str(path), problem, "write blobstores: and artifact_repos: into it")
    return cast("Raw", raw), path.absolute().parent


def from_json(text: str, start: Path) -> tuple[Raw, Path]:
    """Return the configuration in *text*, and the folder of its key `base` (default *start*)."""
    try:
        raw = cast("dict[str, object]", json.loads(text))
    except ValueError as error:
        raise ConfigError(
            VARIABLE, f"invalid JSON: {error}", "name a YAML file, or write a JSON object"
        ) from error
    return raw, start / str(raw.pop("base", "."))


def to_json(raw: Raw, base: Path) -> str:
    """Return *raw* as text for `from_json`, without a `run_info_fn`.

    Raise TypeError if JSON cannot hold it.

    >>> to_json({"default_repo": "a", "artifact_repos": {"a": {"type": "memory"}}}, Path("/here"))
    '{"default_repo": "a", "artifact_repos": {"a": {"type": "memory"}}, "base": "/here"}'
    """
    plain = {key: value for key, value in raw.items() if key != "run_info_fn"}
    return json.dumps({**plain, "base": str(base)}, default=os.fspath)


def _tool_table(pyproject: Path) -> Raw | None:
    """Return the table `[tool.provenance]`, None if there is none."""
    if not pyproject.exists():
        return None
    import tomllib

    try:
        table: object = tomllib.loads(pyproject.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ConfigError(str(pyproject), f"cannot read it: {error}", "correct it") from error
    path = str(pyproject)
    for key in ("tool", "provenance"):
        table = cast("Raw", table).get(key)
        if table is None:
            return None
        path = f"{path}, tool" if key == "tool" else f"{path}.{key}"
        if not isinstance(table, Mapping):
            advice = "write tables as [tool.provenance.artifact_repos.local]"
            raise ConfigError(path, f"must be a table, got {with_article(table)}", advice)
    return cast("Raw", table)


def _default(home: str = HOME) -> Raw:
    return {
        "blobstores": {"disk": {"type": "disk", "cachedir": f"{home}/blobs", "delete": True}},
        "artifact_repos": {
            "local": {
                "type": "sqlite",
                "db": f"{home}/provenance.db",
                "store": "disk",
                "delete": True,
            }
        },
        "default_repo": "local",
    }
