"""The cells of a notebook, each after a line with `# %%`."""

# %% A cell that may be executed again: what is computed stays computed.
from concurrent.futures import ThreadPoolExecutor

import provenance as p

p.load_config({"artifact_repos": {"local": {"type": "sqlite", "db": "notebook.db"}}})


# %% A function of the notebook. Processes of an engine get it with its code.
@p.provenance()
def square(number: int) -> int:
    return number * number


# %%
squares = list(square.map(range(6), engine="processes", progress=True))
print(sum(squares), p.stats().misses)

# %% A pool that is older than the configuration gets the repository with the function.
with ThreadPoolExecutor() as pool, p.using_repo("local"):
    print(list(pool.map(p.in_context(square), range(6))) == squares)
