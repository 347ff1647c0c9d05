"""What is kept: SQL as the truth, and the projections that look-ups run on."""
