# Every target sets up what it needs by itself; a second run finds it done.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup setup-test setup-package run server test check bench screenshots package lock clean

setup:
	@$(PYTHON) packaging/bootstrap.py run

setup-test:
	@$(PYTHON) packaging/bootstrap.py test

setup-package:
	@$(PYTHON) packaging/bootstrap.py package

run: setup
	@$(BIN)/python packaging/run.py

server: setup
	@$(BIN)/reely-server run --data .reely/server

# On all cores, a file of tests at a time. `make test TESTS=tests/desktop/trim` runs a part.
test: setup-test
	$(BIN)/python -m pytest --numprocesses logical --dist loadfile $(TESTS)

check: setup-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup-test
	@for script in benchmarks/bench_*.py; do $(BIN)/python $$script || exit 1; done

screenshots: setup-test
	xvfb-run --auto-servernum --server-args="-screen 0 1920x1200x24" $(BIN)/python packaging/screenshots.py

package: setup-package
	$(BIN)/python packaging/build.py

# Needs a package index; writes versions and hashes only, never where they came from.
lock: setup
	@for part in desktop server dev; do \
	  $(BIN)/uv --system-certs pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-annotate --no-header --extra $$part -o requirements/$$part.lock || exit 1; \
	done
	@$(BIN)/uv --system-certs pip compile --group carried --no-deps --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements/carried.lock
	@grep '^uv==' requirements/dev.lock | cut -d' ' -f1 | $(BIN)/uv --system-certs pip compile - --quiet --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements/setup.lock

clean:
	rm -rf .venv build dist .reely .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
