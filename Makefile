# make demo       set up .venv with what a user needs and run everything on bundled data, offline
# make test       add what the tests need to .venv and run the tests, but for the slow ones
# make install    set up .venv with what all tests need, and the browser's rules
# make test-all   run all tests: clusters, crews of processes, the browser, three backends
# make check      format, lint and types (make lint), then all tests: what CI runs
# make format     format the code and fix what the linter can fix
# make docs       build the site from docs/ and notebooks/ into build/docs; a warning is an error
# make notebooks  run the notebooks: each script in notebooks/ becomes an .ipynb with its outputs
# make pictures   draw the gallery and the golden pictures of the tests again
# make lock       write requirements.lock (users) and requirements-dev.lock (all) again from pyproject.toml
# make dist       build wheel and source distribution into dist/, the same bytes from the same commit
# make data       write the bundled series again
# make pretrained train the network that comes with the package again, on simulated series, in ten minutes to half an hour; goes on if killed
# make bench      measure forecast, beside other packages if `make bench-peers` came first, into benchmarks/*.md
# make clean      remove .venv, the peers' environment and runs/

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
DEV := .venv/ready-dev
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-deps
# What a lock names: by uv, which takes a fifth of the time; by pip, where only its settings know the way (a mirror).
define install_lock
$(BIN)/uv pip install --python $(BIN)/python --no-deps --require-hashes --requirement $(1) \
	|| $(PIP_INSTALL) --no-compile --require-hashes --requirement $(1)
endef
PEERS := .venv-peers
# The rules of accessibility, for the tests in a browser; without npm those tests are skipped.
AXE := tests/browser/node_modules/.package-lock.json
# All extras but torch, which brings gigabytes.
EXTRAS := build data docs export indicators jax ray sktime statistics tensorboard tune dev
UV_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

# Hundreds of processes start in the tests: none should compile the package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo install test test-all check lint dist format docs notebooks pictures lock data pretrained bench bench-peers clean

demo: $(READY)
	$(BIN)/forecast run data/sp500.csv --unit points --horizon 30 --out runs/demo

test: $(DEV)
	$(BIN)/python -m pytest -n 2 --dist worksteal

install: $(DEV) $(AXE)

test-all: install
	$(BIN)/python -m pytest -n 2 --dist worksteal --slow

check: lint test-all

lint: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

dist: $(DEV)
	rm -rf dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m hatchling build
	$(BIN)/twine check --strict dist/*

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(DEV)
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs build/docs

notebooks: $(DEV)
	$(BIN)/python notebooks/make.py

pictures: $(DEV)
	$(BIN)/python docs/gallery.py
	PYTHONPATH=. $(BIN)/python tests/pictures.py

lock: $(DEV)
	$(BIN)/uv pip compile $(UV_OPTIONS) $(addprefix --extra ,$(EXTRAS)) --output-file requirements-dev.lock pyproject.toml
	$(BIN)/uv pip compile $(UV_OPTIONS) --extra build --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml

data: $(DEV)
	$(BIN)/python data/make.py

pretrained: $(READY)
	OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 $(BIN)/python -m forecast.training.pretrain

bench: $(DEV)
	$(BIN)/python benchmarks/opening.py
	$(BIN)/python benchmarks/training.py

bench-peers: $(PEERS)/ready

clean:
	rm -rf .venv $(PEERS) runs dist build

# pip brings uv, uv the rest. Byte code is written on all cores, but not for the tests of packages.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "forecast needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	sed -n '/^uv==/,/[^\\]$$/p' requirements.lock | $(PIP_INSTALL) --require-hashes --requirement /dev/stdin
	$(call install_lock,requirements.lock)
	$(PIP_INSTALL) --quiet --no-build-isolation --editable .
	$(BIN)/python -m compileall -qq -j 0 -x '/tests?/' .venv/lib || true
	touch $(READY)

# Few modules of these packages are loaded: byte code is written for those.
$(DEV): $(READY) requirements-dev.lock
	$(call install_lock,requirements-dev.lock)
	touch $(DEV)

$(AXE): tests/browser/package-lock.json
	if command -v npm >/dev/null; then npm ci --prefix tests/browser --no-audit --no-fund || echo "axe-core is not there: its tests are skipped"; fi

$(PEERS)/ready: benchmarks/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --constraint benchmarks/peers.txt torch
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/peers.txt
	touch $(PEERS)/ready
