"""What of a model's reply may become an answer.

The reply says which lines of the text it rests on. From those edges alone, and never from the
reply's own words, an answer is made:

* A name must be that of a node at an end of a cited edge, and a value one that a cited edge or node
  has. Where the question names something, the cited edges must lead from there to the answer. What
  the question names itself is no answer, unless it offers a choice: "A or B".
* A number may be such a value. A count must be the number of nodes that the cited edges lead to
  from one named node by one relation, and these must be all such edges of the graph.
* "Yes" needs a cited edge between two things that the question names, or a cited value that stands
  in the question.
* "No" needs two named things, and a cited relation of one of them of which every edge was shown and
  none leads to the other, nor comes near it in two more steps. It is labelled closed-world.

Sums, averages and all else that is worked out are only accepted from plans, which are run. The
words of an answer are composed here, in the graph's own spelling.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from graphllm.answer import Abstention, Claim, Draft, Reason
from graphllm.answer.citation import edge_attributes
from graphllm.answer.draft import DESCRIPTION, TYPE
from graphllm.graph.columns import format_value
from graphllm.graph.folding import fold, humanize
from graphllm.graph.layouts import escape
from graphllm.graph.textualize import Textualized
from graphllm.graph.view import GraphView, edges_of
from graphllm.readers.drafting import listed
from graphllm.readers.replies import Cite, Reply
from graphllm.retrieval.intents import Want, intent
from graphllm.retrieval.linker import Match, Seeds, Span, weight

CITED = 0.7
"""Confidence in an answer whose cites hold: a model does not say how sure it is."""

_MARKS = "|;>"
_LONGEST_VALUE = 2000  # characters
_MOST_EXAMINED = 200
_MOST_NEAR = 5_000  # edges looked at before "no" is taken to be too hard to tell
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Named:
    """Words of a question that name something, and the nodes that may be meant."""

    span: Span
    text: str
    nodes: frozenset[int]


def named(seeds: Seeds) -> tuple[Named, ...]:
    """Return what a question names, surest first, each stretch of words once."""
    found: dict[Span, frozenset[int]] = {}
    said: dict[Span, str] = {}
    for mention in seeds.mentions:
        is_name = mention.match is Match.HISTORY or weight(mention.span, seeds.tokens) >= 1
        elsewhere = all(s == mention.span or not s.overlaps(mention.span) for s in found)
        if is_name and elsewhere:
            found[mention.span] = found.get(mention.span, frozenset()) | {*mention.nodes}
            said[mention.span] = mention.text
    return tuple(Named(span, said[span], nodes) for span, nodes in found.items())


def judged(reply: Reply, shown: Textualized, seeds: Seeds, view: GraphView) -> Draft | Abstention:
    """Return the draft that a reply supports with its cites, or why there is none.

    Args:
        reply: With answers.
        shown: The text that its cites point into.
        seeds: The question.
    """
    return _Judge(reply, shown, seeds, view).judged()


def refused(message: str, reason: Reason = Reason.NO_EDGE) -> Abstention:
    """Return the abstention for a reply that cannot be used."""
    return Abstention(reason=reason, message=message)


class _Judge:
    def __init__(self, reply: Reply, shown: Textualized, seeds: Seeds, view: GraphView) -> None:
        self.reply, self.shown, self.seeds, self.view = reply, shown, seeds, view
        self._called: dict[int, frozenset[str]] = {}
        self.named = named(seeds)
        self.want = intent(seeds.tokens).want
        self.is_choice = any(token.folded == "or" for token in seeds.tokens)
        self.lines = [c for c in reply.cites if c.number is not None]
        self.sound = [cite for cite in self.lines if not any(True for _ in self._misquoted(cite))]
        stated = (edge for cite in self.sound for edge in self._line(cite))
        self.candidates = tuple(sorted(set(stated)))
        self.told = self._told([c.stated for c in reply.cites if c.number is None])
        ends = {end for edge in self.candidates for end in self._ends(edge)}
        self.nodes = sorted(ends | self.told)

    def judged(self) -> Draft | Abstention:
        if not self.reply.cites:
            return refused("The language model's answer cites no fact.")
        if not self.nodes:
            return self._unfounded()
        only = fold(self.reply.answers[0]) if len(self.reply.answers) == 1 else ""
        if self.want is Want.CONFIRM and only in ("yes", "no"):
            return self._confirmed() if only == "yes" else self._denied()
        if self.want is Want.CONFIRM and not self.is_choice:
            answers = listed(self.reply.answers, shown=3)
            return refused(f"The language model answers a yes/no question with {answers}.")
        found = self._by_name()
        if isinstance(found, Abstention) and only.isdigit() and self.want is Want.COUNT:
            return self._counted(int(only))
        return found

    def _unfounded(self) -> Draft | Abstention:
        """Hand over what the reply says its lines say, so that the check can tell what is wrong."""
        claims = tuple(claim for cite in self.lines for claim in self._misquoted(cite))
        if not claims:
            return refused("The language model's answer cites facts that it was not shown.")
        return Draft(text="", entities=self.reply.answers, claims=claims)

    # cites

    def _line(self, cite: Cite) -> tuple[int, ...]:
        number = cite.number or 0
        return self.shown.lines[number - 1] if 0 < number <= len(self.shown.lines) else ()

    def _misquoted(self, cite: Cite) -> Iterator[Claim]:
        """Yield the claim of a cite that says of its line what none of its edges says."""
        parts = [part.strip() for part in cite.stated.split("|")]
        line = self._line(cite)
        if len(parts) < 3 or not line or any(";" in part for part in parts):
            return
        if not any(self._says(edge, parts) for edge in line):
            yield Claim(head=parts[0], relation=parts[1], tail=parts[2], edge=line[0])

    def _says(self, edge: int, parts: Sequence[str]) -> bool:
        head, tail = self._ends(edge)
        relation = self.view.relations[int(self.view.relation_ids[edge])]
        return (
            fold(parts[0]) in self._calls(head)
            and fold(parts[1]) in (fold(relation), fold(humanize(relation)))
            and fold(parts[2]) in self._calls(tail)
        )

    def _told(self, names: Iterable[str]) -> set[int]:
        """Return the nodes that have one of ``names``, of those the text shows."""
        wanted = {fold(name.lstrip("- ")) for name in names} - {""}
        if not wanted:
            return set()
        return {node for node in self.shown.nodes if wanted & self._calls(node)}

    def _ends(self, edge: int) -> tuple[int, int]:
        return int(self.view.heads[edge]), int(self.view.tails[edge])

    def _calls(self, node: int) -> frozenset[str]:
        """Return what a reply may call a node, folded: what it is called, or how it was shown."""
        if node not in self._called:
            self._called[node] = frozenset(fold(call) or call for call in self._labels(node))
        return self._called[node]

    def _labels(self, node: int) -> Iterator[str]:
        view = self.view
        name, key, kind = view.names[node], view.keys[node], int(view.node_type_ids[node])
        told_apart = [key, view.node_types[kind]] if kind >= 0 else [key]
        yield from (name, key, escape(name, _MARKS), *view.aliases(node))
        yield from (f"{name} ({apart})" for apart in told_apart)

    # names and values

    def _by_name(self) -> Draft | Abstention:
        found = [self._found(answer) for answer in self.reply.answers]
        edges = self._leading_to(found)
        reached = {end for edge in edges for end in self._ends(edge)} | (self._starts or self.told)
        kept = [one for one in found if one.name and not one.nodes.isdisjoint(reached)]
        asked = [one for one in kept if self._is_asked(one)]
        if not self.is_choice:
            kept = [one for one in kept if one not in asked]
        if not kept:
            return refused(self._why_nothing(found, asked))
        claims = (*(claim for one in kept for claim in one.claims), *self._claims(edges, kept))
        entities = tuple(dict.fromkeys(one.name for one in kept))
        share = len(kept) / len(self.reply.answers)
        return Draft(
            text=listed(entities), entities=entities, claims=claims, confidence=CITED * share
        )

    def _why_nothing(self, found: Sequence["_Found"], asked: Sequence["_Found"]) -> str:
        answers = listed(self.reply.answers, shown=3)
        if asked:
            return f"The language model only repeats what the question names: {answers}."
        if any(one.name for one in found):
            return f"What the language model cites does not lead from the question to {answers}."
        return f"The facts that the language model cites do not mention {answers}."

    def _found(self, answer: str) -> "_Found":
        """Return the nodes, or the values, of the cited facts that an answer means."""
        wanted = fold(answer) or answer
        exact = [n for n in self.nodes if self.view.names[n] == answer]
        nodes = exact or [n for n in self.nodes if wanted in self._calls(n)]
        if nodes:
            return _Found(self.view.names[nodes[0]], frozenset(nodes))
        number = answer.replace(",", "") if _THOUSANDS.fullmatch(answer) else answer
        for value, claims, owners in self._values:
            if (fold(number) or number) == (fold(value) or value):
                return _Found(value, frozenset(owners), claims)
        return _Found("", frozenset())

    @cached_property
    def _values(self) -> list[tuple[str, tuple[Claim, ...], tuple[int, ...]]]:
        """The values that the cited edges and nodes have, each with its claims and owners."""
        found: list[tuple[str, tuple[Claim, ...], tuple[int, ...]]] = []
        for edge, about in edge_attributes(self.candidates, self.view).items():
            for name, value in about:
                if len(value) > _LONGEST_VALUE:
                    continue
                found.append((value, (self._claim(edge, ((name, value),)),), self._ends(edge)))
        for node in self.nodes:
            found += [(value, (claim,), (node,)) for value, claim in self._values_of(node)]
        return found

    def _values_of(self, node: int) -> Iterator[tuple[str, Claim]]:
        view = self.view
        kind = int(view.node_type_ids[node])
        said = [(TYPE, view.node_types[kind])] if kind >= 0 else []
        said += [(DESCRIPTION, view.texts[node])] if view.texts[node] else []
        for name, column in view.node_columns.items():
            said += [(name, format_value(value)) for value in column.of(node)]
        for name, value in said:
            if len(value) > _LONGEST_VALUE:  # no line shows it whole
                continue
            yield value, Claim(head=view.names[node], relation=name, tail=value, node=node)

    @cached_property
    def _starts(self) -> frozenset[int]:
        """The nodes that the question names."""
        return frozenset(node for name in self.named for node in name.nodes)

    def _leading_to(self, found: Sequence["_Found"]) -> tuple[int, ...]:
        """Return the cited edges that lie on a shortest way from what is named to an answer.

        A line holds more than a question needs, and models cite more. All, where nothing is named.
        """
        answers = sorted({node for one in found for node in one.nodes})
        if not self._starts:
            numbers = [cite.number for cite in self.sound if cite.number is not None]
            return self.shown.cited(numbers, self.view, answers)
        kept = {edge for name in self.named for edge in self._ways(name.nodes, answers)}
        return tuple(edge for edge in self.candidates if edge in kept)

    def _ways(self, starts: Collection[int], answers: Iterable[int]) -> Iterator[int]:
        """Yield the cited edges on the shortest ways from ``starts`` to each answer.

        At an answer that is a start itself, because the question lets one choose: all its edges.
        """
        steps = self._steps_from(starts)
        queue = [answer for answer in answers if answer in steps]
        seen = set(queue)
        for node in queue:
            for edge, before in self._beside.get(node, ()):
                if steps[node] == 0:
                    yield edge
                elif steps[before] + 1 == steps[node]:
                    yield edge
                    if before not in seen and steps[before]:
                        seen.add(before)
                        queue.append(before)

    def _steps_from(self, starts: Collection[int]) -> dict[int, int]:
        """Return how many cited edges away from ``starts`` each node is that they lead to."""
        steps, queue = dict.fromkeys(starts, 0), list(starts)
        for node in queue:
            for _, onward in self._beside.get(node, ()):
                if onward not in steps:
                    steps[onward] = steps[node] + 1
                    queue.append(onward)
        return steps

    @cached_property
    def _beside(self) -> dict[int, list[tuple[int, int]]]:
        """The cited edges at each node, with the node at their other end."""
        beside: dict[int, list[tuple[int, int]]] = {}
        for edge in self.candidates:
            head, tail = self._ends(edge)
            beside.setdefault(head, []).append((edge, tail))
            beside.setdefault(tail, []).append((edge, head))
        return beside

    def _is_asked(self, one: "_Found") -> bool:
        return not one.claims and one.nodes <= self._starts

    def _claims(self, edges: Sequence[int], kept: Sequence["_Found"]) -> Iterator[Claim]:
        """Yield a claim for each cited edge, those at an answer first."""
        answers = {node for one in kept if not one.claims for node in one.nodes}
        already = {claim.edge for one in kept for claim in one.claims}
        in_order = sorted(edges, key=lambda edge: answers.isdisjoint(self._ends(edge)))
        yield from (self._claim(edge) for edge in in_order if edge not in already)
        yield from (claim for cite in self.lines for claim in self._misquoted(cite))

    def _claim(self, edge: int, qualifiers: tuple[tuple[str, str], ...] = ()) -> Claim:
        view = self.view
        head, tail = self._ends(edge)
        return Claim(
            head=view.names[head],
            relation=view.relations[int(view.relation_ids[edge])],
            tail=view.names[tail],
            edge=edge,
            qualifiers=qualifiers,
        )

    # what is worked out

    def _worked_out(
        self, text: str, entity: str, claims: Iterable[Claim], *, closed_world: bool = False
    ) -> Draft:
        return Draft(
            text=text,
            entities=(entity,),
            claims=tuple(claims),
            closed_world=closed_world,
            derived=True,
            confidence=CITED,
        )

    def _counted(self, count: int) -> Draft | Abstention:
        cited = set(self.candidates)
        for start, relation, inverse in self._steps():
            there = edges_of(self.view, np.array([start]), relation, inverse=inverse).tolist()
            far = {self._ends(edge)[0 if inverse else 1] for edge in there}
            if set(there) == cited and len(far) == count:
                claims = map(self._claim, there)
                return self._worked_out(str(count), str(count), claims, closed_world=True)
        return refused(
            f"The language model counts {count}, which the facts it cites do not bear out."
        )

    def _steps(self) -> Iterator[tuple[int, int, bool]]:
        """Yield the steps from something the question names along a cited edge."""
        found: dict[tuple[int, int, bool], None] = {}
        for edge in self.candidates:
            relation = int(self.view.relation_ids[edge])
            for start, inverse in zip(self._ends(edge), (False, True), strict=True):
                if any(start in name.nodes for name in self.named):
                    found[start, relation, inverse] = None
        yield from found

    def _confirmed(self) -> Draft | Abstention:
        claims = [self._claim(edge) for edge in self.candidates if self._joins_named(edge)]
        said = {token.folded for token in self.seeds.tokens}
        for name in self.named:
            for node in sorted(name.nodes & set(self.nodes)):
                claims += [c for v, c in self._values_of(node) if {*fold(v).split()} <= said and v]
        if claims:
            return self._worked_out("Yes", "yes", claims)
        return refused(
            "The language model says yes, but cites no fact between the things that are named."
        )

    def _joins_named(self, edge: int) -> bool:
        head, tail = self._ends(edge)
        return any(
            head in one.nodes and tail in other.nodes
            for one in self.named
            for other in self.named
            if one is not other
        )

    def _denied(self) -> Draft | Abstention:
        shown = set(self.shown.edges)
        for start, relation, inverse in self._steps():
            there = edges_of(self.view, np.array([start]), relation, inverse=inverse).tolist()
            others = {n for one in self.named if start not in one.nodes for n in one.nodes}
            far = {end for edge in there for end in self._ends(edge)} - {start}
            examined = len(there) <= _MOST_EXAMINED and shown.issuperset(there)
            if others and examined and not self._come_near(far, others):
                claims = map(self._claim, there)
                return self._worked_out("No", "no", claims, closed_world=True)
        return refused("The language model says no, but cites no facts that rule it out.")

    def _come_near(self, far: Collection[int], others: Collection[int]) -> bool:
        """Whether two steps, either way, lead on to ``others``; also when that is hard to tell."""
        reached = set(far)
        for _ in range(2):
            if not reached.isdisjoint(others):
                return True
            nodes = np.array(sorted(reached), dtype=np.int64)
            sides = (self.view.outgoing, self.view.incoming)
            if sum(int((s.indptr[nodes + 1] - s.indptr[nodes]).sum()) for s in sides) > _MOST_NEAR:
                return True
            for inverse in (False, True):
                for edge in edges_of(self.view, nodes, inverse=inverse).tolist():
                    reached.update(self._ends(edge))
        return not reached.isdisjoint(others)


@dataclass(frozen=True, slots=True)
class _Found:
    """What an answer means: nodes, or a value of them with the claims that say so."""

    name: str
    nodes: frozenset[int]
    claims: tuple[Claim, ...] = ()
