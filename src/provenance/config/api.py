"""Public functions of the configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from attrs import evolve, frozen

from provenance import environment as provenance_environment
from provenance.config import sources, wiring
from provenance.config.parsing import parse, parse_hook
from provenance.config.schema import Config, RunInfoHook
from provenance.config.wiring import environment_of
from provenance.environment import Environment, RepositoryOrName
from provenance.util.naming import exported


def from_config(config: Mapping[str, object], base: str | Path = ".") -> Environment:
    """Return the environment that *config* describes, without installing it.

    Its `repository(name)` opens a repository. Relative paths are relative to the folder *base*.

    Args:
        config: The configuration, as `load_config` accepts it.
        base: The folder of relative paths.

    Raises:
        ConfigError: with the path to the first mistake.

    Example:
        >>> import provenance as p
        >>> repos = {"local": {"type": "sqlite", "db": "records.db"}}
        >>> p.from_config({"artifact_repos": repos}).repository("local")
        Repository(name='local')
    """
    folder = Path(base).absolute()
    return evolve(environment_of(parse(config, os.environ), folder), written=(config, folder))


def _with_hook(environment: Environment) -> Environment:
    """Return *environment* after setting its `run_info_fn` for the process."""
    wiring.record_sources(environment.record_sources)
    hook = cast("Config", environment.config).run_info_fn
    if hook is not None:
        wiring.current_system().set_hook(hook)
    return environment


def _load(config: Mapping[str, object], base: Path, source: str) -> Environment:
    """Install *config* in this process, and in the processes that it will start."""

    def tell_children(environment: Environment) -> None:
        # Setters may have changed these since the configuration was loaded.
        names = ("use_cache", "read_only", "check_mutations")
        changed: dict[str, object] = {name: getattr(environment, name) for name in names}
        if isinstance(environment.default, str):
            changed["default_repo"] = environment.default
        wiring.export_config({**config, **changed}, base)

    return provenance_environment.install(
        evolve(
            _with_hook(from_config(config, base)), export_to_children=tell_children, source=source
        )
    )


def load_config(config: Mapping[str, object]) -> Environment:
    """Make *config*, a dictionary, the configuration of the process.

    Processes started from now on, such as joblib's workers, inherit it unless they load another
    one. It is passed to them in the environment variable `PROVENANCE_CONFIG`, so write secrets as
    `${NAME}`.

    Args:
        config: The configuration; the page "Configuration" of the reference lists its keys.

    Returns:
        The environment that is current from now on.

    Raises:
        ConfigError: with the path to the first mistake.

    Example:
        >>> import provenance as p
        >>> repos = {"local": {"type": "sqlite", "db": "records.db"}}
        >>> environment = p.load_config({"artifact_repos": repos})
        >>> p.get_default_repo()
        Repository(name='local')
    """
    return _load(config, Path.cwd(), "load_config")


def load_yaml_config(filename: str | Path) -> Environment:
    """Make a YAML file the configuration of the process, as `load_config` does.

    Relative paths in it are relative to the file's folder.

    Args:
        filename: Path of the file.

    Returns:
        The environment that is current from now on.

    Raises:
        ConfigError: if the file cannot be read, is not valid YAML, or contains a mistake.

    Example:
        >>> import provenance as p
        >>> from pathlib import Path
        >>> text = "artifact_repos: {local: {type: sqlite, db: records.db}}"
        >>> _ = Path("provenance.yaml").write_text(text)
        >>> environment = p.load_yaml_config("provenance.yaml")
    """
    file = Path(os.path.expanduser(filename))  # noqa: PTH111 - without a home, `~` is a name
    return _load(*sources.from_yaml(file), str(file.absolute()))


def current_config() -> Config:
    """Return the configuration of the process, as frozen records.

    Example:
        >>> import provenance as p
        >>> p.current_config().use_cache
        True
    """
    return cast("Config", provenance_environment.current().config)


def default_environment() -> Environment:
    """Return the environment of a process that loaded no configuration (see `sources.find_config`)."""
    raw, base, source = sources.find_config(os.environ, Path.cwd())
    return evolve(_with_hook(from_config(raw, base)), source=source)


@exported
@frozen
class Location:
    """Where results are stored.

    Attributes:
        repo: name of the repository.
        records: the database, file or memory that holds the records.
        values: the folder, bucket or database that holds large values.
        config: where the configuration was found: a file, `PROVENANCE_CONFIG`, `load_config`, or
            `default` if there is none.

    Example:
        >>> import provenance as p
        >>> p.location(p.SqliteRepo("project", db="records.db")).repo
        'project'
    """

    repo: str
    records: str
    values: str
    config: str


def location(repo: RepositoryOrName | None = None) -> Location:
    """Return where results are stored: those of *repo*, by default of the default repository.

    A configured repository is not opened for this, so nothing is created. URLs come without
    credentials.

    Args:
        repo: A repository or the name of one, by default the default one.

    Raises:
        ConfigError: if the name is unknown, or no default is set.

    Example:
        >>> import provenance as p
        >>> p.location(p.SqliteRepo("project", db="records.db")).records
        '...records.db'
    """
    environment = provenance_environment.current()
    chosen = environment.default if repo is None else repo
    if isinstance(chosen, str) and chosen in environment.openers and environment.locate is not None:
        return Location(chosen, *environment.locate(chosen), environment.source)
    place = environment.repository(chosen)
    return Location(place.name, place.records_at, place.values_at, environment.source)


def set_run_info_fn(fn: RunInfoHook | None) -> None:
    """Set the function that adds to what is recorded of the process.

    It is called once, before the next artifact is recorded. If it fails, the failure is logged and
    the run is recorded without it.

    Args:
        fn: takes the dictionary of run information, and returns it or changes it in place; None
            removes the function.

    Raises:
        ConfigError: if *fn* is not callable.

    Example:
        >>> import provenance as p
        >>> p.set_run_info_fn(lambda info: {**info, "experiment": "trial 7"})
        >>> p.set_run_info_fn(None)
    """
    wiring.current_system().set_hook(parse_hook(fn))
