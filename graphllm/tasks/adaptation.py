"""Adapt the planner's trained scorer to one graph, from questions that are built over it.

The questions come in two halves that have no name and no seed of phrasings in common. One half
trains; the other is asked before and after, and decides whether the new weights are used.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Bool

from graphllm.errors import ConfigError, DataError
from graphllm.evaluate.metrics import mean
from graphllm.graph import GraphView
from graphllm.graph.folding import fold
from graphllm.graph.taught import Taught
from graphllm.query import to_text
from graphllm.questions import BuiltQuestion, curriculum, questions_for
from graphllm.retrieval.adapted import put_in_force
from graphllm.retrieval.schema import GraphSchema, said_forward
from graphllm.retrieval.scorer import PlanScorer, shipped_scorer, shipped_weights
from graphllm.tasks.before_after import BeforeAfter
from graphllm.tasks.built import is_right
from graphllm.tasks.graph_qa import GraphQA
from graphllm.text.lora import LoraWeights, read_lora
from graphllm.train.pace import NO_RATE, TRIED_STEPS, seconds_of_steps
from graphllm.train.plan_examples import PlanExample, of_graph

if TYPE_CHECKING:
    from graphllm.train.plan_scorer import PlanEncoder

SCHEMA = "graphllm.adapted-planner/1"
_DRAWS = 40  # times that questions are built until there are enough
_GROUP = 24  # questions that are trained on together
_REPLAYED = 0.5  # questions over invented graphs, for each over this one: what must not be lost
_EPOCHS = 6  # at most: more would learn the questions by heart
_NEVER_FEWER = 5  # steps
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptSettings:
    """How a planner is adapted.

    Attributes:
        minutes: For everything: building questions, asking, training.
        num_train: Questions to train on, at most.
        num_held_out: Questions to measure with, at most.
        learning_rate: A third of what the shipped weights were trained with: they are the start.
        seed: Of everything drawn.
    """

    minutes: float = 5.0
    num_train: int = 1_200
    num_held_out: int = 150
    learning_rate: float = 2e-4
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.minutes <= 24 * 60:
            raise ConfigError(f"minutes must be between 0 and 1440, got {self.minutes:g}")
        if min(self.num_train, self.num_held_out) < 1:
            raise ConfigError("there must be a question to train on, and one to measure with")
        if self.seed < 0:
            raise ConfigError(f"the seed must be 0 or more, got {self.seed}")


class Halves(NamedTuple):
    """Questions over one graph; no name of one half stands in the other."""

    train: tuple[BuiltQuestion, ...]
    held_out: tuple[BuiltQuestion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptation(BeforeAfter):
    """What adapting a planner came to: asked of the shipped planner, and of the adapted one.

    Attributes:
        is_interrupted: Whether training was broken off.
        is_kept: Whether the weights are used from now on.
    """

    is_interrupted: bool
    is_kept: bool

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "schema": SCHEMA,
            "seed": self.seed,
            "trained_on": self.num_train,
            "held_out": len(self.asked),
            "before": mean(self.before).to_dict(),
            "after": mean(self.after).to_dict(),
            "difference": self.difference.to_dict(),
            "by_kind": self.by_kind_to_dict(),
            "steps": self.num_steps,
            "minutes": round(self.minutes, 2),
            "interrupted": self.is_interrupted,
            "kept": self.is_kept,
        }


def adapt_planner(
    qa: GraphQA,
    settings: AdaptSettings | None = None,
    *,
    out: Path | None = None,
    progress: Progress = lambda *_: None,
) -> Adaptation:
    """Train the plan scorer on questions over the graph of ``qa``; keep it where it helps.

    The weights are kept with the graph when no smaller share of the held-out questions is answered
    right with them; whoever opens the graph afterwards uses them. Interrupted in training, it goes
    on with what was learnt until then.

    Args:
        qa: Over a file or an index.
        settings: How; the usual ones when ``None``.
        out: A folder in which to leave the weights as well, kept or not.
        progress: Told ``(stage, done, total)``.

    Raises:
        DataError: No question can be built over the graph.
        ConfigError: The graph is only in memory, and there is no ``out``.
    """
    settings = settings or AdaptSettings()
    if qa.kept is None and out is None:
        raise ConfigError("a graph in memory keeps nothing; say where with out=")
    started = time.monotonic()
    halves = built_halves(qa.view, qa.taught, settings, progress)
    before = _asked(qa, shipped_scorer(), halves.held_out, "asking before", progress)
    asking_s = time.monotonic() - started
    left_s = 60 * settings.minutes - 2 * asking_s
    trained = _trained(examples_of(qa, halves.train, settings), settings, left_s, progress)
    folder = out or (qa.kept.planner.parent if qa.kept else Path())
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".adapting-") as unfinished:
        weights = Path(unfinished) / "adapter.safetensors"
        _save(weights, trained.weights)
        after = _asked(qa, PlanScorer.load(weights), halves.held_out, "asking after", progress)
        found = Adaptation(
            before=before,
            after=after,
            asked=halves.held_out,
            num_train=len(halves.train),
            num_steps=trained.num_steps,
            minutes=(time.monotonic() - started) / 60,
            is_interrupted=trained.is_interrupted,
            is_kept=bool(qa.kept and after.sum() >= before.sum()),
            seed=settings.seed,
        )
        if out is not None:
            _save(out / "adapter.safetensors", trained.weights)
        if found.is_kept and qa.kept is not None:
            _save(moved := qa.kept.planner.with_suffix(".unfinished"), trained.weights)
            put_in_force(qa.kept.planner, moved, found.to_dict())
    return found


# Questions


def built_halves(
    view: GraphView, taught: Taught, settings: AdaptSettings, progress: Progress = lambda *_: None
) -> Halves:
    """Return questions over ``view`` to train on and to measure with.

    A name is of one half or the other, by a hash; a question belongs to the half of all its names.

    Raises:
        DataError: There are too few: the labels of the graph do not read as English.
    """
    train = _half(view, taught, settings, 0, settings.num_train, progress)
    told = {question.question for question in train}
    held_out = [
        question
        for question in _half(view, taught, settings, 1, settings.num_held_out, progress)
        if question.question not in told
    ]
    if not train or not held_out:
        raise DataError(
            "no questions can be built over this graph: few of its labels read as English words;"
            " say what they mean: graphllm teach FILE 'R17 means \"supplies\"'"
        )
    return Halves(tuple(train), tuple(held_out))


def _half(
    view: GraphView,
    taught: Taught,
    settings: AdaptSettings,
    half: int,
    num: int,
    progress: Progress,
) -> list[BuiltQuestion]:
    rng = np.random.default_rng((settings.seed, half))
    found: dict[str, BuiltQuestion] = {}
    glossaries = list(_glossaries(taught))
    for draw in range(_DRAWS):
        progress("building questions", half * num + len(found), 2 * num)
        built = questions_for(view, rng, num, glossary=glossaries[draw % len(glossaries)])
        own = [q for q in built if _side(q, view, settings.seed) == half]
        found.update((q.question, q) for q in own)
        if len(found) >= num or not built:
            break
    return list(found.values())[:num]


def _glossaries(taught: Taught) -> Iterator[dict[str, str]]:
    """Yield words for the relations that were taught, so that each phrase has its turn."""
    said = {
        relation: [words for words in map(said_forward, meant) if words]
        for relation, meant in taught.phrases.items()
    }
    for turn in range(max(map(len, said.values()), default=1)):
        yield {relation: of[turn % len(of)] for relation, of in said.items() if of}


def _side(question: BuiltQuestion, view: GraphView, seed: int) -> int | None:
    """Return the half that all names of a question are of; of one without names, its plan's."""
    named = [view.find_key(key) for mention in question.mentions for key in mention.keys]
    texts = [fold(view.names[node]) for node in named if node is not None]
    if not texts:
        texts = [to_text(question.plan)] if question.plan else [question.question]
    sides = {sha256(f"{seed} {text}".encode("utf-8", "replace")).digest()[0] & 1 for text in texts}
    return sides.pop() if len(sides) == 1 else None


def examples_of(
    qa: GraphQA, questions: Sequence[BuiltQuestion], settings: AdaptSettings
) -> list[PlanExample]:
    """Return what is trained on: these questions, and some over invented graphs."""
    rng = np.random.default_rng((settings.seed, 2))
    schema = GraphSchema(qa.view, qa.taught)
    found: list[PlanExample] = []
    for first in range(0, len(questions), _GROUP):
        some = questions[first : first + _GROUP]
        group = f"own {first // _GROUP}"
        found += of_graph(qa.view, some, rng, group=group, source="own", schema=schema)
    num_graphs = max(round(_REPLAYED * len(questions) / _GROUP), 1)
    for number, (built, asked) in enumerate(curriculum(rng, num_graphs, _GROUP)):
        found += of_graph(built.graph, asked, rng, group=f"c{number}", source="curriculum")
    return found


# Training


class _Trained(NamedTuple):
    weights: LoraWeights
    num_steps: int
    is_interrupted: bool


def _trained(
    examples: Sequence[PlanExample], settings: AdaptSettings, left_s: float, progress: Progress
) -> _Trained:
    """Train from the shipped weights for about ``left_s`` seconds; an interrupt ends it."""
    from graphllm.train.plan_scorer import Batches, PlanEncoder, train_plan_scorer
    from graphllm.train.trainer import Progress as Step
    from graphllm.train.trainer import TrainSettings

    started = time.monotonic()
    progress("training", 0, 1)
    start = shipped_weights()
    encoder = PlanEncoder(start=None if start is None else read_lora(start))
    batches = Batches(examples, settings.seed)
    step_s = _seconds_a_step(encoder, examples)
    left_s -= time.monotonic() - started
    num_steps = int(min(max(left_s / step_s, _NEVER_FEWER), _EPOCHS * batches.per_epoch))
    done = 0

    def told(step: Step) -> None:
        nonlocal done
        done = step.step
        progress("training", done, num_steps)

    how = TrainSettings(
        num_steps=num_steps, learning_rate=settings.learning_rate, seed=settings.seed
    )
    try:
        train_plan_scorer(encoder, examples, how, on_step=told)
    except KeyboardInterrupt:
        return _Trained(encoder.lora(), done, is_interrupted=True)
    return _Trained(encoder.lora(), done, is_interrupted=False)


def _seconds_a_step(encoder: "PlanEncoder", examples: Sequence[PlanExample]) -> float:
    """Return how long a step of training takes here, from a few that change nothing."""
    from graphllm.train.plan_scorer import train_plan_scorer
    from graphllm.train.trainer import TrainSettings

    trial = TrainSettings(num_steps=TRIED_STEPS, learning_rate=NO_RATE)
    return seconds_of_steps(lambda told: train_plan_scorer(encoder, examples, trial, on_step=told))


def _save(path: Path, weights: LoraWeights) -> None:
    from graphllm.train.plan_scorer import save_lora

    save_lora(path, weights)


# Measuring


def _asked(
    qa: GraphQA,
    scorer: PlanScorer | None,
    questions: Sequence[BuiltQuestion],
    stage: str,
    progress: Progress,
) -> Bool[np.ndarray, "n"]:
    """Return whether each question is answered right, or declined where it has no answer."""
    reader = qa.reader_with(scorer)
    right = np.zeros(len(questions), dtype=np.bool_)
    for number, question in enumerate(questions):
        progress(stage, number, len(questions))
        draft = reader.read(question.question).draft
        right[number] = is_right(draft.entities if draft else (), question)
    progress(stage, len(questions), len(questions))
    return right
