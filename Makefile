# txhub for someone who has just cloned it. `make` lists what there is.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.DEFAULT_GOAL := help
.PHONY: help install demo up test lint slow bench screenshots lock clean

help:  ## List what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## Make the virtual environment with what is pinned in requirements.lock

$(INSTALLED): requirements.lock pyproject.toml
	@command -v $(PYTHON) > /dev/null || { echo "error: $(PYTHON) is not installed; name another with PYTHON=…" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED)  ## Show everything on a simulated network
	$(BIN)/txhub demo $(if $(PORT),--port $(PORT))

comma := ,
up: $(INSTALLED)  ## Follow real chains: CHAINS=ethereum,base or RPC=ws://…, else those of txhub.toml
	$(BIN)/txhub up $(addprefix --chain ,$(or $(subst $(comma), ,$(CHAINS)),$(if $(RPC),ethereum))) \
		$(addprefix --rpc ,$(RPC)) $(if $(PORT),--port $(PORT))

test: lint  ## Run the whole test suite
	$(BIN)/pytest

lint: $(INSTALLED)  ## Check style, types and warnings
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy

slow: $(INSTALLED)  ## Run the long tests: many kills, long faults
	$(BIN)/pytest --override-ini addopts=-ra tests/slow

BLOCKS ?= ../shared/data/ethereum/mainnet_18090205-18090218.jsonl.gz
bench: $(INSTALLED)  ## Measure this machine on recorded blocks: BLOCKS=file.jsonl.gz
	$(BIN)/txhub bench ingest --blocks $(BLOCKS)

screenshots: $(INSTALLED)  ## Make the pictures of the README anew
	$(BIN)/python -m tests.browser.screenshots

lock:  ## Pin anew what is tested (needs uv)
	uv pip compile --quiet --no-emit-index-url --universal --python-version 3.11 --generate-hashes \
		--extra test pyproject.toml --output-file requirements.lock

clean:  ## Remove the virtual environment and caches, never data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache dist build
