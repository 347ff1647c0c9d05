"""`ask`: checked and prepared, run as a pipeline, answered, and told step by step."""
