"""The answer part."""
