"""Artifacts by their ids, from the environment's repository or a named one."""

from __future__ import annotations

from provenance.records import Artifact
from provenance.session import RepositoryOrName, current


def load_artifact(artifact_id: object, repo: RepositoryOrName | None = None) -> Artifact[object]:
    """The artifact of an id, or of an unambiguous prefix of at least 6 digits; its value is not read yet.

    An artifact, or the result of a decorated function, is looked up by its id.

    Raises:
        TypeError: for anything else.
        ArtifactNotFoundError: if there is none.
        AmbiguousIdError: if the prefix fits several; it lists them.
    """
    return current().repository(repo).get_by_id(artifact_id)


def load_proxy(artifact_id: object, repo: RepositoryOrName | None = None) -> object:
    """Stand-in for the value of the artifact of an id or prefix, read when it is first used; raises as `load_artifact`."""
    return load_artifact(artifact_id, repo).proxy()
