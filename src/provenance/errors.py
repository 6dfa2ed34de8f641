"""Everything that can go wrong, under one root; each error is also the builtin that a caller would catch.

A message says what happened, to which artifact, store or argument, and what to do about it;
the facts in it are attributes as well, so that a program need not read prose.
"""

from collections.abc import Iterable


class ProvenanceError(Exception):
    """Root of the library's errors.

    When recording a computed result failed, `value` is that result: the work is not lost.
    """

    value: object = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return restore_error, (type(self), self.args, self.__dict__)


def restore_error(kind: type[ProvenanceError], args: tuple[object, ...], facts: dict[str, object]) -> ProvenanceError:
    """Rebuild a pickled error: the signature of its `__init__` need not match its `args`."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(facts)
    return error


class ArtifactNotFoundError(ProvenanceError, KeyError):
    """No artifact of this id (or prefix of an id) is in the repository."""

    def __init__(self, artifact_id: str, repo: str) -> None:
        super().__init__(
            f"no artifact {artifact_id!r} in repository {repo!r}; check the id (a prefix needs at least 6 digits) "
            "or name the repository that holds it"
        )
        self.artifact_id = artifact_id
        self.repo = repo


class RunNotFoundError(ProvenanceError, KeyError):
    """The run that computed an artifact is not recorded."""

    def __init__(self, run_id: str, artifact_id: str, repo: str) -> None:
        super().__init__(
            f"nothing is recorded in repository {repo!r} of the run {run_id!r} that computed artifact {artifact_id}; "
            "look in the repository that it was computed with, or recompute it"
        )
        self.run_id = run_id
        self.artifact_id = artifact_id
        self.repo = repo


class SetNotFoundError(ProvenanceError, KeyError):
    """No artifact set answers to this id, name or these labels."""

    def __init__(self, wanted: str, repo: str) -> None:
        super().__init__(f"no artifact set {wanted} in repository {repo!r}; list what is there, or create it first")
        self.wanted = wanted
        self.repo = repo


class MemberNotFoundError(ProvenanceError, KeyError):
    """An artifact that is to be taken out of a set is not in it."""

    def __init__(self, artifact_id: str, set_id: str) -> None:
        super().__init__(
            f"artifact {artifact_id} is not in the set {set_id}; take out what is in it, or use `difference`, which asks for nothing"
        )
        self.artifact_id = artifact_id
        self.set_id = set_id


class BlobNotFoundError(ProvenanceError, FileNotFoundError):
    """A blob that a record promises is not in the store."""

    def __init__(self, blob_id: str, store: str) -> None:
        super().__init__(
            f"blob {blob_id} is missing from store {store!r}; call the function again to compute and store it anew, "
            "or promote it from a repository that still has it"
        )
        self.blob_id = blob_id
        self.store = store


class CorruptBlobError(ProvenanceError, ValueError):
    """A stored blob is not what was written: its digest differs, or it cannot be decoded.

    `is_sound` tells that the bytes are those that were written, and that only decoding them failed; `misses_code` that
    it failed because a class, a function or a module that they name is not to be found in this process.
    """

    def __init__(
        self, blob_id: str, store: str, reason: str, *, is_sound: bool = False, misses_code: bool = False
    ) -> None:
        again = "call the function again to compute and store it anew"
        super().__init__(
            f"blob {blob_id} in store {store!r} is sound, but something that it names is missing in this process "
            f"({reason}); import or define the class or function as it was when the blob was stored, or {again}"
            if misses_code
            else f"blob {blob_id} in store {store!r} is damaged ({reason}); {again}, or restore the blob from a backup"
        )
        self.blob_id = blob_id
        self.store = store
        self.reason = reason
        self.is_sound = is_sound
        self.misses_code = misses_code


class CorruptRecordError(ProvenanceError, ValueError):
    """A stored record is not what was put: it cannot be read, or its signature differs or is missing."""

    def __init__(self, artifact_id: str, repo: str, reason: str, *, what: str = "artifact") -> None:
        super().__init__(
            f"the record of {what} {artifact_id} in repository {repo!r} is not what was stored ({reason}); call the "
            "function again to compute and record it anew, or restore the repository from a backup"
        )
        self.artifact_id = artifact_id
        self.repo = repo
        self.reason = reason


class KeyExistsError(ProvenanceError, KeyError):
    """A key that must be new is taken."""

    def __init__(self, key: str, store: str) -> None:
        super().__init__(f"{key!r} is in {store!r} already; delete it first, or let the store skip duplicates")
        self.key = key
        self.store = store


class AmbiguousIdError(ProvenanceError, ValueError):
    """A prefix fits several ids."""

    def __init__(self, prefix: str, matches: Iterable[str]) -> None:
        self.matches = tuple(matches)
        super().__init__(f"{prefix!r} fits several ids: {', '.join(self.matches)}; give more digits")
        self.prefix = prefix


class StorePermissionError(ProvenanceError, PermissionError):
    """A store's configuration forbids the operation.

    When it may not take a computed result, `value` is that result: the work is not lost.
    """

    def __init__(self, operation: str, store: str, permission: str, value: object = None) -> None:
        super().__init__(
            f"{operation} is forbidden: store {store!r} is configured with {permission}: false; "
            f"set {permission}: true, or use another store"
        )
        self.operation = operation
        self.store = store
        self.permission = permission
        self.value = value


class StoreUnavailableError(ProvenanceError, OSError):
    """A store cannot be opened, read or written just now.

    When it could not take a computed result, `value` is that result: the work is not lost.
    """

    def __init__(self, store: str, reason: str, advice: str, value: object = None) -> None:
        super().__init__(f"store {store!r} is unavailable: {reason}; {advice}")
        self.store = store
        self.reason = reason
        self.value = value


class UntrustedStoreError(ProvenanceError, PermissionError):
    """Reading a value could execute code, and its store is configured as one that others may have written to."""

    def __init__(self, store: str, serializer: str, reason: str) -> None:
        super().__init__(
            f"what serializer {serializer!r} wrote is not read from {store!r}, which is configured with trusted: false "
            f"({reason}); store it by one that executes nothing (json, numpy, Parquet, Arrow), sign the repository with "
            "a signing_key, or set trusted: true if nobody else can write there"
        )
        self.store = store
        self.serializer = serializer
        self.reason = reason


class ConfigError(ProvenanceError, ValueError):
    """The configuration, or an option of a decorator, is not right."""

    def __init__(self, path: str, problem: str, advice: str = "") -> None:
        super().__init__(f"{path}: {problem}" + (f"; {advice}" if advice else ""))
        self.path = path
        self.problem = problem


class UnhashableValueError(ProvenanceError, TypeError, ValueError):
    """A value has no content that could be hashed: a lock, a generator, an open file, a cycle.

    `instead` says what could be given, where only another value will do.
    """

    def __init__(self, path: str, reason: str, instead: str = "") -> None:
        ways = f"pass {instead}, or leave the argument out with `ignore`"
        if not instead:
            ways = "pass something that has a value, leave the argument out with `ignore`, "
            ways += "or teach its type with `register_hasher`"
        super().__init__(f"cannot hash {path}: {reason}; {ways}")
        self.path = path
        self.reason = reason
        self.instead = instead


class UnserializableValueError(ProvenanceError, TypeError, ValueError):
    """No serializer can write the value; `value` still holds it."""

    def __init__(self, what: str, reason: str, value: object = None, advice: str = "") -> None:
        way = advice or "choose a `serializer` that can write it, or register one"
        super().__init__(f"cannot store {what}: {reason}; {way}")
        self.what = what
        self.reason = reason
        self.value = value


class UnarchivableFileError(ProvenanceError, OSError):
    """A file cannot be archived: it is missing, unreadable, or no file; `value` holds what was given, untouched."""

    def __init__(self, what: str, reason: str, advice: str, value: object = None) -> None:
        super().__init__(f"cannot archive {what}: {reason}; {advice}")
        self.what = what
        self.reason = reason
        self.value = value


class MissingLibraryError(ProvenanceError, ImportError):
    """A value, or its compression, needs a library that is not installed here."""

    def __init__(self, for_what: str, library: str, extra: str) -> None:
        super().__init__(
            f"{for_what} needs {library}, which cannot be imported; install it: pip install 'provenance[{extra}]'"
        )
        self.library = library
        self.extra = extra


class ImpureFunctionError(ProvenanceError, ValueError):
    """A decorated function changed its arguments; nothing was recorded, and `value` is what it returned."""

    def __init__(self, function: str, arguments: Iterable[str]) -> None:
        self.arguments = tuple(arguments)
        super().__init__(
            f"{function} modified its arguments ({', '.join(self.arguments)}), so its result was not recorded; "
            "work on a copy inside the function (copy.deepcopy), or leave the argument out with `ignore`; `value` of this "
            "error holds the result"
        )
        self.function = function


class MutatedArtifactValueError(ProvenanceError, ValueError):
    """The value behind a proxy was changed before it was passed on."""

    def __init__(self, artifact_id: str, function: str, arguments: Iterable[str]) -> None:
        self.arguments = tuple(arguments)
        super().__init__(
            f"artifact {artifact_id} was mutated before it was passed to {function} ({', '.join(self.arguments)}); "
            "change a copy (copy.deepcopy of `unwrap(x)`), or make the change inside a decorated function"
        )
        self.artifact_id = artifact_id
        self.function = function


class ProxyExpectedError(ProvenanceError, TypeError):
    """An argument that must be an artifact's proxy is a plain value."""

    def __init__(self, function: str, arguments: Iterable[str]) -> None:
        self.arguments = tuple(arguments)
        super().__init__(
            f"{function} takes proxies of artifacts only, and got plain values for {', '.join(self.arguments)}; pass the "
            "results of decorated functions, not parts or copies of their values, or `load_proxy(id)`"
        )
        self.function = function


class DuplicateNameError(ProvenanceError, ValueError):
    """Several artifacts have one name where names must tell them apart."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        super().__init__(
            f"several artifacts are named {', '.join(map(repr, self.names))}; "
            "group them (group_artifacts_of_same_name=True), or leave all but one of each name out"
        )
