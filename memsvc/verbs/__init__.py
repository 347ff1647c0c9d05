"""The verbs of `Memory`, a module a topic."""
