"""Embedders: from texts to vectors."""

import os

# onnxruntime 1.31 looks up a server of its maker's from the moment it is imported, writes an id of the device into the
# user's cache folder, and is told not to by this alone. Nothing leaves the machine unless a user says so.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
