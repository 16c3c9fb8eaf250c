# One environment per checkout; a stamp per set of extras, so that nothing is installed twice.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
TRUST := build/trust
# pip, saying how far it is
INSTALL := $(BIN)/python deploy/install.py
# compiles what is compiled on first use, so that nobody waits for it later (half a minute, once)
WARM = @echo 'compiling what is compiled on first use: half a minute, once only'; $(BIN)/python -c 'from serving.predictor import Predictor; Predictor.load("shipped").warm()'

export MLFLOW_DISABLE_TELEMETRY ?= true
export BENTOML_DO_NOT_TRACK ?= true
export RAY_USAGE_STATS_ENABLED ?= 0
export NO_MKDOCS_2_WARNING ?= 1

.PHONY: serve test check lint types imports notebooks docs sbom audit smoke data train evaluate replay clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# only what answers requests: no notebooks, no training, no linters
$(VENV)/.serve: pyproject.toml constraints.txt | $(BIN)/python
	@$(INSTALL) --packages 131 --size '870 MB' -- --constraint constraints.txt --editable '.[serve,registry]'
	$(WARM)
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@$(INSTALL) --packages 265 --size '2.7 GB' -- --constraint constraints.txt --editable '.[dev]'
	$(WARM)
	touch $@ $(VENV)/.serve

# tools that would change elyte's pins, in an environment of their own
$(TRUST)/.done: deploy/requirements-trust.txt
	$(PYTHON) -m venv $(TRUST)
	$(TRUST)/bin/python -m pip install --quiet --disable-pip-version-check --requirement deploy/requirements-trust.txt
	touch $@

serve: $(VENV)/.serve
	$(BIN)/elyte serve --host 127.0.0.1 --port 3000

test: $(VENV)/.dev
	$(BIN)/python -m pytest tests

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check elyte features training serving tests benchmarks deploy notebooks/execute.py

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

# in fresh kernels; fails where one raises or says something else than what is committed (--write refreshes it)
notebooks: $(VENV)/.dev
	$(BIN)/python notebooks/execute.py

smoke: $(VENV)/.dev
	$(BIN)/python benchmarks/house.py --quick --check
	$(BIN)/python benchmarks/featurization.py --quick
	$(BIN)/python benchmarks/reading.py --quick
	$(BIN)/python benchmarks/rest.py --quick
	$(BIN)/python benchmarks/rest_swap.py --quick
	$(BIN)/python benchmarks/rest_faults.py --quick
	$(BIN)/python benchmarks/rest_fuzz.py --quick
	$(BIN)/python benchmarks/rest_soak.py --quick
	$(BIN)/python benchmarks/command_line.py --quick
	$(BIN)/python benchmarks/stability.py --quick
	$(BIN)/python benchmarks/stability_neighbours.py --quick
	$(BIN)/python benchmarks/ccd.py --quick
	$(BIN)/python benchmarks/mechanics.py --quick
	$(BIN)/python benchmarks/structures.py --quick --strict
	$(BIN)/python benchmarks/ledger.py --quick
	$(BIN)/python benchmarks/generation.py --quick
	$(BIN)/python benchmarks/ranking.py --quick
	$(BIN)/python benchmarks/rate.py --quick
	$(BIN)/python benchmarks/retrospective.py --quick
	$(BIN)/python benchmarks/screening.py --what kill --quick
	$(BIN)/python benchmarks/suggestions.py --quick
	$(BIN)/python benchmarks/synthesis.py --what precursors --quick
	$(BIN)/python benchmarks/tune_residual_net.py --quick
	$(BIN)/python benchmarks/conductivity.py --what all --quick
	$(BIN)/python benchmarks/conductivity.py --what gate --quick
	$(BIN)/python benchmarks/conductivity.py --what sample --quick

# the site, in build/docs; fails where a link leads nowhere. `mkdocs serve` shows it while it is written
docs: $(VENV)/.dev
	$(BIN)/mkdocs build --strict --quiet

# what is installed, as a bill of materials (CycloneDX): build/sbom.cdx.json
sbom: $(VENV)/.dev $(TRUST)/.done
	$(TRUST)/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --output-reproducible --output-file build/sbom.cdx.json

# known vulnerabilities of it; says SKIPPED where nobody could be asked, and is not red for that
audit: $(VENV)/.dev $(TRUST)/.done
	$(BIN)/python deploy/audit.py --tool $(TRUST)/bin/pip-audit --site $(VENV)/lib/python*/site-packages

check: lint types imports docs sbom audit test notebooks smoke

data: $(VENV)/.dev
	$(BIN)/elyte data fetch

train: $(VENV)/.dev
	$(BIN)/elyte train all

evaluate: $(VENV)/.dev
	$(BIN)/elyte evaluate conductivity --json
	$(BIN)/elyte evaluate stability --json
	$(BIN)/elyte evaluate ccd --json

# carries out deploy/Containerfile without a container engine, and tries the service that it makes; minutes, as root
replay: $(VENV)/.dev
	$(BIN)/python deploy/replay.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
