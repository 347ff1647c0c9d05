"""Embedders: everything that knows a model library lives in this folder."""
