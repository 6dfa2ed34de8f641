"""The first steps: two slow functions, computed once and traced.

    python examples/expensive.py

Runs in a repository in memory, so that it begins afresh each time. `--seconds` says how slow the functions are.
"""

import argparse
import time

import provenance as p

parser = argparse.ArgumentParser(description="Two slow functions, computed once and traced.")
parser.add_argument("--seconds", type=float, default=1.0, help="how long each computation takes")
SECONDS = parser.parse_args().seconds

p.load_config({"artifact_repos": {"memory": {"type": "memory"}}})


@p.provenance()
def expensive_add(a: int, b: int) -> int:
    """The sum, after a while."""
    time.sleep(SECONDS)
    return a + b


@p.provenance()
def expensive_mult(a: int, b: int) -> int:
    """The product, after a while."""
    time.sleep(SECONDS)
    return a * b


def timed(text: str, began: float) -> None:
    """Say how long something took."""
    print(f"   {text} took {time.perf_counter() - began:.2f} s")


print("1. The first call computes, and what it returns stands for the number:")
began = time.perf_counter()
total = expensive_add(4, 3)
print(f"   expensive_add(4, 3) + 3 = {total + 3}")
timed("it", began)

print("\n2. The second one finds the result, however the arguments are passed:")
began = time.perf_counter()
print(f"   expensive_add(b=3, a=4) = {expensive_add(b=3, a=4):d}")
timed("it", began)

print("\n3. The result knows its artifact: what made it, from what, and when:")
artifact = p.artifact_of(total)
print(f"   id        {artifact.id}")
print(
    f"   made by   {artifact.name}, version {artifact.version}, in {artifact.compute_duration:.2f} s"
)
print(f"   from      {dict(artifact.inputs.kargs)}")
print(f"   at        {artifact.computed_at:%Y-%m-%d %H:%M} UTC")

print("\n4. Results flow on into further calls, which remember where they came from:")
product = expensive_mult(expensive_add(4, 3), expensive_add(1, 1))
print(f"   {product!r}")
print()
for line in p.lineage(product).tree().splitlines():
    print(f"   {line}")

print("\n5. A proxy and its value are one to the cache, so this is a hit again:")
began = time.perf_counter()
print(f"   expensive_mult(7, 2) = {expensive_mult(7, 2):d}")
timed("it", began)

stats = p.stats()
print(
    f"\n{stats.calls} calls: {stats.hits} hits saved {stats.seconds_saved:.2f} s, {stats.misses} were computed"
)
