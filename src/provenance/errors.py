"""The errors of the library, under one root.

Each is also the builtin error that a caller would catch. A message says what happened, to which
artifact, store or argument, and what to do about it; the same facts are attributes of the error.

* ProvenanceError
  * ArtifactNotFoundError · KeyError
  * RunNotFoundError · KeyError
  * SetNotFoundError · KeyError
  * MemberNotFoundError · KeyError
  * KeyExistsError · KeyError
  * AmbiguousIdError · ValueError
  * DuplicateNameError · ValueError
  * BlobNotFoundError · FileNotFoundError
  * CorruptBlobError · ValueError
  * CorruptRecordError · ValueError
  * StorePermissionError · PermissionError
  * StoreUnavailableError · OSError
  * UntrustedStoreError · PermissionError
  * BundleError · ValueError
  * ConfigError · ValueError
  * UnhashableValueError · TypeError, ValueError
  * UnserializableValueError · TypeError, ValueError
  * UnarchivableFileError · OSError
  * UnreadableFileError · OSError
    * MissingFileError · FileNotFoundError
  * MissingLibraryError · ImportError
  * ImpureFunctionError · ValueError
    * UnrepeatableStreamError
  * CodeChangedError · ValueError
  * NotReproducibleError · ValueError
  * MutatedArtifactValueError · ValueError
  * ProxyExpectedError · TypeError
  * EngineError · RuntimeError
"""

from collections.abc import Iterable
from typing import Final

from provenance.escaping import escape_invisible

_SHOWN: Final = 5
"""Paths that a message lists."""


class ProvenanceError(Exception):
    """Root of the library's errors.

    If a result was computed and could not be recorded, `value` is that result. The message is one
    line, whatever the names in it contain.

    Example:
        >>> import provenance as p
        >>> try:
        ...     p.load_artifact("0" * 40)
        ... except p.ProvenanceError as error:
        ...     print(type(error).__name__)
        ArtifactNotFoundError
    """

    value: object = None

    def __init__(self, message: str) -> None:
        self.message = escape_invisible(message)
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return restore_error, (type(self), self.args, self.__dict__)


def restore_error(
    kind: type[ProvenanceError], args: tuple[object, ...], facts: dict[str, object]
) -> ProvenanceError:
    """Rebuild a pickled error, whose `args` need not match the signature of its `__init__`."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(facts)
    return error


class ArtifactNotFoundError(ProvenanceError, KeyError):
    """No artifact in the repository has this id or prefix.

    `home` names the repository in which a pickled result was stored, if it was looked up for that.

    Example:
        >>> import provenance as p
        >>> p.load_artifact("0" * 40)
        Traceback (most recent call last):
        ...
        provenance.errors.ArtifactNotFoundError: ...
    """

    def __init__(self, artifact_id: str, repo: str, *, home: str = "") -> None:
        super().__init__(
            f"no artifact {artifact_id!r} in repository {repo!r}: what was unpickled is a reference to a "
            f"result of repository {home!r}, and not its value; unpickle it where that repository is "
            "in use (provenance.using_repo), or hand on the value: provenance.export(result, path) or "
            "provenance.unwrap(result)"
            if home
            else f"no artifact {artifact_id!r} in repository {repo!r}; check the id (a prefix needs at "
            "least 6 digits), or pass the repository that has it"
        )
        self.artifact_id = artifact_id
        self.repo = repo
        self.home = home


class RunNotFoundError(ProvenanceError, KeyError):
    """The run that computed an artifact is not recorded.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> import sqlite3
        >>> with p.using_repo(p.SqliteRepo("project", db="records.db")):
        ...     artifact_id = squares.artifact(3).id
        >>> with sqlite3.connect("records.db") as database:
        ...     _ = database.execute("DELETE FROM runs")
        >>> database.close()
        >>> p.SqliteRepo("project", db="records.db").get_by_id(artifact_id).run_info
        Traceback (most recent call last):
        ...
        provenance.errors.RunNotFoundError: ...
    """

    def __init__(self, run_id: str, artifact_id: str, repo: str) -> None:
        super().__init__(
            f"no run {run_id!r}, which computed artifact {artifact_id}, in repository {repo!r}; "
            "look in the repository that it was computed with, or recompute it"
        )
        self.run_id = run_id
        self.artifact_id = artifact_id
        self.repo = repo


class SetNotFoundError(ProvenanceError, KeyError):
    """No artifact set has this id, name or these labels.

    Example:
        >>> import provenance as p
        >>> p.load_set_by_name("unknown")
        Traceback (most recent call last):
        ...
        provenance.errors.SetNotFoundError: ...
    """

    def __init__(self, wanted: str, repo: str) -> None:
        super().__init__(
            f"no artifact set {wanted} in repository {repo!r}; list the sets with "
            "`provenance.sets()` or `repo.sets()`, or create it first"
        )
        self.wanted = wanted
        self.repo = repo


class MemberNotFoundError(ProvenanceError, KeyError):
    """An artifact to be removed from a set is not a member of it.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> best = p.create_set([squares(2)], "best")
        >>> best.remove(squares(3))
        Traceback (most recent call last):
        ...
        provenance.errors.MemberNotFoundError: ...
    """

    def __init__(self, artifact_id: str, set_id: str) -> None:
        super().__init__(
            f"artifact {artifact_id} is not in the set {set_id}; remove a member, or use "
            "`difference`, which ignores other artifacts"
        )
        self.artifact_id = artifact_id
        self.set_id = set_id


class BlobNotFoundError(ProvenanceError, FileNotFoundError):
    """A blob that a record refers to is not in the store.

    It was *evicted* on purpose, or got lost.

    Example:
        >>> import provenance as p
        >>> store = p.MemoryStore("values", delete=True)
        >>> blob = store.put(b"some bytes")
        >>> store.delete(blob)
        >>> store.get(blob)
        Traceback (most recent call last):
        ...
        provenance.errors.BlobNotFoundError: ...
    """

    def __init__(self, blob_id: str, store: str, *, evicted: bool = False) -> None:
        what = "was evicted" if evicted else "is missing"
        super().__init__(
            f"blob {blob_id} {what} from store {store!r}; call the function again to recompute "
            "and store it, or promote it from a repository that still has it"
        )
        self.blob_id = blob_id
        self.store = store
        self.evicted = evicted


class CorruptBlobError(ProvenanceError, ValueError):
    """The digest of a stored blob differs, or the blob cannot be decoded.

    Attributes:
        is_sound: the digest matches, only decoding failed.
        misses_code: decoding failed because this process lacks a class, function or module that
            the blob refers to.

    Example:
        >>> import provenance as p
        >>> from pathlib import Path
        >>> store = p.DiskStore("values", cachedir="values")
        >>> blob = store.put(b"some bytes")
        >>> file = next(path for path in Path("values").rglob("*") if path.is_file())
        >>> file.chmod(0o600)
        >>> _ = file.write_bytes(b"other bytes")
        >>> store.get(blob)
        Traceback (most recent call last):
        ...
        provenance.errors.CorruptBlobError: ...
    """

    def __init__(
        self,
        blob_id: str,
        store: str,
        reason: str,
        *,
        is_sound: bool = False,
        misses_code: bool = False,
    ) -> None:
        again = "call the function again to recompute and store it"
        super().__init__(
            f"blob {blob_id} in store {store!r} is sound, but this process lacks something that it "
            f"refers to ({reason}); import or define the class or function as it was when the blob "
            f"was stored, or {again}"
            if misses_code
            else f"blob {blob_id} in store {store!r} is damaged ({reason}); {again}, or restore "
            "the blob from a backup"
        )
        self.blob_id = blob_id
        self.store = store
        self.reason = reason
        self.is_sound = is_sound
        self.misses_code = misses_code


class CorruptRecordError(ProvenanceError, ValueError):
    """A stored record cannot be read, or its signature is wrong or missing.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> import sqlite3
        >>> with p.using_repo(p.SqliteRepo("project", db="records.db")):
        ...     artifact_id = squares.artifact(3).id
        >>> with sqlite3.connect("records.db") as database:
        ...     _ = database.execute("UPDATE artifacts SET tags = '['")
        >>> database.close()
        >>> p.SqliteRepo("project", db="records.db").get_by_id(artifact_id)
        Traceback (most recent call last):
        ...
        provenance.errors.CorruptRecordError: ...
    """

    def __init__(self, artifact_id: str, repo: str, reason: str, *, what: str = "artifact") -> None:
        super().__init__(
            f"record of {what} {artifact_id} in repository {repo!r} is corrupt ({reason}); call "
            "the function again to recompute and record it, or restore the repository from a backup"
        )
        self.artifact_id = artifact_id
        self.repo = repo
        self.reason = reason


class KeyExistsError(ProvenanceError, KeyError):
    """A key that must be new exists already.

    Example:
        >>> import provenance as p
        >>> store = p.MemoryStore("values", on_duplicate_key="raise")
        >>> blob = store.put(b"some bytes")
        >>> store.put(b"some bytes")
        Traceback (most recent call last):
        ...
        provenance.errors.KeyExistsError: ...
    """

    def __init__(self, key: str, store: str) -> None:
        super().__init__(
            f"{key!r} exists in {store!r} already; delete it first, or let the store skip "
            "duplicates"
        )
        self.key = key
        self.store = store


class AmbiguousIdError(ProvenanceError, ValueError):
    """A prefix matches several ids.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> digits = squares.artifact(3).id[:6]
        >>> try:
        ...     print(p.load_artifact(digits).value)
        ... except p.AmbiguousIdError as error:
        ...     print("one of these:", error.matches)
        [0, 1, 4]
    """

    def __init__(self, prefix: str, matches: Iterable[str]) -> None:
        self.matches = tuple(matches)
        super().__init__(
            f"{prefix!r} matches several ids: {', '.join(self.matches)}; give more digits"
        )
        self.prefix = prefix


class StorePermissionError(ProvenanceError, PermissionError):
    """A store's configuration forbids the operation.

    If a computed result could not be stored, `value` is that result.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> with p.using_repo(p.MemoryRepo("sealed", write=False)):
        ...     squares(3)
        Traceback (most recent call last):
        ...
        provenance.errors.StorePermissionError: ...
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
    """A store cannot be opened, read or written at the moment.

    If a computed result could not be stored, `value` is that result.

    Example:
        >>> import provenance as p
        >>> list(p.SqliteRepo("absent", db="folder/records.db", create_db=False))
        Traceback (most recent call last):
        ...
        provenance.errors.StoreUnavailableError: ...
    """

    def __init__(self, store: str, reason: str, advice: str, value: object = None) -> None:
        super().__init__(f"store {store!r} is unavailable: {reason}; {advice}")
        self.store = store
        self.reason = reason
        self.value = value


class UntrustedStoreError(ProvenanceError, PermissionError):
    """A value would be executed, believed or signed, and its store is one that others may have written to.

    Example:
        >>> import provenance as p
        >>> from collections import Counter
        >>> letters = p.provenance(lambda: Counter("hello"), name="letters")
        >>> with p.using_repo(p.MemoryRepo("shared", trusted=False)) as repo:
        ...     repo.get_value(letters.artifact())
        Traceback (most recent call last):
        ...
        provenance.errors.UntrustedStoreError: ...
    """

    def __init__(self, store: str, serializer: str, reason: str, target: str | None = None) -> None:
        refused = f"load {serializer!r} data from {store!r}"
        if target is not None:
            refused = f"copy {serializer!r} data from {store!r} to {target!r}"
        super().__init__(
            f"refusing to {refused}, because {store!r} is configured with "
            f"trusted: false ({reason}); use a serializer that executes no code (json, numpy, "
            "Parquet, Arrow), sign the repository with a signing_key, or set trusted: true if "
            "nobody else can write there"
        )
        self.store = store
        self.serializer = serializer
        self.reason = reason
        self.target = target


class BundleError(ProvenanceError, ValueError):
    """A file is not a bundle, or one that was changed or made to do harm; nothing of it was read.

    Example:
        >>> import provenance as p
        >>> from pathlib import Path
        >>> _ = Path("not-a-bundle.zip").write_bytes(b"")
        >>> p.open_bundle("not-a-bundle.zip")
        Traceback (most recent call last):
        ...
        provenance.errors.BundleError: ...
    """

    def __init__(self, path: str, problem: str, advice: str = "") -> None:
        way = advice or "get the file again from where it was exported"
        super().__init__(f"refusing to open the bundle {path!r}: {problem}; {way}")
        self.path = path
        self.problem = problem


class ConfigError(ProvenanceError, ValueError):
    """The configuration, or an option of a decorator, is invalid.

    Example:
        >>> import provenance as p
        >>> p.load_config({"artifact_repo": {}})
        Traceback (most recent call last):
        ...
        provenance.errors.ConfigError: ...
    """

    def __init__(self, path: str, problem: str, advice: str = "") -> None:
        super().__init__(f"{path}: {problem}" + (f"; {advice}" if advice else ""))
        self.path = path
        self.problem = problem


class UnhashableValueError(ProvenanceError, TypeError, ValueError):
    """A value has no content to hash: a lock, a generator, an open file, a cycle.

    `instead` names the only values that can be passed in its place, if there is such a restriction.

    Example:
        >>> import provenance as p
        >>> p.hash(value for value in (1, 2))
        Traceback (most recent call last):
        ...
        provenance.errors.UnhashableValueError: ...
    """

    def __init__(self, path: str, reason: str, instead: str = "") -> None:
        advice = f"pass {instead}, or exclude the argument with `ignore`"
        if not instead:
            advice = (
                "pass something that has a value, exclude the argument with `ignore`, "
                "or register its type with `register_hasher`"
            )
        super().__init__(f"cannot hash {path}: {reason}; {advice}")
        self.path = path
        self.reason = reason
        self.instead = instead


class UnserializableValueError(ProvenanceError, TypeError, ValueError):
    """No serializer can write the value, which is kept in `value`.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def endless():
        ...     return (number for number in (1, 2))
        >>> endless()
        Traceback (most recent call last):
        ...
        provenance.errors.UnserializableValueError: ...
    """

    def __init__(self, what: str, reason: str, value: object = None, advice: str = "") -> None:
        way = advice or "choose a `serializer` that can write it, or register one"
        super().__init__(f"cannot store {what}: {reason}; {way}")
        self.what = what
        self.reason = reason
        self.value = value


class UnarchivableFileError(ProvenanceError, OSError):
    """A file to be archived is missing, unreadable or not a regular file.

    `value` is what was passed.

    Example:
        >>> import provenance as p
        >>> p.archive_file("missing.txt")
        Traceback (most recent call last):
        ...
        provenance.errors.UnarchivableFileError: ...
    """

    def __init__(self, what: str, reason: str, advice: str, value: object = None) -> None:
        super().__init__(f"cannot archive {what}: {reason}; {advice}")
        self.what = what
        self.reason = reason
        self.value = value


class UnreadableFileError(ProvenanceError, OSError):
    """A file or folder whose content is an input cannot be read, or changes while it is read.

    Example:
        >>> import provenance as p
        >>> try:
        ...     p.hash(p.file("missing.csv"))
        ... except p.UnreadableFileError as error:
        ...     print(error.path, "cannot be read:", error.reason)
        missing.csv cannot be read: the file does not exist
    """

    def __init__(self, path: str, reason: str, advice: str = "") -> None:
        way = advice or "pass a file, or a folder of files, that nobody writes to"
        super().__init__(f"cannot read {path!r}, whose content is an input: {reason}; {way}")
        self.path = path
        self.reason = reason


class MissingFileError(UnreadableFileError, FileNotFoundError):
    """A file or folder whose content is an input does not exist.

    Example:
        >>> import provenance as p
        >>> p.hash(p.file("missing.csv"))
        Traceback (most recent call last):
        ...
        provenance.errors.MissingFileError: ...
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, "the file does not exist", "check the path")


class MissingLibraryError(ProvenanceError, ImportError):
    """A value, store or compression needs a library that is not installed.

    Example:
        >>> import provenance as p
        >>> try:
        ...     raise p.MissingLibraryError("this table", "polars")
        ... except p.MissingLibraryError as error:
        ...     print(error)
        this table needs polars: pip install polars
    """

    def __init__(self, for_what: str, library: str, requirement: str | None = None) -> None:
        self.library = library
        self.requirement = requirement or library
        # The library's own name, as a distribution of our name may be another library's.
        quoted = f"'{self.requirement}'" if "[" in self.requirement else self.requirement
        super().__init__(f"{for_what} needs {library}: pip install {quoted}")


class ImpureFunctionError(ProvenanceError, ValueError):
    """A decorated function changed its arguments; nothing was recorded, and `value` is what it returned.

    `added` are the paths of attributes that appeared on them.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def extend(numbers: list[int]) -> list[int]:
        ...     numbers.append(3)
        ...     return numbers
        >>> extend([1, 2])
        Traceback (most recent call last):
        ...
        provenance.errors.ImpureFunctionError: ...
    """

    def __init__(self, function: str, arguments: Iterable[str], added: Iterable[str] = ()) -> None:
        self.arguments, self.added = tuple(arguments), tuple(added)
        what = f"modified its arguments ({', '.join(self.arguments)})"
        advice = ""
        if self.added:
            shown = [*self.added[:_SHOWN], *(["…"] if len(self.added) > _SHOWN else [])]
            what += f": {', '.join(shown)} appeared"
            advice = (
                'if what appeared are caches that change no result, decorate with pure="caches"; '
            )
        super().__init__(
            f"{function} {what}, so its result was not recorded; {advice}work on a copy inside the "
            "function (copy.deepcopy), or exclude the argument with `ignore`; `value` of this error "
            "holds the result"
        )
        self.function = function


class UnrepeatableStreamError(ImpureFunctionError):
    """A generator yielded other items than an interrupted call before; `value` is what it yielded instead.

    Example:
        >>> import provenance as p
        >>> import secrets
        >>> @p.provenance(stream=p.Streaming(chunk_items=1))
        ... def tokens():
        ...     yield from (secrets.token_hex() for _ in range(2))
        >>> stream = tokens()
        >>> first = stream[0]
        >>> stream.close()  # as if the process had ended here
        >>> list(tokens())
        Traceback (most recent call last):
        ...
        provenance.errors.UnrepeatableStreamError: ...
    """

    def __init__(self, function: str, first: int, end: int) -> None:
        ProvenanceError.__init__(
            self,
            f"{function} did not yield the items {first:,} to {end - 1:,} that an interrupted call had stored; its "
            "chunks were quarantined, so the next call begins at the start; make the function yield the "
            "same items each time, or give it a parameter `after`, so that it goes on after the last one",
        )
        self.function = function
        self.arguments = ()


class CodeChangedError(ProvenanceError, ValueError):
    """The code behind a stored result has changed, and `on_code_change` is "raise".

    Example:
        >>> import provenance as p
        >>> RATE = 1
        >>> def rated(n: int) -> int:
        ...     return n * RATE
        >>> _ = p.provenance(rated)(3)
        >>> RATE = 2
        >>> p.provenance(rated, on_code_change="raise")(3)
        Traceback (most recent call last):
        ...
        provenance.errors.CodeChangedError: ...
    """

    def __init__(self, function: str, artifact_id: str, changes: str, next_version: int) -> None:
        super().__init__(
            f"{function}: {changes} since artifact {artifact_id} was computed; pass "
            f"version={next_version} to recompute, call accept() if it makes no difference, or "
            'choose another `on_code_change` ("warn", "ignore", "recompute")'
        )
        self.function = function
        self.artifact_id = artifact_id


class NotReproducibleError(ProvenanceError, ValueError):
    """A function gave another result when a hit was computed again, and `on_difference` is "raise".

    Example:
        >>> import provenance as p
        >>> from random import random
        >>> @p.provenance(shadow={"share": 1.0, "on_difference": "raise"})
        ... def draw() -> float:
        ...     return random()
        >>> try:
        ...     first = draw()
        ... except p.NotReproducibleError as error:  # a hit, after an earlier one was found to differ
        ...     print(error.function, "is random: pass it a seed")
    """

    def __init__(self, function: str, artifact_id: str) -> None:
        super().__init__(
            f"{function} gave another result when its result {artifact_id} was computed again; "
            "make it depend on its arguments alone (pass the seed, the time, the file), or call "
            "`accept()` of it if the difference does not matter"
        )
        self.function = function
        self.artifact_id = artifact_id


class MutatedArtifactValueError(ProvenanceError, ValueError):
    """The value of a proxy was changed before the proxy was passed on.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> p.set_check_mutations(True)
        >>> numbers = squares(3)
        >>> numbers.append(9)
        >>> p.provenance(sum)(numbers)
        Traceback (most recent call last):
        ...
        provenance.errors.MutatedArtifactValueError: ...
    """

    def __init__(self, artifact_id: str, function: str, arguments: Iterable[str]) -> None:
        self.arguments = tuple(arguments)
        super().__init__(
            f"artifact {artifact_id} was mutated before it was passed to {function} "
            f"({', '.join(self.arguments)}); change a copy (copy.deepcopy of `unwrap(x)`), or make "
            "the change inside a decorated function"
        )
        self.artifact_id = artifact_id
        self.function = function


class ProxyExpectedError(ProvenanceError, TypeError):
    """An argument that must be an artifact's proxy is a plain value.

    Example:
        >>> import provenance as p
        >>> @p.ensure_proxies("data")
        ... def total(data: list[int]) -> int:
        ...     return sum(data)
        >>> total([1, 2])
        Traceback (most recent call last):
        ...
        provenance.errors.ProxyExpectedError: ...
    """

    def __init__(self, function: str, arguments: Iterable[str]) -> None:
        self.arguments = tuple(arguments)
        super().__init__(
            f"{function} requires proxies of artifacts, got plain values for "
            f"{', '.join(self.arguments)}; pass the results of decorated functions, not parts or "
            "copies of their values, or `load_proxy(id)`"
        )
        self.function = function


class DuplicateNameError(ProvenanceError, ValueError):
    """Several artifacts have the same name where names must be unique.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> p.lazy_proxy_dict([squares(2), squares(3)])
        Traceback (most recent call last):
        ...
        provenance.errors.DuplicateNameError: ...
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        super().__init__(
            f"several artifacts are named {', '.join(map(repr, self.names))}; group them "
            "(group_artifacts_of_same_name=True), or pass only one of each name"
        )


class EngineError(ProvenanceError, RuntimeError):
    """An engine cannot run calls: a worker died, or cannot be used.

    Example:
        >>> import provenance as p
        >>> import pickle
        >>> pickle.dumps(p.MemoryRepo("here"))
        Traceback (most recent call last):
        ...
        provenance.errors.EngineError: ...
    """

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}; {advice}")
        self.problem = problem
