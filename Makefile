# Two commands do everything: `make demo` and `make test`. Both install into .venv, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Hundreds of processes are started from this folder: each would compile what it loads.
unexport PYTHONDONTWRITEBYTECODE
# Each process starts servers of its own; much of the time is waiting, so three processes suit two cores.
TEST_PROCESSES ?= 3
# tests/conftest.py says which files go together, and which go first.
AT_ONCE := -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

.PHONY: demo traced-demo test check docs install lock clean wheel pictures model matrix chaos soak tamper safeguards bench
.PHONY: test-long test-no-cache histories fingerprint mutations upgrade
.DEFAULT_GOAL := help

help:
	@echo "make demo    settle trades on an embedded Temporal and Postgres, live"
	@echo "make traced-demo  play the demo before an OTLP receiver, by gRPC and by HTTP, and compare every trace"
	@echo "make test    the tests"
	@echo "make test-long  the tests that make test, and so CI, leaves out for their time"
	@echo "make test-no-cache  the workflows' tests, where every workflow task replays its run"
	@echo "make histories  record the paths through the workflows that have no history yet"
	@echo "make fingerprint  write down the order of the workflows' commands (docs/replay.md says when)"
	@echo "make mutations  change the workflows as people do, and see who notices, into docs/replay.md"
	@echo "make check   format, lint, types, import rules"
	@echo "make model   the protocol state by state, then random programs on real ledgers"
	@echo "make matrix  every step times every fault, into docs/crash-matrix.md"
	@echo "make chaos   thousands of settlements while everything is killed"
	@echo "make soak    20,000 settlements in one run, and what each process holds meanwhile"
	@echo "make tamper  alter everything that is sealed, as a superuser, into docs/tamper.md"
	@echo "make safeguards  take out each safeguard in turn, into docs/safeguards.md"
	@echo "make upgrade  bring a new build in under load by the recipe's commands, into docs/upgrade-runs.md"
	@echo "make bench   measure settlements beside what else could carry them out, into docs/benchmarks.md"
	@echo "make docs    write the table of settings in docs/deploy.md and docs/proof.schema.json anew"
	@echo "make pictures  photograph trades in the Web UI, and the audit page, into docs/img (needs Chromium)"
	@echo "make lock    resolve requirements.txt anew"

install: $(VENV)/.installed

$(VENV)/.installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q interlock
	@touch $@

demo: install
	$(BIN)/interlock demo $(DEMO_FLAGS)

# docs/tracing.md says what is compared. PROTOCOLS=grpc or PROTOCOLS=http/protobuf plays it once.
traced-demo: install
	$(BIN)/python -m tests.audit.traced_demo $(PROTOCOLS)

test: install
	$(BIN)/python -m pytest $(AT_ONCE) $(TEST_FLAGS)

# What `make test` leaves out for its time: upgrades under load and moves, harmless mutations, some stages of a recovery.
test-long: install
	$(BIN)/python -m pytest -m long $(AT_ONCE) $(TEST_FLAGS)

# Every workflow task replays its run: the workers of these tests keep none in memory.
test-no-cache: install
	$(BIN)/python -m pytest tests/workflows --cached-workflows 0 $(TEST_FLAGS)

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# docs/protocol-model.md; `--weaken NAME` shows what a rule is for. MACHINE_EXAMPLES, MACHINE_STEPS and MACHINE_SEED say
# how many programs are tried on the ledgers, how long they are, and which.
model: install
	$(BIN)/python -m tests.protocol_model
	MACHINE_EXAMPLES=$${MACHINE_EXAMPLES:-500} $(BIN)/python -m pytest -s tests/ledgers/machine

# Goes on where it was interrupted; MATRIX_FLAGS=--fresh begins anew.
matrix: install
	$(BIN)/python -m tests.matrix $(MATRIX_FLAGS)

# CHAOS_SETTLEMENTS (3000), CHAOS_SECONDS (600: over how long they are started, at least), CHAOS_SEED (1).
chaos: install
	$(BIN)/python -m tests.chaos $(CHAOS_FLAGS)

# SOAK_SETTLEMENTS (20000), SOAK_AT_ONCE (40).
soak: install
	$(BIN)/python -m tests.chaos.soak

# docs/tamper.md. TAMPER_RANDOM (1000): how many alterations at random; TAMPER_SEED (1).
tamper: install
	$(BIN)/python -m tests.audit.tamper $${TAMPER_RANDOM:-1000} $${TAMPER_SEED:-1}

# The paths through the workflows that today's version has no history of; what stands is never written again.
histories: install
	$(BIN)/python -m tests.histories $(HISTORIES_FLAGS)

# The workflows' order of commands, as docs/replay.md has it; first read there when it may change.
fingerprint: install
	$(BIN)/python -m tests.fingerprint --write

# Goes on where it was interrupted; MUTATIONS_FLAGS=--fresh begins anew.
mutations: install
	$(BIN)/python -m tests.mutations.taking_over $(filter --fresh,$(MUTATIONS_FLAGS))
	$(BIN)/python -m tests.mutations $(MUTATIONS_FLAGS)

safeguards: install
	$(BIN)/python -m tests.safeguards $(SAFEGUARDS_FLAGS)

# UPGRADE_WAITING (200), UPGRADE_PER_SECOND (4), UPGRADE_AT_ONCE (12), UPGRADE_A_STEP (60: how many settle before the next step).
upgrade: install
	$(BIN)/python -m tests.upgrade

# Goes on where it was interrupted; BENCH_FLAGS=--fresh begins anew, BENCH_FLAGS=engine measures that part only.
# bench/sizes.py has the BENCH_* variables.
bench: $(VENV)/.bench
	$(BIN)/python -m bench $(BENCH_FLAGS)

$(VENV)/.bench: $(VENV)/.installed requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@

docs: install
	$(BIN)/python -m interlock.stack.settings_table
	$(BIN)/python -m interlock.proof.schema

# Needs Chromium (Debian: apt-get install chromium); docs/web-ui.md shows them.
pictures: install
	$(BIN)/python -m tests.pictures.take

wheel: install
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

# Needs uv; everything else here needs only Python, git and make.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --extra dev pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --constraint requirements.txt pyproject.toml -o requirements-client.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --constraint requirements.txt --extra server pyproject.toml \
	  -o requirements-server.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --constraint requirements.txt --extra bench pyproject.toml \
	  -o requirements-bench.txt

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache
