"""Sample plans that a graph answers, and questions for them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from jaxtyping import Int32

from graphllm.errors import PlanError
from graphllm.graph.columns import Value, format_value
from graphllm.graph.folding import fold
from graphllm.graph.view import GraphView
from graphllm.query.execute import execute
from graphllm.query.lookup import relation_id
from graphllm.query.measure import measure as measure_nodes
from graphllm.query.plan import (
    Aggregate,
    Aggregated,
    Attribute,
    Comparison,
    Condition,
    Count,
    Degree,
    EdgeValues,
    Entities,
    Exists,
    FactsOf,
    Filter,
    Follow,
    GroupCount,
    Grouped,
    HavingStep,
    Intersect,
    Literal,
    NodePlan,
    OfType,
    Plan,
    ShortestPath,
    Step,
    Subtract,
    TopK,
    Union,
    Values,
    children,
)
from graphllm.query.result import PlanResult
from graphllm.query.values import plain_value
from graphllm.questions.asking import Asker
from graphllm.questions.grouping import draw_different, draw_groups, draw_having, next_in_rank
from graphllm.questions.lexicon import Lexicon, MeasureSense, Sense
from graphllm.questions.noise import soil
from graphllm.questions.question import BuiltQuestion, MentionSpan, Refusal
from graphllm.questions.returning import draw_return
from graphllm.questions.schema import AttributeWords
from graphllm.questions.speaker import MARK, Unsayable

MOST_ANSWERS = 40  # people do not ask for lists of hundreds
_MOST_ON_THE_WAY = 300
_MOST_NAMESAKES = 4
_TRIES = 12  # draws before a sampler gives up on one question
_MISSES = 40  # questions given up in a row before it gives up on the graph
_HOPS = (1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4)
_HAVING = 0.25  # share of filters that only ask whether there is a value
_DIFFERENT = 0.2  # share of counts that count values
_EXTREME_VALUE = 0.25  # share of superlatives that ask for the value itself
_NEXT_IN_RANK = 0.25  # share of the rest of several that ask for the last of them alone
_UNSEEN = "\0"  # a relation that only the lexicon knows
Option = TypeVar("Option")
Nodes = Int32[np.ndarray, "num_nodes"]

# How often each kind of question is drawn.
WEIGHTS: Mapping[str, float] = {
    "path": 34, "value": 7, "edge value": 4, "intersection": 7, "union": 3, "difference": 5,
    "filter": 8, "condition": 4, "count": 9, "aggregate": 4, "groups": 8, "superlative": 8,
    "most": 4, "exists": 7, "comparison": 2, "return": 10, "connection": 3, "facts": 2,
    "no edge": 4, "no relation": 4, "no entity": 3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plan, and why it may have no answer."""

    plan: Plan
    refusal: Refusal | None = None


class Sampler:
    """Draws questions over one graph.

    Args:
        view: The graph.
        lexicon: The words for what is in it.
        rng: Draws everything; the same state gives the same questions.
        absent: Steps that people might ask for and the graph lacks.
        untold: Attributes that they might ask for, with the kind that would have them.
        new_name: Returns a name, of a kind of node, that is not in the graph; without it no
            question asks for what is not there.
        dirt: Share of names that are misspelt.
    """

    def __init__(
        self,
        view: GraphView,
        lexicon: Lexicon,
        rng: np.random.Generator,
        *,
        absent: Sequence[Sense] = (),
        untold: Sequence[tuple[str, AttributeWords]] = (),
        new_name: Callable[[str], str] | None = None,
        dirt: float = 0.12,
        domain: str = "",
        schema: str = "",
    ) -> None:
        self.view, self.lexicon, self.rng, self.dirt = view, lexicon, rng, dirt
        self.absent, self.untold, self.new_name = absent, untold, new_name
        self.domain, self.schema = domain, schema
        self.namesakes: dict[str, list[int]] = {}
        for node, name in enumerate(view.names):
            self.namesakes.setdefault(fold(name), []).append(node)
        self.parts = Counter(part for name in self.namesakes for part in _parts(name))
        self.called = set(self.namesakes) | {
            fold(alias) for node in range(view.num_nodes) for alias in view.aliases(node)
        }
        self.sayable = np.array(
            [(label, False) in lexicon.senses for label in view.relations], dtype=np.bool_
        )
        self.walkable = np.flatnonzero(self.sayable[view.relation_ids])
        self.asker = Asker(lexicon, view, rng)

    def questions(
        self, num: int, weights: Mapping[str, float] = WEIGHTS
    ) -> Iterator[BuiltQuestion]:
        """Yield up to ``num`` different questions; fewer when the graph gives no more.

        Args:
            weights: How often each kind of question is drawn.
        """
        names = list(weights)
        chances = np.array([weights[name] for name in names])
        seen: set[str] = set()
        missed = 0
        while len(seen) < num and missed < _MISSES:
            operation = names[int(self.rng.choice(len(names), p=chances / chances.sum()))]
            built = self.draw(operation)
            if built is None or built.question in seen:
                missed += 1
                continue
            missed = 0
            seen.add(built.question)
            yield built

    def draw(self, operation: str) -> BuiltQuestion | None:
        """Return one question of a kind named in ``WEIGHTS``; ``None`` when none was found."""
        draw = getattr(self, "draw_" + operation.replace(" ", "_"))
        self.asker = Asker(self.lexicon, self.view, self.rng)
        for _ in range(_TRIES):
            try:
                drawn = draw()
                built = None if drawn is None else self.build(drawn, operation)
            except (Unsayable, PlanError):  # no words for it, or nothing of the kind in this graph
                continue
            if built is not None:
                return built
        return None

    # From a plan to a question

    def build(self, drawn: Drawn, operation: str) -> BuiltQuestion | None:
        """Return the question for a plan; ``None`` when its answer says nothing."""
        plan = drawn.plan
        result = None if drawn.refusal is Refusal.NO_RELATION else execute(plan, self.view)
        answers = () if result is None else self.answers(plan, result)
        wanted = 1 if drawn.refusal else len(answers)
        if (
            result is not None
            and drawn.refusal is None
            and (not answers or _asks_itself(plan, answers, self))
        ):
            return None
        text, style = self.asker.ask(plan, wanted)
        mentions = list(self.asker.mentions)
        if not mentions and drawn.refusal is not None:
            return None
        names = [self.name(keys) for keys in mentions]
        if drawn.refusal is Refusal.NO_ENTITY:
            return self.of_nobody(text, style, mentions, names, plan)
        noise = ""
        for i, name in enumerate(names):
            if self.rng.random() < self.dirt:
                names[i], what = soil(name, self.rng)
                noise = what or noise
        if names and fold("".join(names)) == "":
            return None
        small = self.rng.random() < (0.6 if style == "terse" else 0.07)
        question, spans = _rendered(text, names, [tuple(k) for k in mentions], small=small)
        if not spans and any(_entities_in(plan)):  # a terse form that leaves the name unsaid
            return None
        return BuiltQuestion(
            question=question,
            mentions=spans,
            plan=None if drawn.refusal is Refusal.NO_RELATION else plan,
            answers=() if drawn.refusal else answers,
            operation=operation if drawn.refusal is None else "path",
            hops=hops(plan),
            style=style,
            noise=noise,
            refusal=drawn.refusal,
            domain=self.domain,
            schema=self.schema,
        )

    def of_nobody(
        self, text: str, style: str, mentions: list[tuple[str, ...]], names: list[str], plan: Plan
    ) -> BuiltQuestion | None:
        """Return the question with a name that no node has."""
        node = self.view.find_key(mentions[0][0])
        if self.new_name is None or node is None:
            return None
        names[0] = self.new_name(self.lexicon.kind_of(node))
        if fold(names[0]) in self.called:
            return None
        keys: list[tuple[str, ...]] = [(), *mentions[1:]]
        question, spans = _rendered(text, names, keys, small=False)
        return BuiltQuestion(
            question=question,
            mentions=spans,
            plan=None,
            answers=(),
            operation="path",
            hops=hops(plan),
            style=style,
            refusal=Refusal.NO_ENTITY,
            domain=self.domain,
            schema=self.schema,
        )

    def name(self, keys: tuple[str, ...]) -> str:
        """Return what to call the nodes with these keys: their name, or an alias of only them."""
        node = self.view.find_key(keys[0])
        if node is None:
            return keys[0]
        aliases = self.view.aliases(node)
        if aliases and len(keys) == 1 and self.rng.random() < 0.4:
            alias = aliases[int(self.rng.integers(len(aliases)))]
            if self.is_own(alias, node):
                return alias
        return self.view.names[node]

    def is_own(self, alias: str, node: int) -> bool:
        """Whether no other node has the alias as its name, or in it."""
        folded = fold(alias)
        own = fold(self.view.names[node])
        mine = folded in _parts(own)
        return self.parts[folded] <= mine and set(self.namesakes.get(folded, [])) <= {node}

    def answers(self, plan: Plan, result: PlanResult) -> tuple[str, ...]:
        """Return the answering names or values."""
        if isinstance(plan, ShortestPath):
            return self.between(result)
        if result.groups:
            return tuple(dict.fromkeys(map(format_value, result.groups)))
        if len(result.nodes):
            return tuple(dict.fromkeys(self.view.names[node] for node in result.nodes.tolist()))
        return tuple(dict.fromkeys(map(format_value, result.values)))

    def between(self, result: PlanResult) -> tuple[str, ...]:
        """Return what lies on the paths between their ends; the ends where nothing does."""
        inner: dict[int, None] = {}
        ends: dict[int, None] = {}
        for path in result.paths:
            seen: dict[int, int] = {}
            for edge in path:
                for node in (int(self.view.heads[edge]), int(self.view.tails[edge])):
                    seen[node] = seen.get(node, 0) + 1
            for node, times in seen.items():
                (inner if times > 1 else ends)[node] = None
        return tuple(dict.fromkeys(self.view.names[node] for node in inner or ends))

    # Drawing nodes and steps

    def pick(self, options: Sequence[Option]) -> Option | None:
        """Return one of the options; ``None`` when there are none."""
        return options[int(self.rng.integers(len(options)))] if len(options) else None

    def chance(self, probability: float) -> bool:
        """Return whether an event of this probability happens."""
        return bool(self.rng.random() < probability)

    def any_node(self) -> int | None:
        """Return an end of a random edge, so that well connected nodes come more often."""
        if not len(self.walkable):
            return None
        edge = int(self.walkable[int(self.rng.integers(len(self.walkable)))])
        return int((self.view.heads if self.chance(0.5) else self.view.tails)[edge])

    def entities(self, node: int) -> Entities | None:
        """Return the node and all its namesakes; a question cannot tell them apart."""
        folded = fold(self.view.names[node])
        same = self.namesakes[folded]
        if not folded or len(same) > _MOST_NAMESAKES or len(self.view.names[node]) > 60:
            return None
        return Entities(tuple(self.view.keys[n] for n in same))

    def steps(self, node: int) -> list[Step]:
        """Return the steps that can be walked from a node and said."""
        found = []
        kind = self.lexicon.kind_of(node)
        for inverse, side in ((False, self.view.outgoing), (True, self.view.incoming)):
            row = side.relation_ids[int(side.indptr[node]) : int(side.indptr[node + 1])]
            for relation in np.unique(row).tolist():
                step = Step(self.view.relations[relation], inverse)
                if self.lexicon.sense(step, kind) is not None:
                    found.append(step)
        return found

    def follow(self, source: NodePlan, step: Step, kind: str) -> NodePlan:
        """Return the plan of a step; both ways where the relation holds both ways."""
        sense = self.lexicon.sense(replace(step, condition=None), kind)
        one = Follow(source, step)
        if sense is None or not sense.twoway or step.condition is not None:
            return one
        forward = Follow(source, replace(step, inverse=False))
        return Union(forward, Follow(source, replace(step, inverse=True)))

    def nodes(self, plan: NodePlan) -> Nodes:
        """Return the nodes that a plan denotes."""
        return execute(plan, self.view).nodes

    def chain(self, num_hops: int, most: int = MOST_ANSWERS) -> tuple[NodePlan, Nodes] | None:
        """Return a chain of steps from a name, and what it reaches."""
        node = self.any_node()
        plan: NodePlan | None = None if node is None else self.entities(node)
        if node is None or plan is None:
            return None
        frontier = np.array([node], dtype=np.int32)
        last: Step | None = None
        walked: list[str] = []
        for hop in range(num_hops):
            at = int(frontier[int(self.rng.integers(len(frontier)))])
            steps = [s for s in self.steps(at) if not self.goes_back(s, last) or self.chance(0.05)]
            last = self.pick([s for s in steps if walked.count(s.relation) < 2])
            if last is None:
                return None
            walked.append(last.relation)
            plan = self.follow(plan, last, self.lexicon.kind_of(at))
            frontier = self.nodes(plan)
            if not 0 < len(frontier) <= (most if hop == num_hops - 1 else _MOST_ON_THE_WAY):
                return None
        return plan, frontier

    def of_kind(self, kind: str) -> Nodes:
        """Return the nodes of a kind."""
        kinds = list(self.lexicon.kinds)
        number = kinds.index(kind) if kind in kinds else -1
        return np.flatnonzero(self.lexicon.kind_ids == number).astype(np.int32)

    def goes_back(self, step: Step, last: Step | None) -> bool:
        """Whether a step may lead back along the last one."""
        if last is None or step.relation != last.relation:
            return False
        senses = self.lexicon.senses.get((step.relation, step.inverse), ())
        return step.inverse != last.inverse or any(sense.words.symmetric for sense in senses)

    def kind_at(self, nodes: Nodes) -> str:
        """Return the kind of all nodes; empty when they differ."""
        kinds = {self.lexicon.kind_of(int(node)) for node in nodes[:5]}
        return kinds.pop() if len(kinds) == 1 else ""

    def base(self) -> tuple[NodePlan, Nodes, str] | None:
        """Return every node of a kind that has a type, or a chain to several nodes."""
        if self.lexicon.types and self.chance(0.5):
            kind = self.pick(list(self.lexicon.types))
            if kind is not None:
                plan = OfType(self.lexicon.types[kind])
                return plan, self.nodes(plan), kind
        found = self.chain(int(self.rng.integers(1, 3)))
        if found is None or len(found[1]) < 2:
            return None
        kind = self.kind_at(found[1])
        return (*found, kind) if kind else None

    def measure(self, kind: str, *, numbers: bool = False) -> MeasureSense | None:
        """Return an attribute of a kind; one that can be ranked or compared when ``numbers``."""
        measures = list(self.lexicon.measures.get(kind, ()))
        if numbers:
            measures = [m for m in measures if m.words.most or m.words.more]
        return self.pick(measures)

    def read(self, sense: MeasureSense, nodes: Nodes) -> list[Value]:
        """Return the values of some nodes, as plans compare them."""
        try:
            found = measure_nodes(self.view, sense.measure, np.sort(nodes))
        except Exception as error:
            raise Unsayable from error
        values = found.values
        if not isinstance(values, np.ndarray) and isinstance(sense.measure, Attribute):
            read = [plain_value(values, row) for row in range(len(values))]
            return [
                text if value is None else value for text, value in zip(values, read, strict=True)
            ]
        rows = (plain_value(values, row) for row in range(len(found.owners)))
        return [value for value in rows if value is not None]

    # One method for each kind of question

    def draw_path(self) -> Drawn | None:
        """Return a chain of steps; long ones are tried more often, as they fail more often."""
        num_hops = _HOPS[int(self.rng.integers(len(_HOPS)))]
        chains = (self.chain(num_hops) for _ in range(2 * num_hops))
        found = next((chain for chain in chains if chain is not None), None)
        return None if found is None else Drawn(found[0])

    def draw_value(self) -> Drawn | None:
        """Return an attribute of what a short chain reaches."""
        found = self.chain(int(self.rng.integers(0, 3)), most=3)
        if found is None:
            return None
        plan, nodes = found
        sense = self.measure(self.kind_at(nodes))
        if sense is None:
            return None
        if isinstance(sense.measure, Attribute):
            return Drawn(Values(plan, sense.measure.name))
        return Drawn(Follow(plan, sense.measure.step))

    def draw_edge_value(self) -> Drawn | None:
        """Return the attribute of the edge between two names."""
        edge, column = self.edge_with_value()
        if edge is None:
            return None
        relation = self.view.relations[int(self.view.relation_ids[edge])]
        head, tail = int(self.view.heads[edge]), int(self.view.tails[edge])
        inverse = self.chance(0.4)
        source, target = (tail, head) if inverse else (head, tail)
        start, end = self.entities(source), self.entities(target)
        if start is None or end is None or len(start.keys) > 1:
            return None
        return Drawn(EdgeValues(start, Step(relation, inverse), column, end))

    def edge_with_value(self) -> tuple[int | None, str]:
        """Return an edge that has an attribute, and the name of the attribute."""
        label = self.pick([r for r in self.lexicon.edge_values if r in self.view.relations])
        if label is None:
            return None, ""
        name = self.lexicon.edge_values[label][0]
        column = self.view.edge_columns.get(name)
        relation = relation_id(self.view, label)
        if column is None:
            return None, ""
        owners = np.unique(column.ids)
        owners = owners[np.asarray(self.view.relation_ids)[owners] == relation]
        return (int(owners[int(self.rng.integers(len(owners)))]) if len(owners) else None), name

    def constraint(self, node: int, avoid: Sequence[NodePlan] = ()) -> NodePlan | None:
        """Return a step from a name, or from what it leads to, that reaches ``node``."""
        step = self.pick(self.steps(node))
        if step is None:
            return None
        around = self.nodes(
            self.follow(Entities((self.view.keys[node],)), step, self.lexicon.kind_of(node))
        )
        other = int(around[int(self.rng.integers(len(around)))])
        source = self.entities(other)
        if source is None or len(source.keys) > 1:
            return None
        back = replace(step, inverse=not step.inverse)
        plan = self.follow(source, back, self.lexicon.kind_of(other))
        return None if plan in avoid or node not in self.nodes(plan) else plan

    def two(self) -> tuple[NodePlan, NodePlan, int] | None:
        """Return two constraints that one node meets."""
        node = self.any_node()
        first = None if node is None else self.constraint(node)
        if node is None or first is None:
            return None
        second = self.constraint(node, (first,))
        return None if second is None else (first, second, node)

    def draw_intersection(self) -> Drawn | None:
        """Return what meets two constraints."""
        if self.chance(0.25):
            return self.filtered_chain()
        found = self.two()
        if found is None or self.kind_at(self.nodes(found[0])) != self.kind_at(
            self.nodes(found[1])
        ):
            return None
        return Drawn(Intersect(found[0], found[1]))

    def filtered_chain(self) -> Drawn | None:
        """Return those at the end of a longer chain that also meet a constraint."""
        found = self.chain(2)
        if found is None or len(found[1]) < 2 or not self.kind_at(found[1]):
            return None
        second = self.constraint(int(found[1][0]))
        if second is None or len(np.intersect1d(self.nodes(second), found[1])) == len(found[1]):
            return None
        return Drawn(Intersect(found[0], second))

    def draw_union(self) -> Drawn | None:
        """Return what one step reaches from either of two names."""
        pair = self.same_step_pair()
        return None if pair is None else Drawn(Union(*pair))

    def same_step_pair(self) -> tuple[NodePlan, NodePlan] | None:
        """Return one step from each of two names of one kind."""
        node = self.any_node()
        step = None if node is None else self.pick(self.steps(node))
        if node is None or step is None:
            return None
        relation = relation_id(self.view, step.relation)
        edges = np.flatnonzero(np.asarray(self.view.relation_ids) == relation)
        other = int(
            (self.view.tails if step.inverse else self.view.heads)[self.pick(edges.tolist())]
        )
        kind = self.lexicon.kind_of(node)
        ends = self.entities(node), self.entities(other)
        if other == node or self.lexicon.kind_of(other) != kind or None in ends:
            return None
        plans = [Follow(end, step) for end in ends if end is not None]
        sense = self.lexicon.sense(step, kind)
        if sense is None or sense.twoway or any(len(self.nodes(p)) > MOST_ANSWERS for p in plans):
            return None
        return plans[0], plans[1]

    def draw_difference(self) -> Drawn | None:
        """Return what meets one constraint and not another."""
        drawn = self.rng.random()
        if drawn < 0.3:
            return self.without_step()
        if drawn < 0.6:
            pair = self.same_step_pair()
            if pair is None or not len(np.intersect1d(self.nodes(pair[0]), self.nodes(pair[1]))):
                return None
            return Drawn(Subtract(*pair))
        found = self.chain(int(self.rng.integers(1, 3)))
        if found is None or len(found[1]) < 3:
            return None
        second = self.constraint(int(found[1][int(self.rng.integers(len(found[1])))]))
        return None if second is None else Drawn(Subtract(found[0], second))

    def without_step(self) -> Drawn | None:
        """Return "ships without an owner"."""
        base = self.base()
        if base is None:
            return None
        plan, nodes, kind = base
        steps = [
            Step(*key)
            for key, senses in self.lexicon.senses.items()
            if len(senses) == 1 and senses[0].source == kind and not senses[0].twoway
        ]
        step = self.pick(steps)
        if step is None:
            return None
        left = np.setdiff1d(nodes, self.nodes(HavingStep(step)))
        return Drawn(Subtract(plan, HavingStep(step))) if 0 < len(left) <= MOST_ANSWERS else None

    def draw_return(self) -> Drawn | None:
        """Return "other ships of the line that owns Arbel", or a path that goes on from it."""
        plan = draw_return(self)
        return None if plan is None else Drawn(plan)

    def draw_filter(self) -> Drawn | None:
        """Return those of several nodes that pass a test of an attribute, or have it at all."""
        if self.chance(_HAVING) and (having := draw_having(self)) is not None:
            return Drawn(having)
        base = self.base()
        filtered = None if base is None else self.filtered(*base)
        return None if filtered is None else Drawn(filtered)

    def filtered(self, plan: NodePlan, nodes: Nodes, kind: str) -> Filter | None:
        """Return the plan with a test that some of its nodes pass, and not all."""
        sense = self.measure(kind)
        if sense is None:
            return None
        values = self.read(sense, nodes)
        if len(set(map(str, values))) < 2:
            return None
        value = values[int(self.rng.integers(len(values)))]
        test = self.test(sense, value)
        if test is None:
            return None
        kept = Filter(plan, sense.measure, *test)
        return kept if 0 < len(self.nodes(kept)) < len(nodes) else None

    def test(self, sense: MeasureSense, value: Value) -> tuple[Comparison, Literal] | None:
        """Return a comparison near a value that is there."""
        words = sense.words
        if isinstance(value, (bool, str)):
            return (Comparison.EQUALS, value) if words.same else None
        if words.same and self.chance(0.25) and not isinstance(value, np.datetime64):
            return Comparison.EQUALS, value
        more = self.chance(0.5)
        if not (words.more if more else words.less):
            return None
        near = self.near(value, is_time=words.is_time)
        return (Comparison.MORE if more else Comparison.LESS), near

    def near(self, value: Value, *, is_time: bool) -> Literal:
        """Return a round number near a value; dates are also compared with years."""
        if isinstance(value, np.datetime64):
            year = int(value.astype("datetime64[Y]").astype(np.int64)) + 1970
            return year if self.chance(0.6) else value
        if is_time and isinstance(value, int):
            return value if self.chance(0.5) else round(value, -1)
        if isinstance(value, int):
            digits = len(str(abs(value)))
            return round(value, 1 - digits) if digits > 1 else value
        if isinstance(value, float):
            return round(value) if abs(value) > 20 else round(value, 1)
        return value

    def draw_condition(self) -> Drawn | None:
        """Return a step over edges whose attribute passes a test."""
        edge, name = self.edge_with_value()
        if edge is None:
            return None
        label = self.view.relations[int(self.view.relation_ids[edge])]
        words = self.lexicon.edge_values[label][1]
        column = self.view.edge_columns[name]
        value = column.of(edge)[0]
        options = [c for c, said in ((Comparison.MORE, words.more), (Comparison.LESS, words.less),
                                     (Comparison.EQUALS, words.same)) if said]  # fmt: skip
        comparison = self.pick(options)
        if comparison is None or isinstance(value, (bool, str)):
            return None
        literal = (
            value
            if comparison is Comparison.EQUALS
            else self.near(value, is_time="{v}" in "".join(words.same))
        )
        inverse = self.chance(0.5)
        node = int((self.view.tails if inverse else self.view.heads)[edge])
        start = self.entities(node)
        sense = self.lexicon.sense(Step(label, inverse), self.lexicon.kind_of(node))
        if start is None or len(start.keys) > 1 or sense is None or sense.twoway:
            return None
        plan = Follow(start, Step(label, inverse, Condition(name, comparison, literal)))
        return Drawn(Count(plan) if self.chance(0.2) else plan)

    def draw_count(self) -> Drawn | None:
        """Return how many a plan finds, of nodes or of different values."""
        if self.chance(_DIFFERENT) and (different := draw_different(self)) is not None:
            return Drawn(different)
        drawn = self.rng.random()
        if drawn < 0.55:
            found = self.chain(int(self.rng.integers(1, 4)), most=400)
            if found is None or (len(found[1]) == 1 and self.chance(0.8)):
                return None  # nobody asks how many birthplaces somebody has
            if self.lexicon.kinds and not self.kind_at(found[1]):
                return None  # nor how many years of birth
            return Drawn(Count(found[0]))
        inner = (
            self.draw_filter()
            if drawn < 0.75
            else self.draw_intersection()
            if drawn < 0.85
            else self.draw_difference()
        )
        if drawn > 0.95 and self.lexicon.types:
            kind = self.pick(list(self.lexicon.types.values()))
            return None if kind is None else Drawn(Count(OfType(kind)))
        if inner is None or not isinstance(inner.plan, Filter | Intersect | Subtract):
            return None
        return Drawn(Count(inner.plan))

    def draw_aggregate(self) -> Drawn | None:
        """Return an average, a sum or an extreme value."""
        base = self.base()
        if base is None:
            return None
        sense = self.measure(base[2], numbers=True)
        if sense is None or not sense.words.more:
            return None
        values = self.read(sense, base[1])
        if len(values) < 2 or any(isinstance(v, (str, bool)) for v in values):
            return None
        options = [Aggregate.MINIMUM, Aggregate.MAXIMUM]
        if not sense.words.is_time:
            options += [Aggregate.AVERAGE, Aggregate.AVERAGE]
        if sense.words.adds:
            options.append(Aggregate.SUM)
        aggregate = self.pick(options)
        return None if aggregate is None else Drawn(Aggregated(base[0], sense.measure, aggregate))

    def draw_groups(self) -> Drawn | None:
        """Return a number for each group of several nodes, or the groups ranked by it."""
        plan = draw_groups(self)
        return None if plan is None else Drawn(plan)

    def draw_superlative(self) -> Drawn | None:
        """Return those of several nodes with the largest or smallest attribute."""
        base = self.base()
        if base is None or len(base[1]) < 3:
            return None
        sense = self.measure(base[2], numbers=True)
        if sense is None or not (sense.words.most or not sense.words.is_time):
            return None
        if any(isinstance(v, (str, bool)) for v in self.read(sense, base[1])):
            return None
        k = 1 if self.chance(0.65) else int(self.rng.integers(2, 6))
        plan = TopK(base[0], sense.measure, k, self.chance(0.45))
        if not (len(self.nodes(plan)) <= k + 1 and k < len(base[1])):
            return None
        if k == 1 and self.chance(_EXTREME_VALUE) and isinstance(sense.measure, Attribute):
            return Drawn(Values(plan, sense.measure.name))
        if 1 < k < 4 and self.chance(_NEXT_IN_RANK):
            return Drawn(next_in_rank(plan)) if len(self.nodes(next_in_rank(plan))) == 1 else None
        return Drawn(plan)

    def draw_most(self) -> Drawn | None:
        """Return "the line that owns the most ships"."""
        base = self.base()
        if base is None or len(base[1]) < 3:
            return None
        step = self.pick(self.steps(int(base[1][0])))
        sense = None if step is None else self.lexicon.sense(step, base[2])
        if step is None or sense is None or sense.leads_to_one or sense.twoway:
            return None
        if self.chance(0.25):
            counted = Filter(base[0], Degree(step), Comparison.MORE, int(self.rng.integers(1, 5)))
            return Drawn(counted) if 0 < len(self.nodes(counted)) < len(base[1]) else None
        plan = TopK(base[0], Degree(step), 1, self.chance(0.15))
        return Drawn(plan) if len(self.nodes(plan)) <= 2 else None

    def draw_exists(self) -> Drawn | None:
        """Return something to be answered by yes or no."""
        drawn = self.rng.random()
        if drawn < 0.65:
            return self.whether_among()
        if drawn < 0.8:
            return self.whether_compared()
        inner = self.draw_filter() if drawn < 0.9 else self.draw_intersection()
        if inner is None or not isinstance(inner.plan, Filter | Intersect):
            return None
        return Drawn(Exists(inner.plan))

    def whether_among(self) -> Drawn | None:
        """Return "does Arbel supply Morna?", true or not."""
        found = self.chain(1 if self.chance(0.75) else 2)
        if found is None:
            return None
        kind = self.kind_at(found[1])
        other = int(found[1][int(self.rng.integers(len(found[1])))])
        if self.chance(0.45):
            same = np.flatnonzero(self.lexicon.kind_ids == self.lexicon.kind_ids[other])
            other = int(same[int(self.rng.integers(len(same)))])
        end = self.entities(other)
        if end is None or not kind or _mentions(found[0], end):
            return None
        return Drawn(Exists(Intersect(found[0], end)))

    def whether_compared(self) -> Drawn | None:
        """Return "was Arbel founded before 1950?", or "is Arbel a ship?"."""
        node = self.any_node()
        start = None if node is None else self.entities(node)
        if node is None or start is None or len(start.keys) > 1:
            return None
        kind = self.lexicon.kind_of(node)
        if kind in self.lexicon.types and self.chance(0.25):
            named = (
                self.lexicon.types[kind]
                if self.chance(0.5)
                else self.pick(list(self.lexicon.types.values()))
            )
            return Drawn(Exists(Intersect(start, OfType(named or self.lexicon.types[kind]))))
        sense = self.measure(kind)
        nodes = np.flatnonzero(self.lexicon.kind_ids == self.lexicon.kind_ids[node]).astype(
            np.int32
        )
        values = [] if sense is None else self.read(sense, nodes)
        value = self.pick(values)
        test = None if sense is None or value is None else self.test(sense, value)
        if sense is None or test is None or not self.read(sense, np.array([node], dtype=np.int32)):
            return None
        return Drawn(Exists(Filter(start, sense.measure, *test)))

    def draw_comparison(self) -> Drawn | None:
        """Return "which is older, Arbel or Morna?"."""
        node = self.any_node()
        if node is None:
            return None
        sense = self.measure(self.lexicon.kind_of(node), numbers=True)
        same = np.flatnonzero(self.lexicon.kind_ids == self.lexicon.kind_ids[node])
        other = int(same[int(self.rng.integers(len(same)))])
        if sense is None or not sense.words.compare or other == node:
            return None
        ends = self.entities(node), self.entities(other)
        if any(end is None or len(end.keys) > 1 for end in ends):
            return None
        values = self.read(sense, np.array(sorted([node, other]), dtype=np.int32))
        if len(values) != 2 or values[0] == values[1]:
            return None
        keys = tuple(end.keys[0] for end in ends if end is not None)
        return Drawn(TopK(Entities(keys), sense.measure, 1, self.chance(0.5)))

    def draw_connection(self) -> Drawn | None:
        """Return how two names are connected."""
        found = self.chain(int(self.rng.integers(2, 5)), most=400)
        if found is None:
            return None
        start = next(iter(_entities_in(found[0])))
        end = self.entities(int(found[1][int(self.rng.integers(len(found[1])))]))
        if end is None or end == start:
            return None
        return Drawn(ShortestPath(start, end))

    def draw_facts(self) -> Drawn | None:
        """Return everything about a name."""
        node = self.any_node()
        start = None if node is None else self.entities(node)
        return None if start is None else Drawn(FactsOf(start))

    def draw_no_edge(self) -> Drawn | None:
        """Return a step that nodes of a kind mostly have, from one that does not."""
        key = self.pick(list(self.lexicon.senses))
        if key is None:
            return None
        step = Step(*key)
        sense = self.pick(self.lexicon.senses[key])
        if sense is None or sense.twoway or (self.lexicon.kinds and not sense.source):
            return None  # a value kept as a node may be one of anything
        without = np.setdiff1d(self.of_kind(sense.source), self.nodes(HavingStep(step)))
        node = self.pick(without.tolist())
        start = None if node is None else self.entities(node)
        if start is None or len(start.keys) > 1:
            return None
        return Drawn(Follow(start, step), Refusal.NO_EDGE)

    def draw_no_relation(self) -> Drawn | None:
        """Return a question for what this graph says of nothing."""
        if self.untold and self.chance(0.35):
            return self.of_untold()
        found = self.pick(list(self.absent))
        if found is None:
            return None
        if found.source not in self.lexicon.kinds:
            return None
        of_kind = self.of_kind(found.source)
        chosen = self.pick(of_kind.tolist())
        start = None if chosen is None else self.entities(chosen)
        if start is None:
            return None
        lexicon = replace(self.lexicon, senses={**self.lexicon.senses, (_UNSEEN, False): (found,)})
        self.asker = Asker(lexicon, self.view, self.rng)
        return Drawn(Follow(start, Step(_UNSEEN)), Refusal.NO_RELATION)

    def of_untold(self) -> Drawn | None:
        """Return a question for an attribute that no node has."""
        kind, words = self.untold[int(self.rng.integers(len(self.untold)))]
        told = [m.words for m in self.lexicon.measures.get(kind, ())]
        known = {said for other in told for said in (*other.nouns, *other.ask)}
        chosen = self.pick(self.of_kind(kind).tolist())
        start = None if chosen is None else self.entities(chosen)
        if start is None or known & {*words.nouns, *words.ask}:
            return None
        unseen = MeasureSense(measure=Attribute(_UNSEEN), words=words)
        measures = {**self.lexicon.measures, kind: (unseen,)}
        self.asker = Asker(replace(self.lexicon, measures=measures), self.view, self.rng)
        return Drawn(Values(start, _UNSEEN), Refusal.NO_RELATION)

    def draw_no_entity(self) -> Drawn | None:
        """Return a chain whose name will be replaced by one that is not there."""
        found = self.chain(int(self.rng.integers(1, 3)))
        if found is None or self.new_name is None:
            return None
        return Drawn(found[0], Refusal.NO_ENTITY)


def _parts(name: str) -> set[str]:
    """Return every run of up to four words of a folded name."""
    words = name.split()
    ends = range(1, len(words) + 1)
    return {" ".join(words[i:j]) for j in ends for i in range(max(0, j - 4), j)}


def hops(plan: Plan) -> int:
    """Return the longest chain of steps in a plan.

    Examples:
        >>> hops(Count(Follow(Follow(Entities(("a",)), Step("r")), Step("s"))))
        2
    """
    inner = max((hops(part) for part in children(plan)), default=0)
    if isinstance(plan, Grouped):
        return inner + len(plan.by.steps)
    return inner + isinstance(plan, Follow | GroupCount | EdgeValues)


def _entities_in(plan: Plan) -> Iterator[Entities]:
    if isinstance(plan, Entities):
        yield plan
    for part in children(plan):
        yield from _entities_in(part)


def _mentions(plan: Plan, entities: Entities) -> bool:
    return any(found == entities for found in _entities_in(plan))


def _asks_itself(plan: Plan, answers: Sequence[str], sampler: Sampler) -> bool:
    """Whether the only answer is what the question names."""
    if not isinstance(plan, NodePlan) or len(answers) > 1:
        return False
    if isinstance(plan, TopK) and isinstance(plan.source, Entities):
        return False
    keys = {key for found in _entities_in(plan) for key in found.keys}
    nodes = [n for n in map(sampler.view.find_key, keys) if n is not None]
    return bool(answers) and answers[0] in {sampler.view.names[n] for n in nodes}


def _rendered(
    text: str, names: Sequence[str], keys: Sequence[tuple[str, ...]], *, small: bool
) -> tuple[str, tuple[MentionSpan, ...]]:
    """Put names in the place of their placeholders, and say where they stand."""
    out: list[str] = []
    length = 0
    spans = []
    first, *rest = text.split(MARK)
    for i, part in enumerate([first, *rest]):
        if i:
            number = ord(part[0]) - 0xE100
            name = names[number].lower() if small else names[number]
            spans.append(MentionSpan(length, length + len(name), keys[number]))
            out.append(name)
            length += len(name)
            part = part[1:]
        said = part.lower() if small else part
        out.append(said)
        length += len(said)
    question = "".join(out)
    return (question[:-1] if question.endswith("..") else question), tuple(spans)
