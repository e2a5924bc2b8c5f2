"""Training as TensorBoard shows it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from graphllm.errors import MissingExtraError

if TYPE_CHECKING:
    from graphllm.train.trainer import Progress


@contextmanager
def tensorboard(folder: Path) -> "Iterator[Callable[[Progress], None]]":
    """Give an ``on_step`` that writes to ``folder``, for ``tensorboard --logdir``.

    Raises:
        MissingExtraError: tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtraError(
            "tensorboard is not installed: pip install 'graphllm[tensorboard]'"
        ) from error
    with SummaryWriter(str(folder)) as writer:

        def write(progress: "Progress") -> None:
            for name in ("loss", "learning_rate", "norm", "examples_per_s", "tokens_per_s"):
                writer.add_scalar(f"training/{name}", getattr(progress, name), progress.step)
            for name, value in (progress.measured or {}).items():
                writer.add_scalar(f"validation/{name}", value, progress.step)

        yield write
