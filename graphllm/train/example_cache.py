"""What is computed once per example, kept on disk: retrieved subgraphs, embeddings, tokens.

A cache is a folder for each thing that computes; a file in it holds the arrays of some examples,
under hashes of what they were computed from. Files are written whole, so a run that was killed
computes again only what it had not written.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from graphllm.errors import DataError
from graphllm.index.generations import write_file

Arrays = Mapping[str, np.ndarray]
logger = logging.getLogger(__name__)
_BATCH = 256  # examples a file


class ExampleCache:
    """Arrays by the content they were computed from.

    Args:
        folder: Of all caches; the one for ``of`` is made inside.
        of: What computes the arrays, and everything they depend on besides the example: settings,
            the hash of the graph, the id of an encoder. Another ``of`` is another cache.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> def lengths(texts):
        ...     print("computing", texts)
        ...     return [{"length": np.array(len(text))} for text in texts]
        >>> with TemporaryDirectory() as folder:
        ...     cache = ExampleCache(Path(folder), of="lengths")
        ...     found = cache.fill(["Ada", "Bo", "Ada"], lengths)
        ...     [int(arrays["length"]) for arrays in found]
        computing ['Ada', 'Bo']
        [3, 2, 3]
    """

    def __init__(self, folder: Path, *, of: str) -> None:
        self.folder = folder / sha256(of.encode("utf-8", "replace")).hexdigest()[:32]
        self._entries: dict[str, _Entry] = {}
        self._open: dict[Path, Any] = {}  # what safetensors maps into memory
        for path in sorted(self.folder.glob("*.safetensors")):
            self._add(path)

    def __len__(self) -> int:
        return len(self._entries)

    def fill(
        self,
        contents: Sequence[str],
        compute: Callable[[list[str]], Sequence[Arrays]],
        *,
        batch: int = _BATCH,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> "CachedExamples":
        """Compute what is not there, and return the arrays of every example.

        Args:
            contents: What each example is computed from, as text; equal ones are computed once.
            compute: Returns the arrays of each of some contents.
            batch: Contents given to ``compute`` at once, and then written.
            progress: Told how many contents are done, of how many different ones.

        Raises:
            DataError: ``compute`` returns another number, or the folder cannot be written.
        """
        wanted = {_key(content): content for content in contents}
        missing = [key for key in wanted if key not in self._entries]
        for first in range(0, len(missing), batch):
            progress(len(wanted) - len(missing) + first, len(wanted))
            keys = missing[first : first + batch]
            found = compute([wanted[key] for key in keys])
            if len(found) != len(keys):
                raise DataError(f"{len(keys)} examples gave arrays for {len(found)}")
            self._write(dict(zip(keys, found, strict=True)))
        progress(len(wanted), len(wanted))
        return CachedExamples(self, [_key(content) for content in contents])

    def read(self, key: str) -> dict[str, np.ndarray]:
        """Return the arrays under a key."""
        entry = self._entries[key]
        file = self._open[entry.path]
        return {name: file.get_tensor(f"{key}.{name}") for name in entry.names}

    def _write(self, found: Mapping[str, Arrays]) -> None:
        from safetensors.numpy import save

        arrays = {
            f"{key}.{name}": np.ascontiguousarray(array).reshape(np.shape(array))
            for key, of in found.items()
            for name, array in of.items()
        }
        names = json.dumps({key: sorted(of) for key, of in found.items()})
        path = self.folder / f"{time.time_ns():020d}-{os.getpid()}.safetensors"
        write_file(path, save(arrays, metadata={"names": names}))
        self._add(path)

    def _add(self, path: Path) -> None:
        """Take up a file; one that cannot be read is computed again."""
        from safetensors import SafetensorError, safe_open

        try:
            file: Any = safe_open(path, framework="numpy")
            names = json.loads((file.metadata() or {})["names"])
        except (SafetensorError, KeyError, ValueError, OSError) as error:
            logger.warning("%s cannot be read and is not used (%s)", path, error)
            return
        self._open[path] = file
        for key, of in names.items():
            self._entries.setdefault(key, _Entry(path, tuple(of)))


class CachedExamples(Sequence[dict[str, np.ndarray]]):
    """The arrays of each example, read from disk when they are asked for."""

    def __init__(self, cache: ExampleCache, keys: list[str]) -> None:
        self._cache, self._keys = cache, keys

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, place: Any) -> Any:  # noqa: ANN401  an int or a slice, as of a list
        if isinstance(place, slice):
            return CachedExamples(self._cache, self._keys[place])
        return self._cache.read(self._keys[place])


class _Entry(NamedTuple):
    path: Path
    names: tuple[str, ...]


def _key(content: str) -> str:
    return sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]
