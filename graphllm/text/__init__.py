"""The text part."""
