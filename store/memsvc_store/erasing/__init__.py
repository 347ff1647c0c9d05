"""The room of erasing: what an owner wants forgotten goes from every table, snapshot and file, with a receipt.

erasure            the order of it: rows, note, files, receipt
removal            which rows go, and taking them
learned            what goes of traces, feedback, moves and utilities
"""
