"""The gate (D-Mem, section 3.2): a fast answer comes of `drafting`, and one of the `policies` reaches a `verdict`."""
