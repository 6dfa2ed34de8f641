"""What tests run in workers of pools, which import it by name."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import provenance as p
from provenance.testing import samples


def call_in_pool(function, number):
    """Call a function in a worker of this worker."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, number).result()


def map_to_list(function, number):
    """Map a function over one number."""
    return list(function.map([number]))


def call_with_options(function, number, **options):
    """Call a function with other options."""
    return function.with_options(**options)(number)


def use_own(folder):
    """Choose a repository for the worker, and return the function that it is for."""
    p.set_default_repo(p.SqliteRepo("own", db=folder / "own.db"))
    return samples.increment


def increment_in(number, folder):
    """Add one, and store the result in a database of this folder."""
    with p.using_repo(p.SqliteRepo(db=folder / "chosen.db")):
        return p.unwrap(samples.increment(number))
