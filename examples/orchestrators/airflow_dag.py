"""Airflow: tasks hand over ids of artifacts, which fit into an XCom whatever the size of the values."""

from __future__ import annotations

from airflow.sdk import dag, task
from steps import load, train

import provenance as p


@dag(schedule=None)
def pipeline() -> None:
    """Train with two rates."""

    @task
    def load_numbers(day: str) -> str:
        return load.artifact(day).id

    @task
    def train_model(numbers: str, rate: float) -> str:
        return train.artifact(p.load_proxy(numbers), rate).id

    train_model.partial(numbers=load_numbers("2026-11-28")).expand(rate=[0.1, 0.2])


example = pipeline()

if __name__ == "__main__":
    example.test()
