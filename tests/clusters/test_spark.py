"""Spark does what calls one after the other do."""

import os
import sys
from contextlib import nullcontext

import pytest

import provenance as p
from provenance.engines.spark import spark
from provenance.testing import in_folder, samples
from provenance.testing.contracts.engines import EngineContract

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def session():
    """A session of two processors on this machine, older than every configuration."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.getOrCreate()
    yield session
    session.stop()


class TestSpark(EngineContract):
    """Tasks of Spark, each a job of its own."""

    most_deaths = 12

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def shared(cls, session):
        cls.session = session

    def start(self):
        return nullcontext(spark(self.session))


def test_plain_functions_apply_in_pandas(session, tmp_path):
    """`applyInPandas` takes a plain function; partitions are stored once."""

    @p.provenance()
    def means(table):
        return table.groupby("key", as_index=False).mean()

    with in_folder(tmp_path):
        samples.increment.is_cached(1)
        frame = session.createDataFrame([(1, 2.0), (1, 4.0), (2, 5.0)], "key long, value double")
        call = p.in_context(p.as_function(means))

        def apply(table):
            return p.unwrap(call(table))

        grouped = frame.groupBy("key").applyInPandas(apply, "key long, value double")
        assert sorted(map(tuple, grouped.collect())) == [(1, 3.0), (2, 5.0)]
