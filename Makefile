# Everything lives in .venv. Targets: install, run, test, soak, worlds, bench, bench-voice, bench-console, lock, vendor, pictures.
# PYTHON=python3.12 chooses the interpreter a new .venv is made with; EXTRAS= leaves out what calls need.

.DEFAULT_GOAL := help
.PHONY: help install run test soak worlds bench bench-voice bench-console lock vendor pictures
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.9
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header --no-annotate --override locks/overrides.in
EXTRAS := voice speech
WITH := $(firstword $(filter speech,$(EXTRAS)) $(filter voice,$(EXTRAS)) run)
JUDGES := .venv/judges
NPM := tests/conformance/npm

help:
	@echo "make install   what the server needs, into .venv: with voice and speech; EXTRAS=voice or EXTRAS= for less"
	@echo "make run       install, then start the server"
	@echo "make test      lint, types and the whole test suite"
	@echo "make soak      generated requests for SOAK_S seconds (600); 50 x KILLS (200) texts while all is killed; each time others"
	@echo "make worlds    run N worlds (300) on virtual time over the cores, from FIRST on; or the world SEED again"
	@echo "make bench     measure; not part of the tests"
	@echo "make bench-voice   measure calls, PARTS of them or all; not part of the tests"
	@echo "make bench-console   measure the console in a real Chromium, PARTS of it or all; not part of the tests"
	@echo "make pictures  draw docs/pictures/console/ anew, with the machine's Chromium"
	@echo "make vendor    fetch what others wrote for the console, from npm (maintainers)"
	@echo "make lock      renew locks/ after a change of dependencies (UPGRADE=--upgrade: to the newest)"

install: .venv/installed-$(WITH)
	@:

run: .venv/installed-$(WITH)
	@exec $(BIN)/ringback serve

test: .venv/installed-dev $(JUDGES)/installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/pytest -n 3 $(ARGS)

soak: .venv/installed-dev
	@RINGBACK_TEST_SOAK_S=$(or $(SOAK_S),600) RINGBACK_TEST_SOAK_KILLS=$(or $(KILLS),200) $(BIN)/pytest -n 2 -rP \
		tests/fuzz/test_schemathesis.py tests/faults/test_kill.py $(ARGS)

worlds: .venv/installed-dev
	@PYTHONPATH=. $(BIN)/python -m tests.worlds $(if $(SEED),$(SEED) $(if $(STEPS),--steps $(STEPS)),--count $(or $(N),300) --first $(or $(FIRST),0)) $(ARGS)

bench: .venv/installed-dev
	@$(BIN)/python -m bench $(ARGS)

bench-voice: .venv/installed-dev
	@$(BIN)/python -m bench.voice $(PARTS) $(ARGS)

bench-console: .venv/installed-dev
	@PYTHONPATH=. $(BIN)/python -m bench.console $(PARTS) $(ARGS)

pictures: .venv/installed-dev
	@PYTHONPATH=. $(BIN)/python -m tests.pictures $(ARGS)

vendor: .venv/installed-dev
	@PYTHONPATH=. $(BIN)/python -m tests.console.vendoring

lock: $(UV)
	@echo 'uv==$(UV_VERSION)' | $(LOCK) $(UPGRADE) - -o locks/uv.txt
	@$(LOCK) $(UPGRADE) pyproject.toml --extra postgres -o locks/run.txt
	@$(LOCK) $(UPGRADE) pyproject.toml --extra postgres --extra voice -c locks/run.txt -o locks/voice.txt
	@$(LOCK) $(UPGRADE) pyproject.toml --extra postgres --extra voice --extra speech -c locks/voice.txt -o locks/speech.txt
	@$(LOCK) $(UPGRADE) pyproject.toml --extra postgres --extra voice --extra speech --group dev -c locks/speech.txt -o locks/dev.txt
	@$(LOCK) $(UPGRADE) --group judges -o locks/judges.txt

# The interpreter must be 3.11 or newer and able to make a virtual environment.
.venv/bin/python:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making .venv with $$($$python --version)"; exec $$python -m venv --clear .venv; \
		fi; \
		$(if $(PYTHON),break;) \
	done; \
	echo "$(or $(PYTHON),Python) will not do: install Python 3.11 or newer with its venv module" \
		"(Debian and Ubuntu: apt install python3-venv), or name one with PYTHON=/path/to/python3.12" >&2; exit 2

$(UV): locks/uv.txt | .venv/bin/python
	@$(PIP) install --require-hashes -r locks/uv.txt
	@touch $@

# The tests' lock holds all that running needs in the same versions: once it is installed it stays.
.venv/installed-run .venv/installed-voice .venv/installed-speech: .venv/installed-%: locks/%.txt pyproject.toml $(UV)
	@if [ -e .venv/installed-dev ]; then $(MAKE) .venv/installed-dev && touch $@; exit; fi; \
	$(told-$*) $(call put,install --no-deps -r,$*,$(if $(filter run,$*),--quiet)) || { \
		echo "$(or $(hint-$*),see above)" >&2; exit 2; }
	@touch $@

.venv/installed-dev: locks/dev.txt pyproject.toml $(UV)
	@$(call put,sync,dev,--quiet)
	@touch $@

told-voice = echo "Calls: pipecat and what it needs, about 260 MB. make run EXTRAS= leaves it out.";
told-speech = echo "Calls and speech: about 490 MB, among it Piper (piper-tts), which is under the GPL, version 3 or later,"; \
	echo "and runs in a process of its own. make run EXTRAS=voice leaves speech out, make run EXTRAS= both.";
hint-voice = These packages can't be installed here. Without calls: make run EXTRAS=
hint-speech = These packages can't be installed here. Without speech: make run EXTRAS=voice, without calls: make run EXTRAS=

# The vendor's other clients hold older versions of what we use, so they live apart: an environment and node's modules.
$(JUDGES)/installed: locks/judges.txt $(NPM)/package.json $(NPM)/package-lock.json $(UV)
	@echo "Installing locks/judges.txt and $(NPM)/package-lock.json"
	@test -x $(JUDGES)/bin/python || $(UV) venv --quiet --python $(BIN)/python $(JUDGES)
	@$(UV) pip sync --quiet --require-hashes --python $(JUDGES)/bin/python locks/judges.txt
	@mkdir -p $(JUDGES)/npm && cp $(NPM)/package.json $(NPM)/package-lock.json $(JUDGES)/npm
	@$(JUDGES)/bin/npm ci --prefix $(JUDGES)/npm --ignore-scripts --no-audit --no-fund --no-update-notifier --prefer-offline --silent
	@touch $@

# To run, nothing that was installed beside is taken away; the tests' environment holds exactly its lock.
define put
echo "Installing locks/$(2).txt"; \
$(UV) pip $(1) locks/$(2).txt $(3) --require-hashes --compile-bytecode && \
$(UV) pip install --quiet --no-deps --editable .
endef
