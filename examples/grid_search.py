"""Which forest tells malign from benign tumours best? A grid of models, fitted on an engine of your choice.

    python examples/grid_search.py
    python examples/grid_search.py --engine processes
    python examples/grid_search.py --engine dask --trees 50 100 200

Run it twice: the second time nothing is computed, and nothing is sent. Add a value to the grid: only the models that
have it are fitted. The data (569 tumours, 30 measurements each) ships inside scikit-learn.
"""

import argparse
import itertools
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

import provenance as p

ENGINES = ("serial", "threads", "processes", "joblib", "dask")


@dataclass(frozen=True)
class Score:
    """How well a forest did in cross-validation, and how much the folds differ."""

    mean: float
    spread: float


@p.provenance()
def load() -> pd.DataFrame:
    """Return the measurements, with the diagnosis in the column `target`."""
    return load_breast_cancer(as_frame=True).frame


@p.provenance()
def validate(table: pd.DataFrame, trees: int, depth: int, share: float) -> Score:
    """Cross-validate a forest of these settings."""
    model = RandomForestClassifier(
        n_estimators=trees, max_depth=depth, max_features=share, random_state=7
    )
    scores = cross_val_score(model, table.drop(columns="target"), table["target"], cv=5)
    return Score(float(scores.mean()), float(scores.std()))


@contextmanager
def started(name: str) -> Generator[p.engines.Engine]:
    """Start what the engine of this name needs, for two workers."""
    if name == "dask":
        from distributed import Client, LocalCluster  # noqa: PLC0415 - only this engine needs it

        with (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            yield p.engines.dask(client)
    elif name == "joblib":
        yield p.engines.joblib(backend="loky", n_jobs=2)
    elif name == "processes":
        yield p.engines.processes(2)
    elif name == "threads":
        yield p.engines.threads(2)
    else:
        yield p.engines.serial()


def search(
    engine: p.engines.Engine, trees: Sequence[int], depths: Sequence[int], shares: Sequence[float]
) -> tuple[tuple[int, int, float], Score]:
    """Validate all forests of the grid on *engine*; return the settings of the best, and its score."""
    grid = list(itertools.product(trees, depths, shares))
    table = load()
    scores = validate.map(itertools.repeat(table), *zip(*grid, strict=True), engine=engine)
    return max(zip(grid, scores, strict=False), key=lambda scored: scored[1].mean)


def main() -> None:
    """Search the grid, and say what was found and what it cost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--engine", choices=ENGINES, default="serial")
    parser.add_argument("--trees", type=int, nargs="+", default=[20, 40, 80])
    parser.add_argument("--depths", type=int, nargs="+", default=[3, 6])
    parser.add_argument("--shares", type=float, nargs="+", default=[0.2, 0.5])
    given = parser.parse_args()
    began = time.perf_counter()
    with started(given.engine) as engine:
        (trees, depth, share), score = search(engine, given.trees, given.depths, given.shares)
    stats = p.stats()
    print(f"best: {trees} trees of depth {depth}, {share:.0%} of the measurements at each split")
    print(f"accuracy {score.mean:.3f} ± {score.spread:.3f}")
    print(f"{stats.misses} computed, {stats.hits} found, in {time.perf_counter() - began:.1f} s")
    print(f"computed from: {', '.join(sorted({a.name for a in p.dependencies(score)}))}")


if __name__ == "__main__":
    main()
