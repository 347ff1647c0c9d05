"""Messages in: what callers hand over, exports, what is to be erased, and what comes back as an echo."""
