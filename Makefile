# `make demo` and `make test` need Python 3.11 or newer and make, nothing else: they build .venv themselves, and again
# only when pyproject.toml has changed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo tour test check fmt bench clean

demo: $(VENV)/ready
	$(BIN)/python -m examples.app

tour: $(VENV)/ready
	$(BIN)/python -m examples.tour

test: check
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report

check: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fmt: $(VENV)/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/bench
	$(BIN)/python -m benchmarks size
	$(BIN)/python -m benchmarks throughput
	$(BIN)/python -m benchmarks request
	$(BIN)/python -m benchmarks refresh

$(VENV)/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("sealed-session needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say which: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[all]" --group test
	@touch $@

$(VENV)/bench: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --group bench
	@touch $@

clean:
	rm -rf $(VENV) .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
