"""What every face of a memory agrees on: the verbs, their options, their rows, and what goes over the wire."""
