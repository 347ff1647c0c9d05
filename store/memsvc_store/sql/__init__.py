"""The truth: the database, its schema and migrations, and rows in and out of it."""
