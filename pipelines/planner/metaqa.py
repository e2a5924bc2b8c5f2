"""MetaQA's training questions, regenerated from its graph with the templates of its dev split."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from graphllm.evaluate.suites import METAQA_RELATIONS, metaqa_chain
from graphllm.graph.builder import GraphBuilder
from graphllm.query.plan import Step
from graphllm.retrieval.schema import GraphSchema
from graphllm.retrieval.verbalize import Verbalizer
from graphllm.train.plan_examples import NUM_NEGATIVES, PlanExample, walk

PERSONS = ("directed_by", "written_by", "starred_actors")


def onward(step: Step | None, first: Step) -> list[Step]:
    """Return the steps that can come after one: from a film, or back to films."""
    at_film = step.inverse if step is not None else not first.inverse
    if at_film:
        return [Step(relation) for relation in sorted(set(METAQA_RELATIONS.values()))]
    relation = step.relation if step is not None else first.relation
    return [Step(r, True) for r in (PERSONS if relation in PERSONS else (relation,))]


def wrong_paths(path: tuple[Step, ...], rng: np.random.Generator) -> list[tuple[Step, ...]]:
    """Return a prefix, extensions, and paths with another step, all from the same kind of node."""
    found = [path[:-1]] if len(path) > 1 else []
    longer = onward(path[-1], path[0])
    found += [(*path, longer[i]) for i in rng.integers(len(longer), size=2).tolist()]
    for _ in range(12):
        at = int(rng.integers(len(path)))
        before = path[at - 1] if at else None
        options = onward(before, path[0])
        other = options[int(rng.integers(len(options)))]
        rest = path[at + 1 :]
        if other.inverse == path[at].inverse:
            if rest and rest[0].relation == path[at].relation:
                rest = (Step(other.relation, rest[0].inverse), *rest[1:])
            found.append((*path[:at], other, *rest))
    return [p for p in dict.fromkeys(found) if p != path][:NUM_NEGATIVES]


def metaqa_examples(data: Path, rng: np.random.Generator, num: int) -> Iterator[PlanExample]:
    """Yield ``num`` examples, templates drawn as often as their question type is in training.

    The names are letters for the scorer, so that a template and its path are all there is to a
    question.
    """
    verbalizer = Verbalizer(_schema(data), typed=False)
    mined = json.loads((data / "metaqa" / "templates_mined_from_dev.json").read_text("utf-8"))
    for hop in ("1", "2", "3"):
        templates = mined[hop]["dev_templates"]
        weights = np.sqrt([t["count"] for t in templates])
        drawn = rng.choice(len(templates), size=num // 3, p=weights / weights.sum())
        for i, number in enumerate(drawn.tolist()):
            template = templates[number]
            path = metaqa_chain(template["qtype"])
            texts = [verbalizer.text(walk(p), {}) for p in (path, *wrong_paths(path, rng))]
            wrong = tuple(dict.fromkeys(t for t in texts[1:] if t != texts[0]))
            question = template["template"].replace("[E]", "X")
            yield PlanExample(question, texts[0], wrong, f"metaqa {hop} {i // 8}", "metaqa")
            if i % 3 == 0:
                yield from _beginnings(question, path, verbalizer, rng, f"metaqa b{hop} {i // 24}")


def _beginnings(
    question: str,
    path: tuple[Step, ...],
    verbalizer: Verbalizer,
    rng: np.random.Generator,
    group: str,
) -> Iterator[PlanExample]:
    for at in range(len(path)):
        others = [s for s in onward(path[at - 1] if at else None, path[0]) if s != path[at]]
        chosen = rng.permutation(len(others))[:NUM_NEGATIVES].tolist()
        paths = [path[: at + 1], *((*path[:at], others[i]) for i in chosen)]
        texts = [verbalizer.beginning(walk(p), {}) for p in paths]
        yield PlanExample(question, texts[0], tuple(texts[1:]), group, "metaqa")


def _schema(data: Path) -> GraphSchema:
    builder = GraphBuilder()
    for line in (data / "metaqa" / "kb.txt").read_text("utf-8").splitlines():
        builder.edge(*line.split("|"))
    return GraphSchema(builder.build())
