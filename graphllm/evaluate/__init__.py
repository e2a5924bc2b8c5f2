"""The evaluate part."""
