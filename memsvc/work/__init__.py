"""What is done later, in the background or on demand: jobs, facts, reflections, vectors, the hot budget."""
