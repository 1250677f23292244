# What people and CI run. Needs Python 3.11 or newer, make and a C compiler; everything else is installed into .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
TESTERS ?= 2  # processes that share the tests, file by file

FEATURES ?= --features vgg16  # of the perceptual loss
METRICS := niqe loe colourfulness mean_brightness clipped_dark clipped_bright dark_noise psnr ssim_rgb
SETS := dicm lime lol_eval15

.PHONY: install demo test lint typecheck speed results clean

install: $(STAMP)

# uv is bootstrapped with pip and must run in this folder: the overrides in pyproject.toml are read from here.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "uv>=0.5"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable ".[dev]"
	touch $@

demo: install
	$(BIN)/bench demo

test: install
	$(BIN)/python -m pytest -n $(TESTERS) --dist loadfile

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: install
	$(BIN)/mypy

speed: install
	$(BIN)/python benchmarks/train_step.py

# RESULTS.md and the shipped weights from nothing: about four hours on two cores. BENCH_DATA says where the photographs
# are; FEATURES="--features vgg19-distilled --feature-weights FILE" is what the committed ones were made with.
results: install
	$(BIN)/bench data overlap
	$(BIN)/bench train enlightengan --minutes 58 --name "shipped weights" $(FEATURES)
	$(BIN)/bench train ablations --seeds 2 --learning-rate 3e-4 --max-steps 80 $(FEATURES) \
	    --dataset lime --dataset lol_eval15 --metric niqe --metric psnr --metric ssim_rgb
	$(BIN)/bench train cyclegan --minutes 4
	$(BIN)/bench train zero_dce --minutes 5
	$(BIN)/bench adapt --low amos_night/train --minutes 8 $(FEATURES)
	$(BIN)/bench adapt --low amos_night/train --minutes 8 $(FEATURES) --init-from weights/enlightengan.safetensors
	$(BIN)/bench evaluate --workers 2 $(SETS:%=--dataset %) $(METRICS:%=--metric %)
	$(BIN)/bench speed --size 600x400
	$(BIN)/bench reproduce --workers 2
	$(BIN)/bench report
	cp runs/report/results.md RESULTS.md

clean:
	rm -rf $(VENV) build *.egg-info
