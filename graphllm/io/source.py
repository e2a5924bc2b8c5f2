"""One file on its way in: bytes, text and errors, whatever its compression and encoding."""

import gzip
import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BufferedIOBase
from pathlib import Path

from graphllm.errors import DataError
from graphllm.io.mapping import ColumnMap, one_line

logger = logging.getLogger(__name__)

GZIP_MAGIC = b"\x1f\x8b"
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def silent(_line: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that a reader is to read, and what the user said about it.

    Attributes:
        path: The file; may be compressed with gzip, which its first bytes tell.
        mapping: The parts that the user gave to columns; empty when all is to be guessed.
        report: Called with each line that says how the file was understood.
        part: The sheet, when the file holds several tables.
    """

    path: Path
    mapping: ColumnMap = field(default_factory=ColumnMap)
    report: Callable[[str], None] = silent
    part: str = ""

    @property
    def name(self) -> str:
        """The file's name (and the sheet's), for messages."""
        return f"{self.path.name} [{self.part}]" if self.part else self.path.name

    @property
    def stem(self) -> str:
        """The table's name: the file's without ``.gz`` and its own suffix, or the sheet's."""
        return self.part or Path(self.path.name.removesuffix(".gz")).stem

    @property
    def suffix(self) -> str:
        """The file's own suffix in lower case, under any ``.gz``."""
        return Path(self.path.name.lower().removesuffix(".gz")).suffix

    @property
    def is_gzip(self) -> bool:
        """Whether the file is compressed."""
        with self.reading(), self.path.open("rb") as file:
            return file.read(2) == GZIP_MAGIC

    def error(self, message: str, line: int | None = None) -> DataError:
        """Return (not raise) an error that names the file, and the line when there is one."""
        where = self.name if line is None else f"{self.name}, line {line}"
        return DataError(one_line(f"{where}: {message}"))

    def open(self) -> BufferedIOBase:
        """Return a stream of the uncompressed bytes."""
        if self.is_gzip:
            return gzip.open(self.path, "rb")
        return self.path.open("rb")

    def head(self, num_bytes: int = 1 << 16) -> bytes:
        """Return the first uncompressed bytes."""
        with self.reading(), self.open() as file:
            return file.read(num_bytes)

    def data(self) -> bytes:
        """Return all uncompressed bytes."""
        with self.reading(), self.open() as file:
            return file.read()

    def text(self) -> str:
        """Return the whole file as text: UTF-8 or what its byte order mark says, else cp1252."""
        return self.decode(self.data())

    def decode(self, data: bytes) -> str:
        """Return ``data`` of this file as text."""
        for bom, encoding in _BOMS:
            if data.startswith(bom):
                return self._decode_as(data, encoding)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            logger.warning("%s, line %d: not UTF-8; read as Windows-1252", self.name, line)
            return data.decode("cp1252", "replace")

    def _decode_as(self, data: bytes, encoding: str) -> str:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            raise self.error(
                f"begins with a byte order mark of {encoding} but byte {error.start} is not;"
                " save it as UTF-8"
            ) from error

    def reading(self) -> "_Reading":
        """Return a context in which what goes wrong with bytes becomes an error naming the file."""
        return _Reading(self)


class _Reading:
    """Turn what goes wrong while bytes are read into errors that name the file."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, EOFError | gzip.BadGzipFile | zlib.error):
            raise self._source.error(
                f"the gzip data is damaged or cut short ({error}); fetch or compress it again"
            ) from error
        if isinstance(error, OSError):
            raise self._source.error(f"cannot be read: {error.strerror or error}") from error
