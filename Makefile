# What people and CI run. Needs Python 3.11 or newer, make and a C compiler; everything else is installed into .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
TESTERS ?= 2  # processes that share the tests, file by file; each computes in one thread: they would wait for each other

# Of the perceptual loss.
FEATURES ?= --features vgg16
QUALITY := niqe loe psnr ssim_rgb
METRICS := $(QUALITY) colourfulness mean_brightness clipped_dark clipped_bright dark_noise
SETS := dicm lime lol_eval15
HELD_OUT := sice/examples sice/inputs amos_night/test
UNTRAINED = $$($(BIN)/python -c "from methods import METHODS; \
    print(*(f'--method {name}' for name in METHODS if not METHODS.card(name).learned))")
SHIPPED := $(foreach name,enlightengan zero_dce,--checkpoint $(name)=weights/$(name).safetensors) \
    $(foreach form,guided natural,--checkpoint enlightengan_$(form)=weights/enlightengan_guided.safetensors)
PARTS := runs/scores.csv runs/held_out.csv

.PHONY: install demo test lint typecheck speed weights rivals results ablations texture confirmation scores clean

install: $(STAMP)

# uv is bootstrapped with pip and must run in this folder: the overrides in pyproject.toml are read from here. Compiled
# now, for importing torch takes twice as long where Python may not keep what it compiles.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "uv>=0.5"
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python \
	    --constraint constraints.txt --editable ".[dev]"
	touch $@

demo: install
	$(BIN)/bench demo

test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TESTERS) --dist loadfile

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: install
	$(BIN)/mypy

speed: install
	$(BIN)/python benchmarks/train_step.py

# The shipped weights from nothing, by the commands that made the committed ones, in parts. Of the guided forms: the
# first three trainings of EnlightenGAN, four and a half hours, and the first refinement, on two cores with AVX2; the
# next four, three hours and forty minutes, on two that compute in bfloat16; the other refinements, four and a quarter
# hours, on one such core, without SICE's well-exposed photographs, whose darker exposures measured them, by the code
# of commits 48288a579fbd, b29c0d002fb7 (small copies taught the first look alone, by the brighter half of the
# photographs), 04bd61651e33 (all looks, by all but the darkest quarter), bfd3ff4 and e43d4518dec3 (a twelfth of them
# kept their light) and 41db4c5d75f3, all from before crops of well-exposed photographs lost light as small copies do.
# Of full size, nine and a half hours of one such core: by commits a82a5748c1ca (fine) and f8fb8abeeda5 (sharp; four of five
# well-exposed crops lost light then), 364664b (grain, weave: stopped after 37 minutes) and 3c17cacce691 (hush, still),
# all from before what is wanted had no noise, 2141a3553e8d (calm, clear: stopped after 44 minutes), 6bb69ff746cd (pure,
# plain), 83c55e128bcc (sure), 568e90b (told: stopped after 35 minutes; its keys had the noise of crops) and 3fb23e9
# (knows). Zero-DCE's: an hour of one core. The fourth refinement, hush, still, pure, plain and knows began from the
# looks themselves, not from their half precision. Which of them ship benchmarks/choose_weights.py chose
# (results/weights.json, results/README.md). BENCH_DATA says where the photographs are; the committed ones were made with
# FEATURES="--features vgg19-distilled --feature-weights FILE" and, as steps differ with the machine, HALF=whole@1617,
# GRAIN=grain@2347, WEAVE=weave@2336, CALM=calm@1804, CLEAR=clear@1791, TOLD=told@1217 and LOOKS="--mean-with
# seventh@2298 --mean-with seventh@2598 --mean-with seventh@2951": the last three but the end.
HALF ?= whole
GRAIN ?= grain
WEAVE ?= weave
CALM ?= calm
CLEAR ?= clear
TOLD ?= told
PLAIN := --low sice --low enlightengan_crops --normal bsds500 --normal enlightengan_crops
LARGE := $(PLAIN) --crop 256 --batch-size 2
CROPS := $(LARGE) --looks 0 --smallest-scale 0.7
FOR_DARK := $(CROPS) --bright-inputs 0.15
TOLD_KEY := $(FOR_DARK) --key --structure 3 --noise 3 --statistics 0.5 --teacher weights/enlightengan_guided.safetensors
weights: install
	$(BIN)/bench data overlap
	$(BIN)/bench train enlightengan --minutes 58 --name first $(FEATURES)
	$(BIN)/bench publish first --out runs/first --force
	$(BIN)/bench train enlightengan --minutes 106 --learning-rate 3e-4 --name second $(FEATURES) \
	    --init-from runs/first/enlightengan.safetensors
	$(BIN)/bench train enlightengan --minutes 105 --learning-rate 2e-4 --smallest-scale 0.35 --name third $(FEATURES) \
	    --init-from second
	$(BIN)/bench publish third --mean-with second --out runs/third --force
	$(BIN)/bench train enlightengan --minutes 48 --batch-size 8 --crop 160 --learning-rate 3e-4 --smallest-scale 0.5 \
	    --name fourth $(FEATURES) --init-from runs/third/enlightengan.safetensors
	$(BIN)/bench train enlightengan --minutes 28 --batch-size 8 --crop 160 --learning-rate 2e-4 --smallest-scale 0.5 \
	    --batch-norm frozen --name fifth $(FEATURES) --init-from fourth
	$(BIN)/bench train enlightengan --minutes 85 --crop 224 --batch-norm frozen --name sixth $(FEATURES) --init-from fifth
	$(BIN)/bench train enlightengan --minutes 58 --crop 224 --batch-norm frozen --bright-inputs 0.15 --snapshots \
	    --name seventh $(FEATURES) --init-from sixth
	$(BIN)/bench publish seventh $(LOOKS) --out runs/seventh --force
	$(BIN)/bench train refine --minutes 70 --teacher-sees crop --looks 0 --snapshots --name refined \
	    --init-from runs/seventh/enlightengan.safetensors
	$(BIN)/bench publish refined --out runs/refined --force
	$(BIN)/bench train refine --minutes 45 --teacher-sees crop --snapshots --name looked $(PLAIN) \
	    --init-from runs/refined/enlightengan.safetensors
	$(BIN)/bench publish looked --out runs/looked --force
	$(BIN)/bench train refine --minutes 65 --crop 160 --snapshots --name whole $(PLAIN) \
	    --init-from runs/looked/enlightengan.safetensors
	$(BIN)/bench publish $(HALF) --out runs/half --force
	$(BIN)/bench train refine --minutes 38 --crop 144 --bright-inputs 0.15 --seed 1 --snapshots --name scene $(PLAIN) \
	    --init-from runs/half/enlightengan.safetensors
	$(BIN)/bench publish scene --mean-with whole --out runs/scene --force
	$(BIN)/bench train refine --minutes 15 --bright-inputs 0.15 --name dim $(PLAIN) \
	    --init-from runs/scene/enlightengan.safetensors
	$(BIN)/bench train refine --minutes 15 --bright-inputs 0.15 --seed 1 --name light $(PLAIN) \
	    --init-from runs/scene/enlightengan.safetensors
	$(BIN)/bench publish light --mean-with dim --out runs/light --force
	$(BIN)/bench train refine --minutes 62 --crop 160 --name wide $(PLAIN) \
	    --init-from runs/light/enlightengan.safetensors
	$(BIN)/bench train refine --minutes 14 --crop 144 --seed 1 --name bright $(PLAIN) \
	    --init-from runs/light/enlightengan.safetensors
	$(BIN)/bench train zero_dce --minutes 40 --name dark
	$(BIN)/bench publish dark --out runs/dark --force
	$(BIN)/bench train zero_dce --low sice/exposures --low enlightengan_crops --minutes 15 --name all \
	    --init-from runs/dark/zero_dce.safetensors
	$(BIN)/bench publish bright --mean-with wide --guided --force
	$(BIN)/bench train refine --minutes 60 $(LARGE) --looks 1 --keeps 1 --structure 4 --bright-inputs 0.4 --seed 1 \
	    --name fine --init-from weights/enlightengan_guided.safetensors
	$(BIN)/bench train refine --minutes 47 $(LARGE) --looks 1 --keeps 1 --structure 4 --bright-inputs 0.5 --noise 0.5 \
	    --name sharp --init-from weights/enlightengan_guided.safetensors
	$(BIN)/bench publish sharp --mean-with fine --out runs/both --force
	$(BIN)/bench train refine --minutes 60 $(FOR_DARK) --structure 1 --noise 1 --statistics 0.3 --snapshots \
	    --name grain --init-from runs/both/enlightengan.safetensors
	$(BIN)/bench publish $(GRAIN) --out runs/grain --force
	$(BIN)/bench train refine --minutes 60 $(FOR_DARK) --structure 1 --noise 1 --statistics 1.5 --seed 1 --snapshots \
	    --name weave --init-from runs/both/enlightengan.safetensors
	$(BIN)/bench publish $(WEAVE) --out runs/weave --force
	$(BIN)/bench train refine --minutes 42 $(FOR_DARK) --structure 2 --noise 3 --statistics 0.3 --seed 2 --name hush \
	    --init-from runs/grain/enlightengan.safetensors
	$(BIN)/bench train refine --minutes 42 $(FOR_DARK) --structure 2 --noise 2 --statistics 1 --seed 3 --name still \
	    --init-from runs/weave/enlightengan.safetensors
	$(BIN)/bench publish still --mean-with hush --out runs/pair --force
	$(BIN)/bench train refine --minutes 85 $(CROPS) --bright-inputs 0.35 --structure 2 --noise 3 --statistics 0.3 --seed 4 \
	    --snapshots --name calm --init-from runs/pair/enlightengan.safetensors
	$(BIN)/bench train refine --minutes 85 $(CROPS) --bright-inputs 0.35 --structure 2 --noise 3 --statistics 0.8 --seed 5 \
	    --snapshots --name clear --init-from runs/pair/enlightengan.safetensors
	$(BIN)/bench publish $(CALM) --mean-with $(CLEAR) --out runs/rough --force
	$(BIN)/bench train refine --minutes 26 $(FOR_DARK) --structure 3 --noise 3 --statistics 0.5 --seed 8 --name pure \
	    --init-from runs/rough/enlightengan.safetensors
	$(BIN)/bench train refine --minutes 26 $(FOR_DARK) --structure 2 --noise 3 --statistics 1 --seed 9 --name plain \
	    --init-from runs/rough/enlightengan.safetensors
	$(BIN)/bench publish plain --mean-with pure --out runs/quiet --force
	$(BIN)/bench train refine --minutes 82 $(FOR_DARK) --structure 3 --noise 3 --statistics 0.5 --seed 11 --name sure \
	    --init-from runs/quiet/enlightengan.safetensors --teacher weights/enlightengan_guided.safetensors
	$(BIN)/bench publish sure --out runs/sure --force
	$(BIN)/bench train refine --minutes 70 $(TOLD_KEY) --seed 16 --snapshots --name told \
	    --init-from runs/sure/enlightengan.safetensors
	$(BIN)/bench train refine --minutes 55 $(TOLD_KEY) --seed 18 --name knows --init-from $(TOLD)
	$(BIN)/bench publish knows --force
	$(BIN)/bench publish all --force

# What RESULTS.md has beside the shipped weights: the two-path rival, and the adaptation to another domain. The
# committed ones had one core each.
rivals: install
	$(BIN)/bench train cyclegan --minutes 70 --crop 64 --smallest-scale 0.5 --precision float32
	$(BIN)/bench adapt --low amos_night/train --hold-out 0.3 --minutes 10 --precision float32 $(FEATURES) \
	    --init-from weights/enlightengan_guided.safetensors

# RESULTS.md, README.md's table and picture, and the scores in the cards of the weights, by the weights that are here, the
# rivals' too where `make rivals` trained them; with nothing beside it, for times are measured. Six minutes on two cores
# with AVX-512, where the scores that come with the project count.
results: install
	$(BIN)/bench evaluate --workers 2 $(SETS:%=--dataset %) $(METRICS:%=--metric %) $(SHIPPED)
	$(BIN)/bench speed --size 600x400
	$(BIN)/bench reproduce --workers 2 --checkpoint enlightengan=weights/enlightengan.safetensors
	$(BIN)/bench report $(SETS:%=--dataset %)
	cp runs/report/results.md RESULTS.md
	$(BIN)/python benchmarks/readme_table.py
	$(BIN)/python docs/picture.py
	$(BIN)/bench publish weights/enlightengan.safetensors
	$(BIN)/bench publish weights/enlightengan_guided.safetensors
	$(BIN)/bench publish weights/zero_dce.safetensors

# results/ablations.md: what each part is worth at 300 steps, sixteen trainings of two hours and twenty minutes in all on a
# core with AVX-512, three times that on one with AVX2. A store of its own, as below; the committed file has two sections of
# such a report.
ablations: install
	$(BIN)/bench train ablations --seeds 4 --max-steps 300 --smallest-scale 0.6 --bright-inputs 0.1 $(FEATURES) \
	    --dataset lime --dataset lol_eval15 --metric niqe --metric psnr --metric ssim_rgb \
	    --tracking-uri sqlite:///runs/ablations.db
	$(BIN)/bench report --out runs/ablations --tracking-uri sqlite:///runs/ablations.db
	cp runs/ablations/results.md results/ablations.md

# results/choice.json: which texture the guided form gets, by the rule of benchmarks/choose_texture.py; half an hour, or
# five minutes with AVX-512.
texture: install
	mkdir -p runs
	$(BIN)/python benchmarks/choose_texture.py > runs/choice.json
	mv runs/choice.json results/choice.json

# results/confirmation.md: whether the test sets' verdict on the shipped weights holds on
# photographs that had no part in it (results/README.md). The runs of the comparison stay out of it: it has a store of its
# own. Six to eleven minutes on two cores with AVX-512, where the scores that come with the project count.
confirmation: install
	$(BIN)/bench evaluate --device cpu --workers 2 $(HELD_OUT:%=--dataset %) $(QUALITY:%=--metric %) $(UNTRAINED) \
	    $(SHIPPED) --tracking-uri sqlite:///runs/confirmation.db
	$(BIN)/bench report --out runs/confirmation --tracking-uri sqlite:///runs/confirmation.db
	cp runs/confirmation/results.md results/confirmation.md
	$(BIN)/python benchmarks/readme_table.py

# The scores that come with the project, of every method that needs no training; what has not changed is taken from the
# file itself, the rest computed on the CPU: about two hours on two cores for all.
scores: install
	$(BIN)/bench evaluate --device cpu --workers 2 $(SETS:%=--dataset %) $(METRICS:%=--metric %) $(UNTRAINED) \
	    --csv $(word 1,$(PARTS))
	$(BIN)/bench evaluate --device cpu --workers 2 $(HELD_OUT:%=--dataset %) $(QUALITY:%=--metric %) $(UNTRAINED) \
	    --csv $(word 2,$(PARTS))
	$(BIN)/python -c "import pandas, pathlib, bench.scores as s; tables = map(pathlib.Path, ('$(PARTS)').split()); \
	    s.write_csv(pandas.concat(map(s.read_scores, tables)).assign(seconds=float('nan')), \
	    pathlib.Path('results/scores.csv.gz'))"

clean:
	rm -rf $(VENV) build *.egg-info
