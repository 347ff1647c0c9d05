"""The look-up."""
