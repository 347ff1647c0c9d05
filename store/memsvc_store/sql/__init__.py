"""The room of SQL: the truth. Every statement stands here, and names its namespace.

database, dialect  opening and transactions; all that differs between SQLite and PostgreSQL
schema, migrations the tables, and the steps that led to them
rows               between values and rows: columns, ids, digests
records            namespaces and memories; with provenance and stored_vectors
*_rows             messages (the raw log), episodes, jobs, traces, utilities
listing            a whole namespace, for export and for the graph
conditions         patterns of namespaces and conditions on metadata, as either database is asked
vacuum             rewriting files without what was deleted
"""
