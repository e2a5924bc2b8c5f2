"""The tasks part."""
