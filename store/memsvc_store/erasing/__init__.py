"""Erasure with proof: what goes, row by row, and the files rewritten."""
