"""The public data sets, read as they are: conversations, questions, and what had to be left out or repaired."""
