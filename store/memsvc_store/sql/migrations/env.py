"""Runs the steps on the connection that `memsvc_store.sql.database` hands over."""

from alembic import context

from memsvc_store.sql.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
