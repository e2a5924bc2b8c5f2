"""Check every claim of a draft against the graph."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from graphllm.answer.abstention import Abstention, Reason
from graphllm.answer.draft import DESCRIPTION, TYPE, Claim, Draft
from graphllm.graph.columns import Column, Kind, format_value
from graphllm.graph.folding import fold
from graphllm.graph.view import GraphView


class Verdict(NamedTuple):
    """What the graph says of one claim.

    Attributes:
        claim: The claim that was checked.
        problem: What is wrong with it; ``""`` when the graph supports it.
    """

    claim: Claim
    problem: str = ""

    @property
    def supported(self) -> bool:
        """Whether the graph holds what the claim says, where it says so."""
        return not self.problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A draft of which only what the graph supports is left.

    Attributes:
        draft: With the supported claims and the entities they mention.
        verdicts: One for each claim of the draft that came in, in its order.
        abstention: Set when nothing is left to answer with.
    """

    draft: Draft
    verdicts: tuple[Verdict, ...]
    abstention: Abstention | None = None


def verify(draft: Draft, view: GraphView, *, retrieved: Collection[int] | None = None) -> Verified:
    """Return ``draft`` without what ``view`` does not support.

    A claim about an edge is supported when that edge exists, is among ``retrieved``, has exactly
    the claim's relation, leaves the node called ``head`` and enters the node called ``tail``, and
    carries the claim's qualifiers. A claim about an attribute is supported when the node called
    ``head`` has that value. Names compare with the node's name, aliases and key, case and accents
    aside, but a name that is the key of another node means that node.

    An entity stays when a supported claim mentions it. A closed-world or derived answer ("no",
    "4") rests on all its claims at once, so one unsupported claim takes it away.

    Args:
        retrieved: The ids of the edges the reader was shown; any edge counts when ``None``.
    """
    checker = _Checker(view, None if retrieved is None else frozenset(retrieved))
    verdicts = tuple(Verdict(claim, checker.problem(claim)) for claim in draft.claims)
    kept = tuple(verdict.claim for verdict in verdicts if verdict.supported)
    entities = draft.entities
    if not (draft.closed_world or draft.derived):
        entities = checker.mentioned(entities, kept)
    elif len(kept) < len(draft.claims) or not (kept or draft.closed_world):
        entities = ()
    if not entities:
        return Verified(
            draft=replace(draft, text="", entities=(), claims=kept, confidence=0.0),
            verdicts=verdicts,
            abstention=_nothing_left(verdicts),
        )
    text = draft.text if entities == draft.entities else ", ".join(entities)
    return Verified(
        draft=replace(draft, text=text, entities=entities, claims=kept), verdicts=verdicts
    )


def _nothing_left(verdicts: tuple[Verdict, ...]) -> Abstention:
    problem = next((v.problem for v in verdicts if not v.supported), "it cites nothing")
    message = f"No answer that the graph supports was found: {problem}."
    return Abstention(reason=Reason.NO_EDGE, message=message)


class _Checker:
    """Looks claims up; each node's names are read and folded once."""

    def __init__(self, view: GraphView, retrieved: frozenset[int] | None) -> None:
        self._view = view
        self._retrieved = retrieved
        self._main: dict[int, str] = {}
        self._written: dict[int, frozenset[str]] = {}
        self._folded: dict[int, frozenset[str]] = {}

    def problem(self, claim: Claim) -> str:
        if claim.edge is not None:
            return self._edge_problem(claim, claim.edge)
        if claim.node is not None:
            return self._attribute_problem(claim, claim.node)
        return f"{claim.head!r} {claim.relation!r} {claim.tail!r} cites nothing"

    def _edge_problem(self, claim: Claim, edge: int) -> str:
        view = self._view
        if not 0 <= edge < view.num_edges:
            return f"there is no edge {edge}"
        if self._retrieved is not None and edge not in self._retrieved:
            return f"edge {edge} was not retrieved"
        relation = view.relations[int(view.relation_ids[edge])]
        if relation != claim.relation:
            return f"edge {edge} says {relation!r}, not {claim.relation!r}"
        if not self._is_called(int(view.heads[edge]), claim.head):
            return f"edge {edge} does not leave {claim.head!r}"
        if not self._is_called(int(view.tails[edge]), claim.tail):
            return f"edge {edge} does not enter {claim.tail!r}"
        for attribute, value in claim.qualifiers:
            if not _holds(view.edge_columns.get(attribute), edge, value):
                return f"edge {edge} does not have {attribute} {value!r}"
        return ""

    def _attribute_problem(self, claim: Claim, node: int) -> str:
        if not 0 <= node < self._view.num_nodes:
            return f"there is no node {node}"
        if not self._is_called(node, claim.head):
            return f"node {node} is not called {claim.head!r}"
        own = self._own(node, claim.relation) if claim.relation in (TYPE, DESCRIPTION) else ""
        if own and claim.tail == own:
            return ""
        if not _holds(self._view.node_columns.get(claim.relation), node, claim.tail):
            return f"{claim.head!r} does not have {claim.relation} {claim.tail!r}"
        return ""

    def _own(self, node: int, what: str) -> str:
        """Return the type or the text of ``node``."""
        if what == DESCRIPTION:
            return self._view.texts[node]
        type_id = int(self._view.node_type_ids[node])
        return self._view.node_types[type_id] if type_id >= 0 else ""

    def _is_called(self, node: int, name: str) -> bool:
        if name == self._name(node) or name in self._names(node):
            return True
        folded = fold(name)
        if not folded or folded not in self._folded_names(node):
            return False
        other = self._view.find_key(name)
        return other is None or other == node

    def _name(self, node: int) -> str:
        if node not in self._main:
            self._main[node] = self._view.names[node]
        return self._main[node]

    def _names(self, node: int) -> frozenset[str]:
        if node not in self._written:
            view = self._view
            self._written[node] = frozenset(
                (self._name(node), view.keys[node], *view.aliases(node))
            )
        return self._written[node]

    def _folded_names(self, node: int) -> frozenset[str]:
        if node not in self._folded:
            self._folded[node] = frozenset(map(fold, self._names(node)))
        return self._folded[node]

    def mentioned(self, entities: tuple[str, ...], claims: Sequence[Claim]) -> tuple[str, ...]:
        """Return those of ``entities`` that supported ``claims`` speak of, by whatever name."""
        said = {name for claim in claims for name in (claim.head, claim.tail)}
        said.update(value for claim in claims for _, value in claim.qualifiers)
        if not said.issuperset(entities):  # seldom: reading all names and folding takes time
            said.update(*map(self._names, self._cited_nodes(claims)))
            said.update({fold(name) for name in said} - {""})
        return tuple(entity for entity in entities if entity in said or fold(entity) in said)

    def _cited_nodes(self, claims: Sequence[Claim]) -> Iterator[int]:
        for claim in claims:
            if claim.edge is not None:
                yield int(self._view.heads[claim.edge])
                yield int(self._view.tails[claim.edge])


def _holds(column: Column | None, owner: int, value: str) -> bool:
    """Whether the owner has the value; only text may differ in case and accents."""
    if column is None:
        return False
    there = [format_value(v) for v in column.of(owner)]
    if value in there:
        return True
    folded = fold(value)
    return column.kind is Kind.TEXT and bool(folded) and folded in map(fold, there)
