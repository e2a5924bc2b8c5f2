"""The readers part."""
