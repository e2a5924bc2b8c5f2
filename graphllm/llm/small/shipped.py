"""The graphllm-small that ships, as a checkpoint on this machine."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from graphllm.errors import ConfigError
from graphllm.index.folders import cache_dir

SHIPPED = Path(__file__).parents[2] / "weights" / "small"
OTHER = "GRAPHLLM_SMALL"  # names other weights: a folder that pipelines/small/train.py wrote


def small_checkpoint(cache: Path | None = None) -> Path:
    """Return the folder of the shipped model as transformers has it, written when it is not there.

    Args:
        cache: Where it is kept; the user's cache by default.

    Raises:
        ConfigError: No weights ship with this version, and the environment names none.
        DataError: They are damaged.
    """
    from graphllm.llm.small.storage import ENCODER, export_small, weights_hash

    weights = Path(os.environ.get(OTHER) or SHIPPED)
    if not (weights / ENCODER).is_file():
        raise ConfigError(
            f"{weights}: no weights of graphllm-small; train them (pipelines/small) and name their"
            f" folder in {OTHER}"
        )
    folder = (cache or cache_dir() / "models") / f"graphllm-small-{weights_hash(weights)[:16]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix="unfinished-"))
    try:
        export_small(weights, unfinished)
        with suppress(OSError):  # another process was faster
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder
