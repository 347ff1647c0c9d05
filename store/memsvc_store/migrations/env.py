"""Runs the steps on the connection that `memsvc_store.database` hands over."""

from alembic import context

from memsvc_store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
