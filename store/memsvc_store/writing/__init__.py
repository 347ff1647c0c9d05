"""The writes: what goes together into one transaction of one namespace."""
