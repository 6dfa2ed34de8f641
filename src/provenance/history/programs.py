"""The program whose functions were recorded as those of `__main__`, loaded to run them again."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, combinations
from pathlib import Path
from types import ModuleType
from typing import Final, cast

from attrs import Factory, frozen

from provenance.codecs.trust import CopyPolicy
from provenance.errors import CorruptRecordError
from provenance.hashing import hash_value
from provenance.history.diff import run_of
from provenance.model.ids import RunId
from provenance.model.records import Artifact, Json, Run
from provenance.model.rows import jsonable, time_text
from provenance.ports.machine import CurrentRun
from provenance.ports.records import FindRun
from provenance.repository.handles import Repository
from provenance.util.formatting import describe_error

_WITH_VALUE: Final = frozenset({"-W", "-X", "--check-hash-based-pycs"})
_SPAWNED: Final = "__mp_main__"
"""Name of the main program in a process that did not start it, as multiprocessing has it."""


@frozen
class Program:
    """A script by its path, or a module by its name."""

    path: str = ""
    module: str = ""


@frozen(eq=False)
class Programs:
    """The programs that were loaded, and the run of this process as it was before: one may set a `run_info_fn`."""

    here: RunId
    loaded: dict[Program, ModuleType] = Factory(dict[Program, ModuleType])

    @classmethod
    def of(cls, place: Repository) -> Programs:
        """Return none yet, for artifacts of *place*."""
        return cls(place.interpreter(CurrentRun()).id)


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
    # What was added must not hide a fact that was changed.
    extra = {name: fact for name, fact in run.extra.items() if name not in facts}
    empty = [name for name, fact in facts.items() if not fact]
    # A `run_info_fn` may have dropped what is empty now.
    for dropped in chain.from_iterable(combinations(empty, n) for n in range(len(empty) + 1)):
        kept = {name: fact for name, fact in facts.items() if name not in dropped}
        plain = jsonable({**extra, **kept})
        own = hash_value([time_text(run.created_at), plain])
        if str(run.id) == (own if run.parent_id is None else hash_value([own, run.parent_id])):
            return True
    return False


def _distrust(recorded: Run, run_id: RunId, place: Repository) -> str | None:
    """Return why what *place* has as the run *run_id* may be what others wrote; None if it is not."""
    if not place.trusted:
        return f"repository {place.name!r} is configured with trusted: false"
    is_signed = place.copy_policy is CopyPolicy.NOTHING
    # The row of a run may say that it is another one.
    if is_signed and not (recorded.id == run_id and is_genuine(recorded)):
        return "the record of its run is not signed, and was changed"
    return None


@contextmanager
def running_program(
    artifact: Artifact[object], programs: Programs, place: Repository
) -> Generator[str | None]:
    """Let `__main__` be the program that computed *artifact*, if its function is of `__main__`.

    Other modules are found where that program found them: beside it too. Nothing is run, and no folder searched,
    that others than the owners of *place* may have named.

    Yields why that is impossible; None if it is done.
    """
    runs = _runs_of(artifact, place)
    if programs.here in runs:
        yield None
        return
    known = {run_id: run for run_id, run in runs.items() if run is not None}
    distrusts = [_distrust(run, run_id, place) for run_id, run in known.items()]
    distrust = next((reason for reason in distrusts if reason), None)
    driver = next(reversed(known.values()), None)
    program = None if driver is None else program_of(driver.process)
    folder = "" if driver is None or distrust else _folder_of(driver.process, program)
    with _also_importing_from(folder):
        if artifact.fn_module != "__main__":
            yield None
        elif known and len(known) < len(runs):
            yield "a worker computed it, for a program that has stored nothing itself and is not known"
        elif program is None:
            yield "it was computed in a console or notebook, whose functions are gone"
        elif _runs_already(program):
            yield None
        elif distrust is not None:
            yield f"{distrust}, so that no program is run that it names"
        else:
            with _as_main(program, programs.loaded) as problem:
                yield problem


def _runs_of(artifact: Artifact[object], place: Repository) -> dict[RunId, Run | None]:
    """Return the run that computed *artifact*, then the one whose worker it was, and so on.

    Functions of `__main__` travel to a worker with their code: they are those of the last run. A run that is not
    recorded is None, and the last one.
    """
    run = run_of(artifact)
    runs = {artifact.run_id: run}
    while run is not None and run.parent_id is not None and run.parent_id not in runs:
        parent, run = run.parent_id, None
        with suppress(CorruptRecordError):
            run = place.interpreter(FindRun(parent))
        runs[parent] = run
    return runs


_loading: Final[set[Program]] = set()
"""The programs that are being run to find their functions."""


@contextmanager
def _as_main(program: Program, loaded: dict[Program, ModuleType]) -> Generator[str | None]:
    """Let `__main__` be a program; yield why that is impossible, None if it is done."""
    name = program.path or program.module
    before = {name: sys.modules.get(name) for name in ("__main__", _SPAWNED)}
    problem = None
    try:
        if program.path and not Path(program.path).is_file():
            problem = f"its program {name} does not exist any more"
        elif program in _loading:
            problem = (
                f"its program {name} is being run to find its functions, and asks for them itself"
            )
        elif program not in loaded:
            _loading.add(program)
            try:
                loaded[program] = _load(program)
            except Exception as error:  # noqa: BLE001 - running it can raise anything
                problem = f"its program {name} cannot be run ({describe_error(error)})"
            finally:
                _loading.discard(program)
        if problem is None:
            sys.modules.update(dict.fromkeys(before, loaded[program]))
        yield problem
    finally:
        for module_name, module in before.items():
            if module is None:
                sys.modules.pop(module_name, None)
            else:
                sys.modules[module_name] = module


def _folder_of(process: Mapping[str, Json], program: Program | None) -> str:
    """Return the folder in which a process looked for modules first."""
    if program is not None and program.path:
        return str(Path(program.path).parent)
    return str(process.get("cwd") or "")


@contextmanager
def _also_importing_from(folder: str) -> Generator[None]:
    """Find modules in *folder* as well, after all other places."""
    path = list(sys.path)
    if Path(folder).is_absolute():
        sys.path.append(folder)
    try:
        yield
    finally:
        sys.path[:] = path


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
        content = runpy.run_path(program.path, run_name=_SPAWNED)
    vars(module).update(content)
    return module
