"""Task attempts (MemRL): stored, summed up, and found again."""
