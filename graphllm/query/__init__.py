"""The query part."""
