"""Plain frozen values, and text and time as they are kept. Imports nothing of the other rooms."""
