# `make` alone explains itself. Everything lives in this folder: .venv and .venv-emulator hold the packages,
# .local the data of the local run, build what is built.

PYTHON ?= python3
PORT ?= 8000
SEEDS ?= 10000
KILLS ?= 20
FUZZ ?= 100000
VENV := .venv/bin
# What pytest compiles is kept, also where PYTHONDONTWRITEBYTECODE is set: each worker and server would do it anew.
PY := PYTHONDONTWRITEBYTECODE= $(VENV)/python
# A file's tests stay in one process: some follow each other, and what a module sets up is dear (tests/workers.py).
PYTEST := $(PY) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder
FAST := -m "not emulator and not package and not browser"

.DEFAULT_GOAL := help
.PHONY: help checked run setup reset test check lint bench campaign screenshots texts isolation package deploy rollback releases remove cli smoke lock vendor

help:  ## Show this list
	@awk 'BEGIN {FS = ":.*## "; print "make <target>; the first run sets everything up\n"} \
	     /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\n  PORT=9000 moves the three ports of `make run`; PYTHON=python3.11 picks the Python.\n'

run:  ## Start Countersign on this machine and print its address (Ctrl-C stops it)
	@$(PYTHON) infra/local/bootstrap.py run
	@exec $(VENV)/python -m infra.local.run --port $(PORT)

reset:  ## Forget the data of the local run; the next start seeds it anew
	@if [ -x $(VENV)/python ]; then $(VENV)/python -m infra.local.run --reset; else rm -rf .local; fi

setup:
	@$(PYTHON) infra/local/bootstrap.py dev

test: setup  ## Run the fast tests: no browser, no emulator
	$(PYTEST) $(FAST)

lint: setup  ## Check style, types and the floors
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(VENV)/lint-imports --no-logo
	$(VENV)/python -m infra.vendor --check

# What starts servers of its own runs one after the other: ports are promised, but starts have limits of time.
check: lint  ## Run all that CI runs: lint and every test, none skipped
	CI=true $(PYTEST) $(FAST)
	CI=true $(PY) -m pytest -q -m "emulator or package or browser"

# All three are measured, also after one that is above a limit; then it fails.
bench: setup  ## Measure rules, hints, send path and cold starts (a few minutes, an idle machine)
	@failed=0; for part in compliance send_path cold_start; do \
	  echo; $(VENV)/python -m tests.bench.$$part || failed=1; done; exit $$failed

campaign: setup  ## Run the test campaigns at full size, which takes hours (SEEDS=10000 KILLS=20 FUZZ=100000)
	$(VENV)/python -m tests.sending.full --seeds $(SEEDS)
	$(VENV)/python -m tests.sending.kills --full --repeats $(KILLS)
	COUNTERSIGN_FUZZ=$(FUZZ) $(PYTEST) tests/rendering/test_locked.py tests/rendering/test_fill.py tests/web/test_fuzzed_fills.py

screenshots: setup  ## Take the README's pictures anew from the journey in the browser
	$(PY) -m pytest -q tests/browser/test_journey.py -m browser
	@$(VENV)/python -m infra.screenshots

texts: setup  ## Bring the translations up to date with the sentences, and list what is not translated
	@$(VENV)/python -m infra.texts

isolation: setup  ## Judge every call of a whole campaign by the deployed policies, write docs/isolation.md
	@$(VENV)/python -m tests.isolation.report

package: setup  ## Build the deployable zip and its CloudFormation template in build/
	@$(VENV)/python -m infra.package

# What is wrong with a stage's file, or with who is signed in, is told before a minute is spent on building.
checked: setup
	@$(VENV)/python -m infra.deploy check "$(STAGE)"

deploy: checked package  ## Bring STAGE=... to AWS: shows the changes and asks (docs/deploy.md)
	@$(VENV)/python -m infra.deploy deploy "$(STAGE)" $(if $(YES),--yes)

rollback: setup  ## Bring STAGE=... back to RELEASE=... (make releases STAGE=... lists them)
	@$(VENV)/python -m infra.deploy rollback "$(STAGE)" --release "$(RELEASE)" $(if $(YES),--yes)

releases: setup  ## List the releases that STAGE=... can go back to
	@$(VENV)/python -m infra.deploy releases "$(STAGE)"

remove: setup  ## Remove STAGE=...; its data stay, unless DATA=destroy and its whole name is typed
	@$(VENV)/python -m infra.deploy remove "$(STAGE)" --data "$(DATA)"

cli: setup  ## Run a command for STAGE=..., such as RUN="admin add you@example.com"
	@$(VENV)/python -m infra.deploy cli "$(STAGE)" $(RUN)

smoke: setup  ## Try the deployed STAGE=... with real AWS (skips with a sentence where there is no account)
	@$(VENV)/python -m infra.smoke "$(STAGE)"

lock: setup  ## Resolve the lock files anew from the .in files (UPGRADE=1 takes newer versions)
	@$(VENV)/python infra/lock.py $(if $(UPGRADE),--upgrade)

vendor: setup  ## Make the files of others in web/static anew from their pinned packages (needs Node and npm)
	@$(VENV)/python -m infra.vendor
