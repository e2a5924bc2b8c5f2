"""Why there is no answer."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """What was missing."""

    NO_ENTITY = "no_entity"  # nothing in the graph has a name the question mentions
    NO_RELATION = "no_relation"  # the graph has no relation for what is asked
    NO_EDGE = "no_edge"  # entity and relation are known, but no fact connects them
    NOT_SURE = "not_sure"  # readings were found, none likely enough
    NOT_UNDERSTOOD = "not_understood"  # no reading at all
    NO_REPLY = "no_reply"  # a language model's reply could not be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """An answer that is not given: why, and what came near.

    Attributes:
        reason: What was missing.
        message: The same as a sentence, for people.
        near_misses: Names that the asker may have meant, where none was found; else the relations
            that the graph does have for what was found.
    """

    reason: Reason
    message: str
    near_misses: tuple[str, ...] = ()

    @property
    def near_title(self) -> str:
        """What the near misses are, as a heading."""
        is_name = self.reason is Reason.NO_ENTITY
        return "Did you mean" if is_name else "This graph says of it"
