"""How it gets better: arithmetic on the numbers that the store keeps."""
