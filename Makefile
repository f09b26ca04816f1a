# make demo       set up .venv from the lock and run everything on bundled data, offline
# make test       set up .venv and run the tests
# make check      format, lint and types, then the tests: what CI runs
# make format     format the code and fix what the linter can fix
# make docs       build the site from docs/ and notebooks/ into build/docs; a warning is an error
# make notebooks  run the notebooks: each script in notebooks/ becomes an .ipynb with its outputs
# make pictures   draw the gallery and the golden pictures of the tests again
# make lock       write requirements.lock again from pyproject.toml
# make data       write the bundled series again
# make bench      measure forecast, beside other packages if `make bench-peers` came first, into benchmarks/*.md
# make clean      remove .venv, the peers' environment and runs/

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
PEERS := .venv-peers

.PHONY: demo test check format docs notebooks pictures lock data bench bench-peers clean

demo: $(READY)
	$(BIN)/forecast run data/sp500.csv --unit points --horizon 30 --out runs/demo

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) --no-print-directory test

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY)
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs build/docs

notebooks: $(READY)
	$(BIN)/python notebooks/make.py

pictures: $(READY)
	$(BIN)/python docs/gallery.py
	PYTHONPATH=. $(BIN)/python tests/pictures.py

lock: $(READY)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --all-extras \
		--no-header --no-annotate --output-file requirements.lock pyproject.toml

data: $(READY)
	$(BIN)/python data/make.py

bench: $(READY)
	$(BIN)/python benchmarks/opening.py
	$(BIN)/python benchmarks/training.py

bench-peers: $(PEERS)/ready

clean:
	rm -rf .venv $(PEERS) runs

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "forecast needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

$(PEERS)/ready: benchmarks/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --constraint benchmarks/peers.txt torch
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/peers.txt
	touch $(PEERS)/ready
