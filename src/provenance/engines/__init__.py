"""`engines` runs the same calls in threads, in processes and on clusters, and brings back all that happened there."""

from provenance.engines.dask import dask as dask
from provenance.engines.outcomes import Failure as Failure, Progress as Progress
from provenance.engines.pools import (
    Engine as Engine,
    futures as futures,
    joblib as joblib,
    processes as processes,
    serial as serial,
    threads as threads,
)
from provenance.engines.ray import ray as ray
from provenance.engines.spark import spark as spark
