"""Results that are being computed: proxies whose artifact is known at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from provenance.model.records import Origin
from provenance.model.references import Known
from provenance.results.origin import interface_of
from provenance.results.transparent import ArtifactProxy, class_for
from provenance.util.formatting import safe_repr, type_name


class PendingProxy(ArtifactProxy):
    """Stands for a value that is being computed: its artifact is known when it is complete."""

    __slots__ = ("_self_complete",)

    @property
    def _self_known(self) -> Known:
        """What is known of the artifact; the computation is completed for this."""
        return self._self_complete()

    @_self_known.setter
    def _self_known(self, known: Known) -> None:
        self._self_complete = cast("Callable[[], Known]", known)

    def __repr__(self) -> str:
        return f"<provenance.ArtifactProxy {safe_repr(self.__wrapped__)} >"


def pending(
    complete: Callable[[], Known], origin: Origin, value: object, *, tracked: bool
) -> ArtifactProxy:
    """Return a proxy of a *value* that is being computed; *complete* waits for its end and returns its artifact."""
    kind = class_for(interface_of(type(value)), type_name(value), PendingProxy)
    known = cast("Known", complete)
    return kind(known, origin, None, tracked=tracked, value=value)
