"""Messages in: what callers and their frameworks hand over, exports, what is to be erased, and what comes back."""
