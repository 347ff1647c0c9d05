"""Alembic's environment and the numbered steps; `memsvc_store.database` runs them."""
