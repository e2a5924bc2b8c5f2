"""The retrieval part."""
