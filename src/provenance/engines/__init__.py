"""`engines` runs the same calls in threads, in processes and on clusters, and brings back all that happened there."""

from provenance.engines.dask import dask as dask
from provenance.engines.outcomes import Failure as Failure
from provenance.engines.outcomes import Progress as Progress
from provenance.engines.pools import (
    Engine as Engine,
)
from provenance.engines.pools import (
    futures as futures,
)
from provenance.engines.pools import (
    joblib as joblib,
)
from provenance.engines.pools import (
    processes as processes,
)
from provenance.engines.pools import (
    serial as serial,
)
from provenance.engines.pools import (
    threads as threads,
)
from provenance.engines.ray import ray as ray
from provenance.engines.spark import spark as spark
