# txhub for someone who has just cloned it: `make` lists what there is.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
PIP := $(BIN)/pip --quiet --disable-pip-version-check
UV_PIP := $(BIN)/uv pip
INSTALL_UV := $(PIP) install --only-binary uv uv==0.13.9

DATA := $(or $(TXHUB_TEST_DATA),../shared/data)
BLOCKS ?= $(DATA)/ethereum/mainnet_18090205-18090218.jsonl.gz
URL ?= http://127.0.0.1:8050

comma := ,
port = $(addprefix --port ,$(PORT))
chains = $(addprefix --chain ,$(or $(subst $(comma), ,$(CHAINS)),$(if $(RPC),ethereum)))
rpcs = $(addprefix --rpc ,$(RPC))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo up test lint slow bench screenshots examples lock clean

help:  ## List what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## Make the virtual environment .venv with what requirements.lock pins

# uv does in seconds what takes pip minutes, but knows nothing of pip's configuration: where that names another package
# index, or where uv cannot, pip does it. Both check every file against the lock, and compile what they install: a
# command imports 1,800 modules, which takes more than twice as long where each has to be compiled first.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2> /dev/null || { \
		echo "error: txhub needs Python 3.11 to 3.13, and $(PYTHON) is not that" >&2; \
		echo "name yours: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "installing into $(VENV), once: seconds by uv, up to two minutes by pip"
	@$(PYTHON) -m venv $(VENV)
	@{ ! $(BIN)/pip config list | grep --quiet '[.]index-url=' && $(INSTALL_UV) && $(UV_PIP) sync --quiet --compile-bytecode \
		--python $(BIN)/python --require-hashes requirements.lock; } || \
		$(PIP) install --require-hashes --no-deps --requirement requirements.lock
	@$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED)  ## Show everything on a simulated network: PORT=8050
	@$(BIN)/txhub demo $(port)

up: $(INSTALLED)  ## Follow real chains: CHAINS=ethereum,base or RPC=ws://…, else those of txhub.toml
	@$(BIN)/txhub up $(chains) $(rpcs) $(port)

test: lint  ## Run the whole test suite, on every core
	$(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist worksteal

lint: $(INSTALLED)  ## Check style and types
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy

slow: $(INSTALLED)  ## Run the long tests: many kills, long faults
	$(BIN)/pytest tests/slow

bench: $(INSTALLED)  ## Measure this machine on recorded blocks, some minutes: BLOCKS=file.jsonl.gz
	$(BIN)/txhub bench all --quick --blocks $(BLOCKS)

screenshots: $(INSTALLED)  ## Take the pictures in docs/images of a running demo: URL=http://127.0.0.1:8050
	$(BIN)/python -m tests.browser.screenshots $(URL)

examples: $(INSTALLED)  ## Record what /schema shows of the API from a running demo: URL=http://127.0.0.1:8050
	$(BIN)/python -m tests.recording $(URL)

lock: $(INSTALLED)  ## Pin anew what pyproject.toml asks for
	$(INSTALL_UV)
	$(UV_PIP) compile --quiet --no-emit-index-url --universal --python-version 3.11 --generate-hashes \
		--extra test --extra ml pyproject.toml --output-file requirements.lock

clean:  ## Remove the virtual environment and caches, never data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache dist build
