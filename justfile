# One-word chores; each is also what continuous integration runs.

python := ".venv/bin/python"

# All of their tests are slow, and what they import takes 20 s.
slow_to_import := "--ignore-glob='*/test_local_*' --ignore-glob='*/babyai/*' --ignore-glob='*/test_fuzz.py'"

# Set up for development
install:
    python3 -m venv .venv
    .venv/bin/pip install --quiet -c constraints.txt -e '.[cpu,dev]'

# Run the tests, side by side
test *arguments:
    {{python}} -m pytest -n auto --dist loadfile {{arguments}}

# Those that need no process, server or model of their own: an answer in 90 seconds
fast *arguments:
    {{python}} -m pytest -n auto --dist loadfile -m 'not process and not postgres and not slow' {{slow_to_import}} {{arguments}}

# Everything that reads code without running it
lint:
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    .venv/bin/mypy
    .venv/bin/lint-imports

# Let ruff mend what it can
format:
    .venv/bin/ruff check --fix .
    .venv/bin/ruff format .

# What continuous integration runs
ci:
    bash .ci/run

# constraints.txt, as pyproject.toml wants it: what is pinned stays where it may. Newer versions: just lock --upgrade
lock *arguments:
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --all-extras --no-annotate --no-emit-index-url \
        --custom-compile-command 'just lock' {{arguments}} --output-file constraints.txt pyproject.toml

# The suite on the newest versions of everything, those beyond our upper bounds included; see CONTRIBUTING.md
newest *arguments:
    python3 -m venv .venv-newest
    .venv-newest/bin/pip install --quiet --upgrade -e '.[cpu,dev]'  # newest
    .venv-newest/bin/pip install --quiet --upgrade fastapi litellm mcp transformers uvicorn
    .venv-newest/bin/python -m pytest -n auto --dist loadfile {{arguments}}

# Every installation that the docs name, each in an empty environment, tried; prints the table of docs/install.md
installs *arguments:
    python3 benchmarks/installs.py {{arguments}}

# The sample conversations, from writing to answers
demo:
    .venv/bin/memsvc demo

# Measure this machine; see docs/performance.md
bench:
    .venv/bin/memsvc bench

# The service under load; see docs/performance.md
load *arguments:
    {{python}} benchmarks/load.py {{arguments}}

# The service against what schemathesis makes of its OpenAPI document
fuzz *arguments:
    {{python}} benchmarks/fuzz.py {{arguments}}

# Recall on a LoCoMo file: just locomo path/to/locomo10.json
locomo data:
    .venv/bin/memsvc eval locomo --data {{data}} --out runs/evidence

# .env.example, as the settings have it now
env:
    {{python}} deploy/env_example.py > .env.example

# A new migration after a change of store/memsvc_store/sql/schema.py: just migration "what it does"
migration message:
    @echo "Add store/memsvc_store/sql/migrations/versions/mNNNN_*.py by hand ({{message}}), then append its number to REVISIONS in store/memsvc_store/sql/migrations/__init__.py."
