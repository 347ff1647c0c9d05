"""Alembic's environment and the numbered steps; `memsvc_store.sql.database` runs them."""
