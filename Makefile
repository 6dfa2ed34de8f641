# One virtual environment in .venv, filled from the lock with hashes. Everything else runs in it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := test
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1

VENV := .venv
JOBS := auto
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOCKS := requirements/uv.txt requirements/dev.txt
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	--no-emit-index-url --no-emit-find-links
LIBRARIES = --extra lz4 --extra pandas --extra polars --extra zstd --output-file requirements/libraries.txt \
	pyproject.toml requirements/libraries.in
ORCHESTRATORS = --output-file requirements/orchestrators.txt pyproject.toml requirements/orchestrators.in

.PHONY: browser demo demo-engines screenshots test test-torch test-crates test-engines test-libraries test-orchestrators test-pythons test-pictures test-tutorial transparency properties long kills lint types bench docs peers figures lock upgrade format statements clean

demo: $(STAMP)
	$(BIN)/python examples/run_demo.py

demo-engines: $(STAMP)  ## a grid search on a Dask cluster of two processes, twice: the second time nothing is computed
	folder=$$(mktemp -d) && cd $$folder && touch pyproject.toml \
		&& $(CURDIR)/$(BIN)/python $(CURDIR)/examples/grid_search.py --engine dask \
		&& $(CURDIR)/$(BIN)/python $(CURDIR)/examples/grid_search.py --engine dask && rm -r $$folder

browser:  ## Debian's chromium and tmux, for the tests of the page and the command; nothing to do where they are
	@command -v chromium > /dev/null && command -v tmux > /dev/null || { \
		$(if $(filter 0,$(shell id -u)),,sudo) apt-get update -qq && \
		$(if $(filter 0,$(shell id -u)),,sudo) apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core tmux; }

test: $(STAMP) browser  ## in as many processes as there are cores; JOBS=0 is one, as a debugger wants it
	$(BIN)/pytest -n $(JOBS) --dist worksteal $(ARGS)

test-torch: $(STAMP)  ## in an environment of its own, as torch weighs gigabytes; TORCH=torch==2.13.0 chooses a version
	$(BIN)/python -m venv .venv-torch
	.venv-torch/bin/pip install --quiet $(or $(TORCH),torch)
	$(BIN)/uv pip install --quiet --python .venv-torch/bin/python --editable ".[lz4,pandas,polars,zstd]" \
		cloudpickle pytest hypothesis scikit-learn
	.venv-torch/bin/python -m pytest tests/tensors tests/golden/test_serialized.py tests/transparency/test_tensors.py

test-pythons: $(STAMP)  ## code receipts and records are the same in other versions of Python; PYTHONS="3.12 3.13" chooses these
	for python in $(or $(PYTHONS),3.12 3.13); do \
		$(BIN)/uv venv --quiet --clear --python $$python .venv-$$python && \
		$(BIN)/uv pip install --quiet --python .venv-$$python/bin/python --editable . cloudpickle numpy pytest hypothesis && \
		.venv-$$python/bin/python -m pytest tests/receipts tests/model tests/calls/test_plain.py tests/results/test_paths.py tests/golden/test_repositories.py || exit 1; \
	done

test-tutorial: $(STAMP)  ## the tutorial from an empty folder, in an environment with nothing but the wheel
	rm -rf build/wheel && $(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir build/wheel
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-tutorial
	$(BIN)/uv pip install --quiet --python .venv-tutorial/bin/python "$$(echo build/wheel/*.whl)[cli,pandas]"
	TUTORIAL_BIN=$(CURDIR)/.venv-tutorial/bin $(BIN)/pytest -n 0 tests/architecture/test_tutorial.py $(ARGS)

test-pictures: $(STAMP)  ## what matplotlib, Pillow, xarray and notebooks do with results, in an environment of its own
	$(BIN)/python -m venv .venv-pictures
	.venv-pictures/bin/pip install --quiet matplotlib pillow xarray ipykernel nbclient jupytext
	$(BIN)/uv pip install --quiet --python .venv-pictures/bin/python --editable ".[pandas,polars]" \
		cloudpickle pytest hypothesis scipy scikit-learn
	.venv-pictures/bin/python -m pytest tests/transparency/test_pictures.py tests/transparency/test_notebooks.py \
		tests/transparency/test_tutorials.py tests/notebooks

transparency: $(STAMP)  ## after a change of what results do: writes which expressions differ from plain values
	$(BIN)/python tests/transparency/record.py $(ARGS)
	$(BIN)/python tests/transparency/document.py

test-libraries: $(STAMP)  ## in an environment of its own, with libraries that the lock does not have
	$(BIN)/python -m venv .venv-libraries
	$(BIN)/uv pip sync --quiet --python .venv-libraries/bin/python --require-hashes requirements/libraries.txt
	$(BIN)/uv pip install --quiet --python .venv-libraries/bin/python --no-deps --no-build-isolation --editable .
	.venv-libraries/bin/python -m pytest tests/libraries

test-crates: $(STAMP)  ## RO-Crate's own validator on our crates, in an environment of its own, as it brings twenty libraries
	$(BIN)/python -m venv .venv-crates
	$(BIN)/uv pip install --quiet --python .venv-crates/bin/python --requirement requirements/crates.txt \
		--editable ".[pandas]"
	.venv-crates/bin/python -m pytest tests/crates

properties: $(STAMP)  ## the laws again, with many more examples, which differ each time
	HYPOTHESIS_PROFILE=long EXAMPLES=$(or $(EXAMPLES),1000) $(BIN)/pytest -m "hypothesis and not long" tests $(ARGS)

long: $(STAMP)  ## the tests that take long and differ little from quicker ones
	$(BIN)/pytest -m long $(ARGS)

kills: $(STAMP)  ## processes killed at random moments, far more of them than in the tests
	KILLS=$(or $(KILLS),500) $(BIN)/pytest tests/trust/test_kills.py $(ARGS)

screenshots: $(STAMP) browser  ## the pictures of the web page in docs/images
	PYTHONPATH=tests $(BIN)/python tests/ui/screenshots.py

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(STAMP)
	$(BIN)/mypy src $(wildcard tests/typing)
	$(BIN)/basedpyright src $(wildcard tests/typing)

test-engines: $(STAMP)  ## Ray and Spark, which start slowly, in an environment of their own; needs Java
	$(BIN)/python -m venv .venv-engines
	$(BIN)/uv pip install --quiet --python .venv-engines/bin/python --requirement requirements/engines.txt \
		--editable ".[pandas,testing]"
	PYSPARK_PYTHON=$(CURDIR)/.venv-engines/bin/python .venv-engines/bin/python -m pytest tests/clusters $(ARGS)

test-orchestrators: $(STAMP)  ## the recipes for Prefect, Airflow, Luigi, pytest-xdist and notebooks, in an environment of their own
	$(BIN)/python -m venv .venv-orchestrators
	$(BIN)/uv pip sync --quiet --python .venv-orchestrators/bin/python --require-hashes requirements/orchestrators.txt
	$(BIN)/uv pip install --quiet --python .venv-orchestrators/bin/python --no-deps --no-build-isolation --editable .
	.venv-orchestrators/bin/python -m pytest tests/orchestrators $(ARGS)

bench: $(STAMP)
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(STAMP)  ## the site, in build/site; its code blocks run in the tests
	$(BIN)/sphinx-build -W --keep-going --quiet -d build/doctrees docs build/site
	@du -sh --apparent-size build/site  # it stays under 5 MB

peers: $(STAMP)  ## which behaviors other caches share, in an environment of their own
	$(BIN)/python -m venv .venv-peers
	$(BIN)/uv pip install --quiet --python .venv-peers/bin/python --editable ".[pandas]" \
		joblib==1.6.0 diskcache==5.6.3 checkpointer==2.14.12 redun==0.44.1
	.venv-peers/bin/python benchmarks/conformance.py

figures: $(STAMP)  ## sizes of modules and functions, imports, lengths of sentences; ARGS=--names lists the places
	$(BIN)/python tests/architecture/figures.py $(ARGS)
	$(BIN)/python tests/architecture/prose.py $(if $(findstring --names,$(ARGS)),--long)

lock: $(STAMP)  ## after a change of pyproject.toml; keeps the pins that still fit
	$(COMPILE) --extra dev --output-file requirements/dev.txt pyproject.toml
	$(COMPILE) $(LIBRARIES)
	$(COMPILE) $(ORCHESTRATORS)

upgrade: $(STAMP)  ## the newest of everything
	$(COMPILE) --upgrade --output-file requirements/uv.txt requirements/uv.in
	$(COMPILE) --upgrade --extra dev --output-file requirements/dev.txt pyproject.toml
	$(COMPILE) --upgrade $(LIBRARIES)
	$(COMPILE) --upgrade $(ORCHESTRATORS)

statements: $(STAMP)  ## after a change of the tables
	$(BIN)/python -c "import pathlib; from provenance.effects.sql import queries; pathlib.Path('src/provenance/effects/sql/statements.py').write_text(queries.render_statements())"

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(BIN)/uv: requirements/uv.txt
	@python=$$(requirements/find-python "$(PYTHON)"); \
	echo "$$($$python --version) in $(VENV)"; \
	$$python -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/uv.txt
	@touch $@

# `sync` takes away what the lock no longer names; uv's own lock is passed so that it stays.
# Where only pip is told the way to the packages, pip installs them, from the same lock.
# The editable install needs no build isolation: the lock brings hatchling.
$(STAMP): $(BIN)/uv $(LOCKS) pyproject.toml
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes $(LOCKS) \
		|| $(BIN)/python -m pip install --quiet --require-hashes $(LOCKS:%=--requirement %)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
