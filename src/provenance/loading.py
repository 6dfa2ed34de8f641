"""Loading artifacts by id."""

from __future__ import annotations

from provenance.records import Artifact
from provenance.session import RepositoryOrName, current


def load_artifact(artifact_id: object, repo: RepositoryOrName | None = None) -> Artifact[object]:
    """Return the artifact of an id, or of a unique prefix of at least 6 digits, its value unread.

    An artifact, or the result of a decorated function, is looked up by its id.

    Raises:
        TypeError: for anything else.
        ArtifactNotFoundError: if no artifact has this id.
        AmbiguousIdError: if the prefix fits several ids; lists them.
    """
    return current().repository(repo).get_by_id(artifact_id)


def load_proxy(artifact_id: object, repo: RepositoryOrName | None = None) -> object:
    """Return a proxy of the value of an artifact, read on first use; raises as `load_artifact`."""
    return load_artifact(artifact_id, repo).proxy()
