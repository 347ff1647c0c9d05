"""Speed, always as a ratio to the raw parts in the same run."""
