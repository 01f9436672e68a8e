# make fig3   sets everything up and renders figures/fig3.pdf (fig1, fig2, fig4 and all likewise)
# make report writes results/quick/report.html from the results that there are (PRESET=paper: that of `paper`)
# make test   sets everything up and runs the quick checks: lint, theory, contracts, the pipeline on its tiny preset
# make test-all   the same and the slow ones: evidence, kills, clones, remotes, other processors
# make test-machines   compares with a processor of another maker, if there is a qemu-x86_64 (Debian: qemu-user)
# make slurm  sets up what profiles/slurm needs beside it
# make test-slurm   checks it on a Slurm of its own; installs one (Debian, as root)
# make test-browser looks at the report in a browser; installs one (Debian, as root)
# make bench  measures, side by side with other implementations

VENV := .venv
READY := $(VENV)/ready
RUN := . $(VENV)/bin/activate &&

.PHONY: all report test test-all test-machines slurm test-slurm test-browser bench lint lock clean
.DELETE_ON_ERROR:

fig%: $(READY)
	$(RUN) snakemake --cores all figures/$@.pdf && python stages/compare.py

all: $(READY)
	$(RUN) snakemake --cores all && python stages/compare.py

# one page of what there is; trains nothing
report: $(READY)
	$(RUN) python stages/report.py $(if $(PRESET),--preset $(PRESET))

test: lint
	$(RUN) pytest -n 2 --dist worksteal -m "not long"

test-all: lint
	$(RUN) pytest -n 2 --dist worksteal

test-machines: $(READY)
	$(RUN) pytest -rs tests/test_machines.py

slurm: $(READY)
	$(RUN) uv pip install --quiet --require-hashes --no-deps --compile-bytecode -r profiles/slurm/requirements.lock

test-slurm: slurm
	apt-get install --quiet --yes --no-install-recommends slurmctld slurmd slurm-client munge
	$(RUN) pytest tests/test_slurm.py

test-browser: $(READY)
	apt-get install --quiet --yes --no-install-recommends chromium
	$(RUN) pytest tests/test_browser.py

# compares with other implementations, in an environment of its own, and writes benchmarks/results.json
bench: $(READY)
	rm -rf benchmarks/.venv
	python3 -m venv benchmarks/.venv
	$(RUN) VIRTUAL_ENV=$(CURDIR)/benchmarks/.venv uv pip sync --quiet --require-hashes --compile-bytecode benchmarks/requirements.lock
	benchmarks/.venv/bin/python benchmarks/run.py

lint: $(READY)
	$(RUN) ruff check . && ruff format --check . && mypy && mypy -p benchmarks && snakefmt --check Snakefile && python tests/lint.py

# pip installs uv alone; uv installs the rest in a fraction of pip's time. Both check the lock's hashes.
$(READY): requirements.lock
	rm -rf $(VENV)
	python3 -m venv $(VENV)
	sed -n '/^uv==/,/^    # via/p' requirements.lock > $(VENV)/uv.lock
	$(VENV)/bin/pip install --quiet --no-deps --require-hashes -r $(VENV)/uv.lock
	$(RUN) uv pip sync --quiet --require-hashes --compile-bytecode requirements.lock
	touch $@

# after a change of the dependencies in pyproject.toml
lock: $(READY)
	$(RUN) uv pip compile --quiet --universal --generate-hashes --no-header --extra pipeline --extra test pyproject.toml -o requirements.lock
	$(RUN) uv pip compile --quiet --universal --generate-hashes --no-header --extra pipeline --extra slurm -c requirements.lock pyproject.toml \
		> $(VENV)/slurm.lock
	sed -n '/^snakemake-executor-plugin-slurm/,/^    # via/p' $(VENV)/slurm.lock > profiles/slurm/requirements.lock

clean:
	rm -rf $(VENV) .snakemake logs
