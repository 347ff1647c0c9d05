"""How things are found: the question, the look-up, the ranking."""
