"""What the plan scorer learns from: questions beside their plan and plans that look like it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphllm.graph.builder import GraphBuilder
from graphllm.graph.view import GraphView
from graphllm.query.plan import Entities, Follow, NodePlan, Plan, Step, children
from graphllm.questions import BuiltQuestion, negatives
from graphllm.questions.inventories import AskedPath
from graphllm.questions.negatives import steps_from
from graphllm.retrieval.schema import GraphSchema
from graphllm.retrieval.verbalize import Verbalizer, letters_of, marked
from graphllm.train.json_lines import read_json_lines, write_json_lines

NUM_NEGATIVES = 6
_UNTYPED = 0.25  # graphs whose types are kept from the texts, so that both forms are learnt
_BEGINNINGS = 0.35  # share of chains that are also asked for step by step


@dataclass(frozen=True, slots=True)
class PlanExample:
    """A question, the text of its plan, and those of wrong plans over the same graph.

    Attributes:
        question: With letters for names.
        positive: The right plan, verbalised.
        negatives: Wrong plans, verbalised.
        group: The graph; other questions of the group give more wrong plans.
        source: Where it comes from.
    """

    question: str
    positive: str
    negatives: tuple[str, ...]
    group: str
    source: str


def of_graph(
    view: GraphView,
    questions: Iterable[BuiltQuestion],
    rng: np.random.Generator,
    *,
    group: str,
    source: str,
    schema: GraphSchema | None = None,
) -> Iterator[PlanExample]:
    """Yield examples of questions that were built over one graph; those without a plan give none.

    Args:
        group: What to call the graph.
        source: What to call where it comes from.
        schema: Of the graph, where it is at hand, or was taught words.
    """
    verbalizer = Verbalizer(schema or GraphSchema(view), typed=bool(rng.random() > _UNTYPED))
    for built in questions:
        if built.plan is None:
            continue
        letters = letters_of([mention.keys for mention in sorted(built.mentions)])
        asked = marked(built.question, [(m.start, m.end) for m in built.mentions])
        wrong = [n.plan for n in negatives(built.plan, view, rng, limit=NUM_NEGATIVES)]
        texts = [verbalizer.text(plan, letters) for plan in (built.plan, *wrong)]
        yield _example(asked, texts, group, source)
        chain = _chain(built.plan)
        if chain and rng.random() < _BEGINNINGS:
            yield from _beginnings(view, asked, chain, verbalizer, letters, rng, group, source)


def _example(question: str, texts: Sequence[str], group: str, source: str) -> PlanExample:
    wrong = tuple(dict.fromkeys(text for text in texts[1:] if text != texts[0]))
    return PlanExample(question, texts[0], wrong, group, source)


def _chain(plan: Plan) -> list[Follow]:
    """Return the steps from the first name of a plan, the shortest beginning first."""
    inside = [part for part in children(plan) if not isinstance(part, Entities)]
    before = _chain(inside[0]) if inside else []
    is_step = isinstance(plan, Follow) and (before or isinstance(plan.source, Entities))
    return [*before, plan] if is_step and isinstance(plan, Follow) else before


def _beginnings(
    view: GraphView,
    question: str,
    chain: Sequence[Follow],
    verbalizer: Verbalizer,
    letters: dict[str, str],
    rng: np.random.Generator,
    group: str,
    source: str,
) -> Iterator[PlanExample]:
    """Yield an example for each step of a chain: this step, against others from the same nodes."""
    for follow in chain:
        others = [step for step in steps_from(follow.source, view) if step != follow.step]
        chosen = rng.permutation(len(others))[:NUM_NEGATIVES].tolist()
        plans: list[NodePlan] = [follow, *(Follow(follow.source, others[i]) for i in chosen)]
        texts = [verbalizer.beginning(plan, letters) for plan in plans]
        yield _example(question, texts, f"{group} begins", source)


def of_asked_paths(
    asked: Sequence[AskedPath], rng: np.random.Generator, *, group_size: int = 8
) -> Iterator[PlanExample]:
    """Yield examples of questions that people wrote, against other paths of the same data.

    Wrong paths are those of other questions, mostly about the same domain, and the right one
    walked the other way.

    Args:
        group_size: How many questions share a group.
    """
    verbalizer = Verbalizer(_inventory(asked), typed=False)
    texts = [verbalizer.text(walk(path.path), {}) for path in asked]
    by_domain: dict[str, list[int]] = {}
    for i, path in enumerate(asked):
        for domain in path.domains or {""}:
            by_domain.setdefault(domain, []).append(i)
    for n, i in enumerate(rng.permutation(len(asked)).tolist()):
        path = asked[i]
        near = by_domain[sorted(path.domains or {""})[0]]
        picked = [near[j] for j in rng.integers(len(near), size=NUM_NEGATIVES).tolist()]
        picked += rng.integers(len(asked), size=2).tolist()
        turned = tuple(Step(s.relation, not s.inverse) for s in path.path)
        wrong = [verbalizer.text(walk(turned), {}), *(texts[j] for j in picked)]
        span = [(path.start, path.end)] if path.end > path.start else []
        chosen = [texts[i], *wrong[:NUM_NEGATIVES]]
        yield _example(
            marked(path.question, span), chosen, f"{path.source} {n // group_size}", path.source
        )


def walk(path: Sequence[Step]) -> NodePlan:
    """Return the plan that walks a path from the one name of a question."""
    plan: NodePlan = Entities(("X",))
    for step in path:
        plan = Follow(plan, step)
    return plan


def _inventory(asked: Sequence[AskedPath]) -> GraphSchema:
    """Return the schema of a graph that only has the relations that are asked for."""
    builder = GraphBuilder()
    for relation in dict.fromkeys(step.relation for path in asked for step in path.path):
        builder.edge("from", relation, "to")
    return GraphSchema(builder.build())


def write_examples(path: Path, examples: Iterable[PlanExample]) -> int:
    """Write examples as JSON lines; return how many."""
    return write_json_lines(path, examples)


def read_examples(path: Path) -> list[PlanExample]:
    """Return the examples of a file of JSON lines.

    Raises:
        DataError: There is no such file, or a line cannot be read; the message says which.
    """
    return read_json_lines(path, _from_record, "a plan example")


def _from_record(record: dict[str, Any]) -> PlanExample:
    negatives = tuple(record["negatives"])
    return PlanExample(**{**record, "negatives": negatives})


def sample_groups(
    examples: Sequence[PlanExample], num: int, rng: np.random.Generator
) -> list[PlanExample]:
    """Return about ``num`` examples, whole groups of them drawn at random."""
    members: dict[str, list[PlanExample]] = {}
    for example in examples:
        members.setdefault(example.group, []).append(example)
    chosen: list[PlanExample] = []
    names = sorted(members)
    for i in rng.permutation(len(names)).tolist():
        if len(chosen) >= num:
            break
        chosen += members[names[i]]
    return chosen
