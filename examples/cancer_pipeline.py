"""Which model tells malign from benign tumours best? A small pipeline, cached and traced.

    python examples/cancer_pipeline.py
    python examples/cancer_pipeline.py --trees 200

Run it twice: the second time nothing is computed. Change one number: only what depends on it is. The functions are
ordinary ones; the decorator is all that they know of `provenance`. The data (569 tumours of the Wisconsin
diagnostic study, 30 measurements each) ships inside scikit-learn.
"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import provenance as p

TARGET = "malign"


@dataclass(frozen=True)
class Split:
    """Rows to learn from, and rows that are kept back for the last test."""

    train: pd.DataFrame
    test: pd.DataFrame


@dataclass(frozen=True)
class Candidate:
    """A model, and how well it did: cross-validated on the training rows, and once on those kept back."""

    model: ClassifierMixin
    validation: float
    spread: float
    test: float


@dataclass(frozen=True)
class Settings:
    """Everything that can be chosen on the command line."""

    columns: int = 24
    seed: int = 7
    folds: int = 5
    penalty: float = 1.0
    neighbours: int = 9
    trees: int = 150
    depth: int = 8
    rounds: int = 60


# ---------------------------------------------------------------- the data


@p.provenance()
def load() -> pd.DataFrame:
    """The raw table, as it comes with scikit-learn."""
    return load_breast_cancer(as_frame=True).frame


@p.provenance()
def clean(raw: pd.DataFrame) -> pd.DataFrame:
    """Plain column names, no duplicates, and outliers drawn in to the outermost 0.5 % on each side."""
    table = raw.rename(columns=lambda name: name.replace(" ", "_")).drop_duplicates()
    measured = table.drop(columns="target")
    drawn_in = measured.clip(measured.quantile(0.005), measured.quantile(0.995), axis="columns")
    return drawn_in.assign(**{TARGET: 1 - table["target"]})


@p.provenance()
def engineer(table: pd.DataFrame) -> pd.DataFrame:
    """Logarithms of what is skewed, and how much the worst cells of a tumour stand out from its average ones."""
    means = [name for name in table.columns if name.startswith("mean_")]
    worst = {
        f"excess_{name[5:]}": table[f"worst_{name[5:]}"] / table[name].clip(lower=1e-9)
        for name in means
    }
    skewed = [name for name in means if table[name].skew() > 1]
    logs = {f"log_{name}": np.log1p(table[name]) for name in skewed}
    return table.assign(**worst, **logs)


@p.provenance()
def select(table: pd.DataFrame, columns: int, seed: int) -> pd.DataFrame:
    """The columns that tell most about the outcome, by mutual information averaged over three estimates."""
    measured, outcome = table.drop(columns=TARGET), table[TARGET]
    estimates = [mutual_info_classif(measured, outcome, random_state=seed + i) for i in range(3)]
    ranked = pd.Series(np.mean(estimates, axis=0), measured.columns).sort_values(ascending=False)
    return table[[*ranked.index[:columns], TARGET]]


@p.provenance()
def split(table: pd.DataFrame, seed: int) -> Split:
    """Three quarters for training; both parts with the same share of malign tumours."""
    train, test = train_test_split(table, test_size=0.25, random_state=seed, stratify=table[TARGET])
    return Split(train, test)


# ---------------------------------------------------------------- the models


def fitted(model: ClassifierMixin, data: Split) -> ClassifierMixin:
    """The model, trained on the training rows."""
    return model.fit(data.train.drop(columns=TARGET), data.train[TARGET])


@p.provenance()
def logistic(data: Split, penalty: float) -> Pipeline:
    """Logistic regression on standardised columns."""
    return fitted(
        make_pipeline(StandardScaler(), LogisticRegression(C=1 / penalty, max_iter=2_000)), data
    )


@p.provenance()
def nearest(data: Split, neighbours: int) -> Pipeline:
    """A vote of the most similar tumours."""
    return fitted(
        make_pipeline(StandardScaler(), KNeighborsClassifier(neighbours, weights="distance")), data
    )


@p.provenance()
def forest(data: Split, trees: int, depth: int, seed: int) -> RandomForestClassifier:
    """A random forest."""
    return fitted(RandomForestClassifier(trees, max_depth=depth, random_state=seed), data)


@p.provenance()
def boosting(data: Split, rounds: int, seed: int) -> GradientBoostingClassifier:
    """Gradient-boosted trees."""
    return fitted(GradientBoostingClassifier(n_estimators=rounds, random_state=seed), data)


@p.provenance()
def evaluate(model: ClassifierMixin, data: Split, folds: int) -> Candidate:
    """How well a model of this kind does: area under the ROC curve in cross-validation, accuracy on unseen rows."""
    measured, outcome = data.train.drop(columns=TARGET), data.train[TARGET]
    areas = cross_val_score(p.unwrap(model), measured, outcome, cv=folds, scoring="roc_auc")
    test = model.score(data.test.drop(columns=TARGET), data.test[TARGET])
    return Candidate(p.unwrap(model), float(areas.mean()), float(areas.std()), float(test))


@p.provenance()
def pick_best(candidates: Mapping[str, Candidate]) -> Candidate:
    """The candidate with the best cross-validation; the rows kept back have no say in it."""
    return p.unwrap(max(candidates.values(), key=lambda candidate: candidate.validation))


# ---------------------------------------------------------------- all together


def pipeline(settings: Settings) -> tuple[Candidate, dict[str, Candidate]]:
    """The best candidate, and all of them by name. Results flow from step to step; nothing here knows of a cache."""
    data = split(select(engineer(clean(load())), settings.columns, settings.seed), settings.seed)
    candidates = {
        "logistic": evaluate(logistic(data, settings.penalty), data, settings.folds),
        "nearest": evaluate(nearest(data, settings.neighbours), data, settings.folds),
        "forest": evaluate(
            forest(data, settings.trees, settings.depth, settings.seed), data, settings.folds
        ),
        "boosting": evaluate(boosting(data, settings.rounds, settings.seed), data, settings.folds),
    }
    return pick_best(candidates), candidates


def settings_from(arguments: list[str] | None = None) -> Settings:
    """Settings from the command line."""
    parser = argparse.ArgumentParser(description="Choose a model for the breast cancer data.")
    for name, default in asdict(Settings()).items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help="%(default)s")
    return Settings(**vars(parser.parse_args(arguments)))


def main() -> None:
    """Run the pipeline and say how the candidates did, and what the cache was good for."""
    best, candidates = pipeline(settings_from())
    for name, each in candidates.items():
        mark = "*" if each.validation == best.validation else " "
        print(
            f"{mark} {name:<10} {each.validation:.4f} ± {each.spread:.4f}   on unseen rows {each.test:.1%}"
        )
    stats = p.stats()
    print(f"{stats.hits} of {stats.calls} calls were hits and saved {stats.seconds_saved:.2f} s")


if __name__ == "__main__":
    main()
