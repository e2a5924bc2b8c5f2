"""Where graphllm keeps what it can make again."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """Return the user's cache folder: ``GRAPHLLM_CACHE``, or where the platform keeps caches."""
    named = os.environ.get("GRAPHLLM_CACHE")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("graphllm", appauthor=False)
