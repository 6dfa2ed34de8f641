"""The names of PyYAML that are used here; only the safe half of it is listed."""

from typing import IO, overload

class Mark:
    name: str
    line: int
    column: int

class YAMLError(Exception): ...

class MarkedYAMLError(YAMLError):
    context: str | None
    context_mark: Mark | None
    problem: str | None
    problem_mark: Mark | None

class Node:
    start_mark: Mark

class ScalarNode(Node):
    value: str

class MappingNode(Node):
    value: list[tuple[Node, Node]]

class SafeLoader:
    def __init__(self, stream: str) -> None: ...
    def compose_mapping_node(self, anchor: str | None) -> MappingNode: ...

def load(stream: str, Loader: type[SafeLoader]) -> object: ...
def safe_load(stream: str | bytes | IO[str] | IO[bytes]) -> object: ...
@overload
def safe_dump(
    data: object,
    stream: None = None,
    *,
    default_flow_style: bool = ...,
    sort_keys: bool = ...,
    allow_unicode: bool = ...,
    indent: int | None = ...,
) -> str: ...
@overload
def safe_dump(
    data: object,
    stream: IO[str],
    *,
    default_flow_style: bool = ...,
    sort_keys: bool = ...,
    allow_unicode: bool = ...,
    indent: int | None = ...,
) -> None: ...
