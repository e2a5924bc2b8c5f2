"""Where graphllm keeps what it can make again, and what it cannot."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """Return the user's cache folder: ``GRAPHLLM_CACHE``, or where the platform keeps caches."""
    named = os.environ.get("GRAPHLLM_CACHE")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("graphllm", appauthor=False)


def kept_dir() -> Path:
    """Return the folder for what people add to graphs, and cannot be made again.

    Within ``GRAPHLLM_CACHE`` where that is set; else where the platform keeps data of programs,
    which nothing clears.
    """
    named = os.environ.get("GRAPHLLM_CACHE")
    if named:
        return Path(named).expanduser() / "kept"
    from platformdirs import user_data_path

    return user_data_path("graphllm", appauthor=False) / "kept"
