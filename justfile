# One-word chores; each is also what continuous integration runs.

python := ".venv/bin/python"

# Set up for development
install:
    python3 -m venv .venv
    .venv/bin/pip install --quiet -e '.[cpu,offline,dev]'

# Run the tests
test *arguments:
    {{python}} -m pytest {{arguments}}

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
    .venv/bin/memsvc eval locomo --data {{data}} --out runs/locomo

# .env.example, as the settings have it now
env:
    {{python}} deploy/env_example.py > .env.example

# A new migration after a change of store/memsvc_store/schema.py: just migration "what it does"
migration message:
    @echo "Add store/memsvc_store/migrations/versions/mNNNN_*.py by hand ({{message}}), then append its number to REVISIONS in database.py."
