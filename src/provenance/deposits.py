"""Archiving of a file as a call of a function whose inputs are the file's content and extension.

A file that is archived by hand, and each file of a folder, is thus an artifact like any other.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from attrs import evolve, field, frozen

from provenance.archives import ArchivedFile, ArchivedFolder
from provenance.binding import subject_of
from provenance.draft import Computation, Draft
from provenance.errors import UnarchivableFileError
from provenance.hashing import hash_value
from provenance.ids import ArtifactId
from provenance.keepers import Original
from provenance.plan import CallPlan, plan_call
from provenance.recipe import CallOptions, Recipe, Sighting, identity_of
from provenance.records import NO_OPTIONS, Options


@frozen
class Deposit:
    """A file or folder to be archived under a name.

    The arguments are the path of the original (recorded but ignored), its digest and its extension.
    """

    file: ArchivedFile
    recipe: Recipe = field(eq=False)
    arguments: tuple[str, str, str]
    plan: CallPlan

    @property
    def sighting(self) -> Sighting:
        """Its artifact as an input of another one."""
        value_id = hash_value(self.file)
        return Sighting(self.plan.artifact_id, value_id, value_id)

    @property
    def artifact_id(self) -> ArtifactId:
        """Id of its artifact."""
        return self.plan.artifact_id

    def draft(self, moment: datetime, *, replace: bool) -> Draft:
        """Return the pending artifact."""
        value_id = hash_value(self.file)
        done = Computation(self.file, value_id, moment, 0.0, 0.0, 0.0)
        return Draft(self.artifact_id, self.recipe, self.plan, done, replace)


def deposit(file: ArchivedFile, name: str, custom_fields: Options = NO_OPTIONS) -> Deposit:
    """Return a deposit of *file* as *name*."""

    def archive_file(filename: str, content: str, extension: str) -> ArchivedFile:  # noqa: ARG001 - recorded inputs
        if isinstance(file.keeper, Original) and not Path(file.keeper.path).exists():
            problem = "the stored copy and the original are missing"
            advice = "restore it, or the repository, from a backup"
            raise UnarchivableFileError(repr(filename), problem, advice)
        return file

    subject = evolve(subject_of(archive_file), module="provenance.files", qualname="archive_file")
    options = CallOptions(
        # Databases take only valid UTF-8.
        name=name.encode("utf-8", "backslashreplace").decode(),
        custom_fields=custom_fields,
        ignore=frozenset({"filename"}),
        remove=frozenset({"file"}),
        use_cache=True,
    )
    recipe = Recipe(subject, options, identity_of(subject, options), {}, {})
    path = file.keeper.path if isinstance(file.keeper, Original) else file.name
    arguments = (path, file.digest, "/" if isinstance(file, ArchivedFolder) else file.extension)
    return Deposit(file, recipe, arguments, plan_call(recipe, arguments, {}))
