"""The index part."""
