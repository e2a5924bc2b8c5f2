"""The io part."""
