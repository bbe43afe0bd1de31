# The two commands are `make serve` and `make test`; the others are for those who work on resolverd.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
ARGS   ?=
FUZZ_SECONDS ?= 60
RUNS_COMPILED = $(BIN)/python -c "import sys, resolver.compiled as c; sys.exit(c.why_not())"

.PHONY: serve accelerator test test-accelerated lint types unit docs bench robustness fuzz clean help

help:
	@echo "make serve   start the daemon with its simulated internet (ARGS='--listen 127.0.0.1:5301' to change it)"
	@echo "make accelerator  compile the hot modules (a C compiler, a minute or two); RESOLVER_PURE=1 runs without them"
	@echo "make test-accelerated  all tests with the compiled modules (ARGS=tests/unit for some)"
	@echo "make test    lint, types and all tests"
	@echo "make bench   CPU per query, start-up and memory, beside other servers that are installed"
	@echo "make robustness  what attacks cost others, rates under load; writes docs/robustness.md"
	@echo "make fuzz    fuzz targets and random properties, FUZZ_SECONDS=60 each; tests/fuzz/README.md"
	@echo "make docs    write the generated pages of docs/ again"

# The marker files are touched last, so that an installation which was cut short is done again.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "resolverd needs Python 3.11 or later; set PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.developing: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

serve: $(VENV)/.installed
	@exec $(BIN)/resolver serve $(ARGS)

# What is up to date is not built again.
accelerator: $(VENV)/.installed
	@{ $(RUNS_COMPILED) 2>/dev/null && test resolver/machine_code/manifest -nt setup.py; } || RESOLVER_ACCELERATE=1 \
		$(BIN)/python -m pip install --verbose --disable-pip-version-check --editable . \
		>$(VENV)/accelerator.log 2>&1 || { cat $(VENV)/accelerator.log; exit 1; }
	@grep "is not accelerated" $(VENV)/accelerator.log 2>/dev/null || true
	@$(BIN)/resolver --version

test: lint types unit

lint: $(VENV)/.developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.developing
	$(BIN)/mypy

unit: $(VENV)/.developing
	RESOLVER_PURE=1 $(BIN)/python -m pytest $(ARGS)

test-accelerated: $(VENV)/.developing accelerator
	$(RUNS_COMPILED)
	$(BIN)/python -m pytest $(ARGS)

docs: $(VENV)/.developing
	$(BIN)/python docs/generate.py

bench: $(VENV)/.developing
	$(BIN)/python -m tests.bench $(ARGS)

robustness: $(VENV)/.developing
	$(BIN)/python -m tests.robustness $(ARGS)

fuzz: $(VENV)/.developing
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS) $(ARGS)

clean:
	rm -rf $(VENV) resolver/machine_code build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz
