# The two commands of the README: `make reproduce` and `make test`. Nothing is needed before them
# but Python >= 3.11 and make.
#
#   PYTHON       the interpreter the environment is made from
#   TORCH_INDEX  a further package index, such as PyTorch's CPU builds (gigabytes less on Linux)
#   ARGS         further arguments: make reproduce ARGS="--seed 7"

PYTHON ?= python3
TORCH_INDEX ?=
ARGS ?=

BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

.PHONY: setup reproduce readme slides test test-lowest test-newest test-long test-gpu gpu-day mutants calibrate bench lint clean

setup: .venv/dev.stamp

reproduce: .venv/core.stamp
	$(BIN)/adasam reproduce $(ARGS)

# Puts the verdict table and the figures of a fresh reproduction into the README: four in its text,
# five in its gallery.
README_FIGURES := corollary1 bound_vs_measured linear_speedup tightness \
	printed_scaling regime_map no_max rho_floor methods

readme: reproduce
	mkdir -p .readme
	cp $(README_FIGURES:%=results/figures/%.png) .readme/
	sed -i -e '/<!-- verdicts -->/,/<!-- end of verdicts -->/{//!d}' \
		-e '/<!-- verdicts -->/r results/verdicts.md' README.md

# The figures of results/ in large type, 16:9.
slides: .venv/core.stamp
	$(BIN)/adasam figures --style slides $(ARGS)

test: .venv/test.stamp
	$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

# The suite in an environment of its own: with the lowest versions that pyproject.toml allows, or with
# the newest. On Linux both take PyTorch's build with CUDA, some gigabytes, unless TORCH_INDEX names
# another index.
test-lowest: RESOLUTION = lowest-direct
test-lowest: EXTRAS = test
test-newest: RESOLUTION = highest
test-newest: EXTRAS = test,gpu
test-lowest test-newest: test-%: .venv/test.stamp
	$(PIP_INSTALL) uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-$*
	$(BIN)/uv pip install --quiet --python .venv-$*/bin/python --resolution $(RESOLUTION) \
		$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -e ".[$(EXTRAS)]"
	.venv-$*/bin/python -m pytest -n auto --dist loadgroup $(ARGS)

# What the suite takes a sample of, in full: every error planted in the proofs.
test-long: .venv/test.stamp
	$(BIN)/python -m pytest -m long -s -n0 $(ARGS)

# Plants the errors listed in tests/mutants/, one at a time, in a copy of the tree, and says which of
# them the tests notice: some 30 minutes; ARGS="figures report" takes those areas alone.
mutants: .venv/test.stamp
	$(BIN)/python tests/mutants/run.py $(ARGS)

# On a machine with an NVIDIA GPU; prints what it ran on.
test-gpu: .venv/test.stamp
	$(BIN)/python -m pytest -m gpu -s -n0 tests/simulators/test_gpu_device.py $(ARGS)

# Everything that a quarter of an hour on a GPU machine can settle, step by step; it installs nothing
# and takes the environment if there is one, else python3. ARGS=--dry tries the script on a CPU.
GPU_PYTHON = $(if $(wildcard $(BIN)/python),$(BIN)/python,python3)
gpu-day:
	$(GPU_PYTHON) tests/gpu_day/run.py $(ARGS)

# How often intervals hold the truth and verdicts are right: some 25 minutes; ARGS="--quick" takes
# one or two, ARGS="--resume" goes on after Ctrl-C. The next `make reproduce` reports it.
calibrate: .venv/core.stamp
	$(BIN)/adasam calibrate $(ARGS)

# How fast the engines are, beside NumPy, torch.optim and JAX.
bench: .venv/core.stamp
	$(PIP_INSTALL) -e ".[peers]"
	$(BIN)/adasam bench --out results/bench $(ARGS)

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

clean:
	rm -rf .venv .venv-lowest .venv-newest results

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/core.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP_INSTALL) -e .
	@touch $@

.venv/test.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP_INSTALL) -e ".[test,gpu]"
	@touch $@ .venv/core.stamp

.venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP_INSTALL) -e ".[dev]"
	@touch $@ .venv/core.stamp .venv/test.stamp
