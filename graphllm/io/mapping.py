"""Which column plays which part: guessed from a header, printed, and overridden by the user."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from graphllm.errors import ConfigError, DataError

# The parts a column can play, and the labels that say so; compared in lower case without
# spaces, dashes and underscores. Earlier words win.
ROLES: dict[str, tuple[str, ...]] = {
    "head": (
        "head", "subject", "source", "from", "src", "start", "fromnode", "sourcenode",
        "fromnodeid", "sourceid", "headid", "fromid", "subjectid", "headentity", "node1", "entity1",
        "entity", "s", "h", "u", "e1", "sub", "subj", "parent",
    ),
    "relation": (
        "relation", "predicate", "relationship", "rel", "property", "edge", "edgetype", "reltype",
        "relationtype", "relationshiptype", "interaction", "verb", "type", "label", "p", "r",
        "pred", "kind", "link", "linktype",
    ),
    "tail": (
        "tail", "object", "target", "to", "dst", "dest", "destination", "end", "tonode",
        "targetnode", "tonodeid", "targetid", "tailid", "toid", "objectid", "tailentity", "node2",
        "entity2", "o", "t", "v", "e2", "value", "obj", "child",
    ),
    "weight": ("weight", "score", "strength", "w"),
    "id": ("id", "key", "nodeid", "identifier", "uid", "uri", "iri", "qid", "node", "code"),
    "name": ("name", "title", "label", "fullname", "displayname", "preflabel", "entity"),
    "type": ("type", "category", "class", "kind", "nodetype", "labels"),
    "aliases": ("aliases", "alias", "synonyms", "alsoknownas", "aka", "altlabel"),
    "text": ("text", "description", "desc", "summary", "abstract", "definition"),
}  # fmt: skip
EDGE_ROLES = ("head", "relation", "tail", "weight")
_ENDING = re.compile(r"(node|entity)?(id|name|key|label|iri|uri)$")
NODE_ROLES = ("id", "name", "type", "aliases", "text")
LIST_ROLES = ("relations", "attributes")  # parts that several columns can play, joined by ";"


def label_key(label: str) -> str:
    """Return a column label as it is compared: lower case, letters and digits only.

    Examples:
        >>> label_key("Source_Node ID")
        'sourcenodeid'
    """
    return "".join(c for c in label.lower() if c.isalnum())


def one_line(text: str) -> str:
    r"""Return ``text`` on one line, with what could move a cursor written out.

    Examples:
        >>> print(one_line("two\nlines \x1b[31m"))
        two\x0alines \x1b[31m
    """
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def listed(labels: Sequence[str]) -> str:
    """Return labels for a message: the first ones, and how many more there are."""
    shown = ", ".join(one_line(label[:40]) for label in labels[:15])
    return shown if len(labels) <= 15 else f"{shown} and {len(labels) - 15} more"


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """The column that plays each part, by the column's label or its position from 1.

    Examples:
        >>> columns = ColumnMap.parse("head=from, tail=to, relation=type")
        >>> str(columns), columns["head"], "weight" in columns
        ('head=from, relation=type, tail=to', 'from', False)
    """

    roles: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = (*ROLES, *LIST_ROLES)
        for role in self.roles:
            if role not in parts:
                near = get_close_matches(role, parts, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ConfigError(f"a mapping has no part {role!r}, only {', '.join(parts)}{hint}")

    @classmethod
    def parse(cls, text: str) -> "ColumnMap":
        """Read ``part=column`` pairs separated by commas; a column label may hold spaces.

        Raises:
            ConfigError: A pair has no ``=``, an unknown part, or a part named twice.
        """
        roles: dict[str, str] = {}
        for pair in filter(None, (piece.strip() for piece in text.split(","))):
            role, equals, column = (part.strip() for part in pair.partition("="))
            if not equals or not role or not column:
                raise ConfigError(
                    f"cannot read {pair!r} in a mapping; write it as 'head=from,tail=to'"
                )
            if role in roles:
                raise ConfigError(f"the mapping names {role!r} twice")
            roles[role] = column
        return cls(roles)

    def __bool__(self) -> bool:
        return bool(self.roles)

    def __contains__(self, role: str) -> bool:
        return role in self.roles

    def __getitem__(self, role: str) -> str:
        return self.roles[role]

    def __str__(self) -> str:
        parts = (*ROLES, *LIST_ROLES)
        return ", ".join(f"{role}={self.roles[role]}" for role in parts if role in self.roles)

    def positions(self, columns: Sequence[str], *, where: str) -> dict[str, int]:
        """Return the position of each mapped column among ``columns``.

        Args:
            columns: The labels of the table.
            where: The file, for the error message.

        Raises:
            DataError: A column is not there; the message lists those that are.
        """
        return {
            role: find_column(name, columns, where=where)
            for role, name in self.roles.items()
            if role not in LIST_ROLES
        }

    def listed(self, role: str, columns: Sequence[str], *, where: str) -> list[int]:
        """Return the positions of the columns that play ``relations`` or ``attributes``."""
        names = filter(None, (name.strip() for name in self.roles.get(role, "").split(";")))
        return [find_column(name, columns, where=where) for name in names]


def find_column(name: str, columns: Sequence[str], *, where: str) -> int:
    """Return where ``name`` stands in ``columns``: as written, folded, or as a position from 1.

    Raises:
        DataError: It is not there; the message lists the columns and the nearest one.
    """
    if name in columns:
        return columns.index(name)
    folded = [label_key(column) for column in columns]
    if label_key(name) in folded:
        return folded.index(label_key(name))
    if name.isdecimal() and 1 <= int(name) <= len(columns):
        return int(name) - 1
    near = get_close_matches(label_key(name), folded, n=1)
    hint = f"; did you mean {columns[folded.index(near[0])]!r}?" if near else ""
    raise DataError(f"{where}: no column {name!r}; the columns are {listed(columns)}{hint}")


def guess_roles(columns: Sequence[str], roles: Sequence[str]) -> dict[str, int]:
    """Return the position of the column that each part's known words name; each column once.

    The parts of an edge are also known by their words with an ending: ``source_id``, ``fromName``.

    Examples:
        >>> guess_roles(["Subject", "p", "OBJECT", "year"], EDGE_ROLES)
        {'head': 0, 'relation': 1, 'tail': 2}
        >>> guess_roles(["from_name", "to_name", "name"], EDGE_ROLES)
        {'head': 0, 'tail': 1}
    """
    folded = [label_key(column) for column in columns]
    bare = [_ENDING.sub("", label) for label in folded]
    found: dict[str, int] = {}
    for role in roles:
        words = ROLES[role]
        spellings = [(folded, words)]
        if role in ("head", "tail"):
            spellings.append((bare, tuple(word for word in words if len(word) > 1)))
        for labels, known in spellings:
            position = _first_of(known, labels, found.values())
            if position is not None:
                found[role] = position
                break
    return found


def _first_of(words: Sequence[str], labels: Sequence[str], taken: Collection[int]) -> int | None:
    """Return where the first of ``words`` that names a column still free stands."""
    for word in words:
        for position, label in enumerate(labels):
            if label == word and position not in taken:
                return position
    return None
