"""What the type checkers say of sets, searches, lineage and promotion. Read by them, never run."""

from collections.abc import Mapping
from typing import assert_type

import provenance as p


@p.provenance(returns_composite=True, serializer={"model": "joblib"})
def train(rows: list[int]) -> Mapping[str, float]:
    return {"model": float(len(rows))}


@p.provenance_set("production")
def pipeline(rows: list[int], *, depth: int = 3) -> float:
    return train(rows)["model"] * depth


assert_type(train([1])["model"], float)
assert_type(pipeline([1], depth=2), p.ArtifactSet)
pipeline("rows")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - its parameters keep their types
with p.capture_set({"name": "production", "build": 7}) as capture:
    assert_type(capture, p.Capture)
assert_type(capture.set, p.ArtifactSet | None)
made = p.create_set([train([1]), "0" * 40], "name")
assert_type(made | made - made & made, p.ArtifactSet)
assert_type(made.proxy_dict(), Mapping[str, object])
made | {1}  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression] - not a set of artifacts
for each in p.search("*.train", version=1, inputs={"rows": [1]}):
    assert_type(each, p.Artifact[object])
p.search(version="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - versions are numbers
assert_type(p.who_made(1), tuple[p.Artifact[object], ...])
assert_type(p.descendants(made), tuple[p.Artifact[object], ...])
assert_type(
    p.promote(train([1]), "team", progress=lambda done, total, artifact: None),
    p.Artifact[object],
)
repo = p.get_default_repo()
result = train([1])
assert_type(repo[result], p.Artifact[object])
assert_type(repo.get_by_id(p.artifact_of(result)), p.Artifact[object])
assert_type(p.load_artifact(result), p.Artifact[object])
assert_type(repo.get_set_by_id(made), p.ArtifactSet)
assert_type(p.load_set_by_id("0" * 40), p.ArtifactSet)
repo.get_set_by_id(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a set, or the id of one
p.MemoryStore().get("0" * 40)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - an id is no key of a blob store
