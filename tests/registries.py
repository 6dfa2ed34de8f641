"""What a test registers, for values of its own, is gone after it."""

from collections.abc import Iterator
from contextlib import contextmanager

from provenance.codecs import registry as serializers
from provenance.hashing import registry as hashers

_OF_SERIALIZERS = ("_serializers", "_preferences", "_by_class")


@contextmanager
def own_registries() -> Iterator[None]:
    """Keep serializers and hashers as they are now, whatever is registered meanwhile."""
    kept = {name: getattr(serializers, name) for name in _OF_SERIALIZERS}
    taught = dict(hashers._user_hashers)
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(serializers, name, value)
        ours = {
            kind: item for kind, item in hashers._user_hashers.items() if _is_ours(kind)
        }  # loaded when first needed
        if {**taught, **ours} != hashers._user_hashers:
            hashers._user_hashers.clear()
            hashers._user_hashers.update({**taught, **ours})
            hashers.forget()


def _is_ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "provenance"
