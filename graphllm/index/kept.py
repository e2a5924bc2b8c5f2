"""Where is kept what a person adds to a graph: lessons, and a planner adapted to it."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from graphllm.index.cache import PathLike, is_index
from graphllm.index.folders import kept_dir
from graphllm.index.generations import PLANNER, TAUGHT


@dataclass(frozen=True, slots=True)
class Kept:
    """The files that belong to one graph and outlast its index; none need be there.

    Attributes:
        taught: What people taught: see ``graphllm.index.taught_file``.
        planner: Which weights the planner has: see ``graphllm.retrieval.adapted``.
    """

    taught: Path
    planner: Path

    @classmethod
    def of(cls, path: PathLike | Sequence[PathLike]) -> "Kept":
        """Return what belongs to the graph at ``path``.

        Args:
            path: An index folder, in which it lies; or files or a folder of them, to whose paths
                it belongs, so that it outlasts what they hold.
        """
        paths = [path] if isinstance(path, str | os.PathLike) else list(path)
        if len(paths) == 1 and is_index(paths[0]):
            folder, before = Path(paths[0]), ""
        else:
            named = json.dumps(sorted(str(Path(file).absolute()) for file in paths))
            folder, before = kept_dir(), f"{sha256(named.encode()).hexdigest()[:32]}."
        return cls(folder / f"{before}{TAUGHT}.jsonl", folder / f"{before}{PLANNER}.json")
