"""The program whose functions were recorded as those of `__main__`, loaded to run them again."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Final, TypeAlias, cast

from attrs import frozen

from provenance.codecs.trust import CopyPolicy
from provenance.errors import CorruptRecordError, RunNotFoundError
from provenance.hashing import hash_value
from provenance.model.ids import RunId
from provenance.model.records import Artifact, Json, Run
from provenance.model.rows import jsonable, time_text
from provenance.repository.handles import Repository

_WITH_VALUE: Final = frozenset({"-W", "-X", "--check-hash-based-pycs"})
_SPAWNED: Final = "__mp_main__"
"""Name of the main program in a process that did not start it, as multiprocessing has it."""


@frozen
class Program:
    """A script by its path, or a module by its name."""

    path: str = ""
    module: str = ""


Programs: TypeAlias = "dict[Program, ModuleType]"
"""Programs that were loaded."""


def program_of(process: Mapping[str, Json]) -> Program | None:
    """Return the program that a process ran; None for a console, a notebook or `-c`.

    >>> program_of({"cmdline": ["python", "-X", "dev", "a/b.py", "c.py"], "cwd": "/srv"})
    Program(path='/srv/a/b.py', module='')
    >>> program_of({"cmdline": ["python", "-m", "a.b"], "cwd": "/srv"})
    Program(path='', module='a.b')
    """
    script = process.get("script")
    if isinstance(script, dict) and str(script.get("path", "")).endswith(".ipynb"):
        return None
    words = iter(cast("Sequence[str]", process.get("cmdline") or ())[1:])
    for word in words:
        if word == "-m":
            return Program(module=next(words, ""))
        if word in _WITH_VALUE:
            next(words, None)
        elif word in {"-c", "-"}:
            return None
        elif not word.startswith("-"):
            return Program(os.path.join(str(process.get("cwd") or ""), word))  # noqa: PTH118 - text
    return None


def is_genuine(run: Run) -> bool:
    """Tell whether a run is what its id stands for, which is a digest of its facts and of its parent's id.

    Records are signed with the id of their run, but runs are not signed.
    """
    facts = {name: getattr(run, name) for name in ("host", "process", "python", "git", "packages")}
    plain = jsonable({**facts, **run.extra})
    own = hash_value([time_text(run.created_at), plain])
    return str(run.id) == (own if run.parent_id is None else hash_value([own, run.parent_id]))


def _why_not_run(program: Program, recorded: Run, place: Repository) -> str | None:
    """Return why a program that a run names is not run; None if it may be."""
    if not place.trusted:
        reason = f"repository {place.name!r} is configured with trusted: false"
        return f"{reason}, so that no program is run that it names"
    if place.copy_policy is CopyPolicy.NOTHING and not is_genuine(recorded):
        reason = "the record of its run is not signed, and was changed"
        return f"{reason}, so that the program that it names is not run"
    if program.path and not Path(program.path).is_file():
        return f"its program {program.path} does not exist any more"
    return None


@contextmanager
def running_program(
    artifact: Artifact[object], loaded: Programs, here: RunId, place: Repository
) -> Generator[str | None]:
    """Let `__main__` be the program that computed *artifact*, if its function is of `__main__`.

    *here* is the run of this process. Nothing is run that others than the owners of *place* may have named.

    Yields why that is impossible; None if it is done.
    """
    if artifact.fn_module != "__main__" or artifact.run_id == here:
        yield None
        return
    recorded: Run | None = None
    with suppress(RunNotFoundError, CorruptRecordError):
        recorded = artifact.run_info
    program = None if recorded is None else program_of(recorded.process)
    if recorded is None or program is None:
        yield "it was computed in a console or notebook, whose functions are gone"
        return
    if _runs_already(program):
        yield None
        return
    trouble = _why_not_run(program, recorded, place)
    if trouble is not None:
        yield trouble
        return
    before = {name: sys.modules.get(name) for name in ("__main__", _SPAWNED)}
    path = list(sys.path)
    try:
        if program not in loaded:
            loaded[program] = _load(program)
        sys.modules.update(dict.fromkeys(before, loaded[program]))
        yield None
    finally:
        sys.path[:] = path
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module


def _runs_already(program: Program) -> bool:
    main = sys.modules["__main__"]
    if program.module:
        return getattr(getattr(main, "__spec__", None), "name", None) == program.module
    file = getattr(main, "__file__", None)
    return file is not None and os.path.realpath(file) == os.path.realpath(program.path)


def _load(program: Program) -> ModuleType:
    """Run the program under the name that spawned processes give it."""
    module = ModuleType(_SPAWNED)
    sys.modules["__main__"] = sys.modules[_SPAWNED] = module
    if program.module:
        content = runpy.run_module(program.module, run_name=_SPAWNED, alter_sys=True)
    else:
        sys.path.insert(0, str(Path(program.path).parent))
        content = runpy.run_path(program.path, run_name=_SPAWNED)
    vars(module).update(content)
    return module
