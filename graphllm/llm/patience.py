"""How long to wait for a server, and how often to try again."""

from collections.abc import Iterator
from dataclasses import dataclass

from graphllm.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Limits on one prompt sent to a server.

    Attributes:
        connect_s: Until a connection stands.
        idle_s: Without a byte. A server that does not stream sends its first byte when the whole
            reply is there, so this must allow for the longest reply.
        total_s: For the prompt as a whole, with all tries and the waits between them.
        retries: Tries after the first, where the server could not be reached, was too busy (408,
            429) or failed (5xx). Other refusals are final, and a reply that broke off is not
            asked for again: it may have cost money.
        first_wait_s: Before the second try; each further wait is twice the one before.
        longest_wait_s: Between two tries, whatever the server asks for in ``Retry-After``.

    Raises:
        ConfigError: A time is not above 0, or ``retries`` is negative.
    """

    connect_s: float = 10.0
    idle_s: float = 300.0
    total_s: float = 600.0
    retries: int = 3
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0

    def __post_init__(self) -> None:
        for name in ("connect_s", "idle_s", "total_s", "first_wait_s", "longest_wait_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be above 0, got {getattr(self, name)}")
        if self.retries < 0:
            raise ConfigError(f"retries must be 0 or more, got {self.retries}")

    def waits(self) -> Iterator[float]:
        """Yield the seconds before each further try, doubling.

        Examples:
            >>> list(Patience(retries=4, longest_wait_s=3.0).waits())
            [0.5, 1.0, 2.0, 3.0]
        """
        for position in range(self.retries):
            yield min(self.first_wait_s * 2**position, self.longest_wait_s)
