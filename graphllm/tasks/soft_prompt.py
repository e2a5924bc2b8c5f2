"""Train soft prompts on questions over a graph of one's own, and measure what they add.

The questions come in two halves that name nothing in common, as for ``graphllm.tasks.adaptation``:
one trains, the other is asked before and after. Asking is what ``ask --llm`` does: link, retrieve,
prompt, reply, and a check of what the reply cites.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from graphllm.errors import ConfigError, DataError
from graphllm.evaluate.metrics import mean
from graphllm.evaluate.provenance import checkout_commit
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.view import GraphView
from graphllm.index.folders import cache_dir
from graphllm.questions import BuiltQuestion
from graphllm.readers.judging import named
from graphllm.readers.lm_reader import LMReader
from graphllm.readers.soft_prompts import spans_of
from graphllm.retrieval.retrievers import DEFAULT_RETRIEVER
from graphllm.tasks.adaptation import AdaptSettings, Progress, built_halves
from graphllm.tasks.before_after import BeforeAfter
from graphllm.tasks.built import is_right
from graphllm.tasks.graph_qa import GraphQA
from graphllm.text.encoder import load_encoder
from graphllm.train.small_examples import facts_of

if TYPE_CHECKING:
    from graphllm.llm import LocalLanguageModel
    from graphllm.models.fact_prompts import Facts
    from graphllm.models.graph_prompter import GraphPrompter
    from graphllm.models.prompted_model import PromptedSettings
    from graphllm.train.run_folder import RunFolder
    from graphllm.train.soft_prompt import HowTrained, Retrieved, SoftExample, SoftPromptTraining
    from graphllm.train.trainer import Trained

NAME = "soft-prompt"  # of the recipe, in the run folder
SCHEMA = "graphllm.soft-prompt/1"
LORA_RANK = 8
AUTO = "auto"
_VALIDATION = 0.1  # share of the questions to train on that tell when to stop
_MOST_VALIDATION = 100
_VALIDATIONS = 12  # in all
_LEAST_STEPS = 10
_EPOCHS = 12  # at most
_MARKING_SHARE = 0.2  # of the time left that the encoder alone may take
_GROUP = 16  # questions that are asked together
_SHARE = 0.85  # of the time left that steps may take; the rest is for validation


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftPromptSettings:
    """How soft prompts are trained on a graph.

    Attributes:
        graph: Where it is, for the record.
        llm: A language model of this machine, which reads the soft prompts.
        lora_rank: Of adapters of it that are trained as well; 0 leaves it frozen.
        topology: Whether a node's vector also says where the node stands in the whole graph.
        question: Whether the encoder is told what the question says: which nodes it names, and
            which nodes and relations are near it in meaning. Not in paper mode.
        encoder: A name in ``graphllm.nn.ENCODERS``.
        hidden_dim: Width of its states.
        num_layers: Of the encoder.
        pooling: As ``graphllm.models.graph_prompter`` has it. ``"auto"`` takes items for a model
            that has tokens for references, queries for others, and the mean in paper mode.
        num_tokens: Soft tokens; with pooling of items, nodes that get one at most.
        paper_mode: The prompter as G-Retriever publishes it: a sigmoid in the projector, batch
            norm, messages from head to tail only, tokens of any length.
        max_tokens: Of question and facts in words; 0 takes what suits the language model.
        max_edges: That are retrieved for a question.
        retriever: Which picks them.
        minutes: For everything, where ``steps`` does not say how long to train.
        steps: Of training; 0 takes as many as ``minutes`` allow on this machine.
        marking_steps: Before them, in which the graph encoder alone learns to mark answers; 0
            leaves that out. None are in the paper.
        num_train: Questions to train on, at most.
        num_held_out: Questions to measure with, at most.
        learning_rate: The highest.
        batch_size: Questions a step.
        patience: Validations without a lower loss that end training.
        precision: "bf16" or "no".
        seed: Of everything drawn.

    Raises:
        ConfigError: A number is out of range.
    """

    graph: str = ""
    llm: str = "small"
    lora_rank: int = 0
    topology: bool = False
    question: bool = True
    encoder: str = "graph_transformer"
    hidden_dim: int = 256
    num_layers: int = 3
    pooling: str = "auto"
    num_tokens: int = 16
    paper_mode: bool = False
    max_tokens: int = 0
    max_edges: int = 64
    retriever: str = DEFAULT_RETRIEVER
    minutes: float = 8.0
    steps: int = 0
    marking_steps: int = 150
    num_train: int = 1_000
    num_held_out: int = 100
    learning_rate: float = 5e-4
    batch_size: int = 8
    patience: int = 3
    precision: str = "bf16"
    seed: int = 0

    @property
    def tells_question(self) -> bool:
        """Whether the encoder is told what the question says."""
        return self.question and not self.paper_mode

    def __post_init__(self) -> None:
        if not 0 < self.minutes <= 7 * 24 * 60:
            raise ConfigError(f"minutes must be above 0 and at most 10080, got {self.minutes:g}")
        for name in ("num_train", "num_held_out", "num_tokens", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be 1 or more, got {getattr(self, name)}")
        for name in ("lora_rank", "steps", "marking_steps", "patience", "seed"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must be 0 or more, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftPromptReport(BeforeAfter):
    """What training soft prompts came to: from text alone, and from soft prompt and text.

    Attributes:
        best_step: After which the loss of validation was lowest.
        loss: Of validation, then.
        llm: The language model.
        folder: Of the run.
    """

    best_step: int
    loss: float
    llm: str
    folder: str

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "schema": SCHEMA,
            "seed": self.seed,
            "llm": self.llm,
            "trained_on": self.num_train,
            "held_out": len(self.asked),
            "text_only_before": mean(self.before).to_dict(),
            "soft_prompt_and_text_after": mean(self.after).to_dict(),
            "difference": self.difference.to_dict(),
            "by_kind": self.by_kind_to_dict(),
            "steps": self.num_steps,
            "best_step": self.best_step,
            "validation_loss": self.loss,
            "minutes": round(self.minutes, 2),
            "run": self.folder,
        }


def train_soft_prompt(
    qa: GraphQA,
    out: Path,
    settings: SoftPromptSettings | None = None,
    *,
    progress: Progress = lambda *_: None,
) -> SoftPromptReport:
    """Train a prompter for the graph of ``qa``, and leave it in the folder ``out``.

    Broken off, the same call goes on where it was. ``GraphQA(llm=out)`` then asks the language
    model with the prompter before it.

    Args:
        qa: Over the graph; its retriever is used.
        out: A new folder, or one of the same run.
        settings: How; the usual ones when ``None``.
        progress: Told ``(stage, done, total)``.

    Raises:
        ConfigError: The language model is not on this machine, or ``out`` holds another run.
        DataError: No question can be built over the graph.
    """
    return _Run(qa, out, settings or SoftPromptSettings(), progress).report()


class _Run:
    """One training, from the graph to the report."""

    def __init__(
        self, qa: GraphQA, out: Path, settings: SoftPromptSettings, progress: Progress
    ) -> None:
        from graphllm.models.prompted_model import open_language_model, prompted_over
        from graphllm.train.run_folder import read_run

        self.started = time.monotonic()
        self.qa, self.out, self.progress = qa, out, progress
        before = read_run(out)
        if before is not None and not settings.steps:
            # how many steps the minutes allow was found when the run began
            steps, marking = (
                int(before.settings.get(name, 0)) for name in ("steps", "marking_steps")
            )
            settings = replace(settings, steps=steps, marking_steps=marking)
        self.settings = settings
        self.llm = open_language_model(settings.llm, settings.lora_rank)
        self.made = prompted_settings(settings, self.llm)
        encoder = load_encoder()
        self.prompter = new_prompter(settings, self.llm, encoder.dim)
        self.asks = prompted_over(qa.view, encoder, self.made, self.llm, self.prompter)

    def report(self) -> SoftPromptReport:
        """Train, measure before and after, and leave all of it in the folder."""
        from graphllm.models.prompted_model import save_prompted

        train, held_out = self._questions()
        before_s = time.monotonic()
        before = self._asked(held_out, "asking before", with_soft=False)
        before_s = time.monotonic() - before_s
        training, examples = self._examples(train)
        examples, held_back = self._parted(examples)
        self._mark(training, examples, held_back, self._left_s() - before_s)
        how = self._how(training, examples, self._left_s() - before_s)
        folder = self._folder(how)
        trained = self._train(training, examples, held_back, how, folder)
        save_prompted(self.out, self.made, self.llm, self.prompter)
        found = SoftPromptReport(
            before=before,
            after=self._asked(held_out, "asking after", with_soft=True),
            asked=tuple(held_out),
            num_train=len(examples) + len(held_back),
            num_steps=trained.num_steps,
            best_step=trained.best_step,
            loss=dict(trained.measured or {}).get("loss", math.nan),
            minutes=(time.monotonic() - self.started) / 60,
            llm=self.settings.llm,
            folder=str(self.out),
            seed=self.settings.seed,
        )
        folder.report({"recipe": NAME, **found.to_dict()})
        return found

    def _left_s(self) -> float:
        """Return how much of the minutes is left, in seconds."""
        return 60 * self.settings.minutes - (time.monotonic() - self.started)

    # questions

    def _questions(self) -> tuple[list[BuiltQuestion], list[BuiltQuestion]]:
        """Return the two halves: of each, what facts in words can answer."""
        settings = self.settings
        halves = built_halves(
            self.qa.view,
            self.qa.taught,
            AdaptSettings(
                num_train=settings.num_train,
                num_held_out=settings.num_held_out,
                seed=settings.seed,
            ),
            self.progress,
        )
        train, held_out = (
            [question for question in half if facts_of(question, self.qa.view) is not None]
            for half in halves
        )
        if not train or not held_out:
            raise DataError(
                "no question over this graph has an answer that facts in words give: soft prompts"
                " cannot be trained on it"
            )
        return train, held_out

    def _examples(
        self, questions: Sequence[BuiltQuestion]
    ) -> tuple["SoftPromptTraining", list["SoftExample"]]:
        from graphllm.train.soft_prompt import SoftPromptTraining, TokenTable, example_of

        qa, prompts, llm = self.qa, self.asks.prompts, self.llm
        found = retrieved(
            qa, [q.question for q in questions], self.settings.max_edges, cache_dir(), self.progress
        )
        examples = []
        for number, (question, one) in enumerate(zip(questions, found, strict=True)):
            self.progress("writing prompts", number, len(questions))
            if len(one.subgraph.edges):
                facts = answer_of(question, qa.view)
                examples.append(
                    example_of(
                        one,
                        facts,
                        prompts,
                        llm.count_tokens,
                        self.made.num_soft,
                        self.asks.questions,
                    )
                )
        if not examples:
            raise DataError("nothing was retrieved for any question; try another retriever")
        self.progress("reading names", 0, 1)
        parts = [one.subgraph for one in found]
        table = TokenTable.of(qa.view, self.asks.tokenizer, parts)
        self.progress("reading names", 1, 1)
        return SoftPromptTraining(self.prompter, llm, prompts, table), examples

    # training

    def _parted(
        self, examples: Sequence["SoftExample"]
    ) -> tuple[list["SoftExample"], list["SoftExample"]]:
        """Return what is trained on, and what tells when to stop."""
        order = np.random.default_rng((self.settings.seed, 3)).permutation(len(examples)).tolist()
        num = min(round(_VALIDATION * len(examples)), _MOST_VALIDATION)
        return [examples[i] for i in order[num:]], [examples[i] for i in order[:num]]

    def _mark(
        self,
        training: "SoftPromptTraining",
        examples: Sequence["SoftExample"],
        held_back: Sequence["SoftExample"],
        left_s: float,
    ) -> None:
        """Let the graph encoder learn to mark answers, unless what follows has begun."""
        from graphllm.train.run_folder import RunFolder
        from graphllm.train.soft_prompt import mark_answers, seconds_a_marking_step

        settings = self.settings
        if settings.paper_mode or RunFolder(self.out, {}).checkpoint.is_file():
            return
        if not settings.steps and (step_s := seconds_a_marking_step(training, examples)):
            most = int(max(_MARKING_SHARE * left_s / step_s, 0))
            self.settings = replace(settings, marking_steps=min(settings.marking_steps, most))
        mark_answers(
            training,
            examples,
            held_back,
            steps=self.settings.marking_steps,
            seed=settings.seed,
            on_step=lambda step: self.progress("marking answers", step.step, step.num_steps),
        )

    def _how(
        self, training: "SoftPromptTraining", examples: Sequence["SoftExample"], left_s: float
    ) -> "HowTrained":
        """Return how to train: as long as was said, or as the time left allows."""
        from graphllm.train.soft_prompt import HowTrained, batches_of, seconds_a_step

        settings = self.settings
        how = HowTrained(
            steps=max(settings.steps, 1),
            learning_rate=settings.learning_rate,
            batch_size=settings.batch_size,
            patience=settings.patience,
            precision=settings.precision,
            seed=settings.seed,
        )
        steps = settings.steps
        if not steps:
            self.progress("training", 0, 1)
            most = _EPOCHS * batches_of(examples, how).per_epoch
            step_s = seconds_a_step(training, examples, how)
            steps = int(min(max(_SHARE * left_s / step_s, _LEAST_STEPS), most))
        return how._replace(steps=steps, validate_every=max(-(-steps // _VALIDATIONS), 1))

    def _folder(self, how: "HowTrained") -> "RunFolder":
        from graphllm.assets import prompt_file
        from graphllm.train.run_folder import RunFolder

        folder = RunFolder.open(self.out, NAME, replace(self.settings, steps=how.steps))
        folder.use("graph", self.qa.view.content_hash)
        folder.use("prompts/soft_prompt/answer", prompt_file("soft_prompt/answer").content)
        return folder

    def _train(
        self,
        training: "SoftPromptTraining",
        examples: Sequence["SoftExample"],
        held_back: Sequence["SoftExample"],
        how: "HowTrained",
        folder: "RunFolder",
    ) -> "Trained":
        from graphllm.train.soft_prompt import train_prompter
        from graphllm.train.trainer import Progress as Step

        def told(step: Step) -> None:
            folder.log(step)
            self.progress("training", step.step, step.num_steps)

        return train_prompter(
            training,
            examples,
            held_back,
            how,
            count_tokens=self.llm.count_tokens,
            checkpoint=folder.checkpoint,
            on_step=told,
        )

    # asking

    def _asked(
        self, questions: Sequence[BuiltQuestion], stage: str, *, with_soft: bool
    ) -> Bool[np.ndarray, "n"]:
        """Return whether each question is answered right, or declined where it has no answer."""
        reader = LMReader(
            self.qa.reader.linker,
            self.qa.retriever,
            self.llm,
            self.qa.reader.planner.schema,
            prompter=self.asks if with_soft else self.asks.without_soft(),
        )
        right = np.zeros(len(questions), dtype=np.bool_)
        for first in range(0, len(questions), _GROUP):
            self.progress(stage, first, len(questions))
            some = questions[first : first + _GROUP]
            for number, reading in enumerate(reader.read_many([q.question for q in some]), first):
                given = reading.draft.entities if reading.draft else ()
                right[number] = is_right(given, questions[number])
        self.progress(stage, len(questions), len(questions))
        return right


def prompted_settings(
    settings: SoftPromptSettings, llm: "LocalLanguageModel"
) -> "PromptedSettings":
    """Return how the language model is asked, as settings of a training say."""
    from graphllm.models.fact_prompts import FactSettings, ReplyForm
    from graphllm.models.prompted_model import PromptedSettings, fingerprint
    from graphllm.tokenizers.topology import TopologySettings

    by_item = pooling_of(settings, llm) == "items"
    form = ReplyForm.of(llm.has_references)
    return PromptedSettings(
        llm=_findable(settings.llm),
        facts=FactSettings(
            form=form,
            max_tokens=settings.max_tokens or form.usual_tokens,
            max_edges=settings.max_edges,
            num_items=settings.num_tokens if by_item else 0,
        ),
        topology=TopologySettings() if settings.topology else None,
        tells_question=settings.tells_question,
        lora_rank=settings.lora_rank,
        num_soft=0 if by_item else settings.num_tokens,
        weights=fingerprint(llm),
    )


def pooling_of(settings: SoftPromptSettings, llm: "LocalLanguageModel") -> str:
    """Return what gets soft tokens: as the settings say, or as suits the language model."""
    if settings.pooling != AUTO:
        return settings.pooling
    if settings.paper_mode:
        return "mean"
    return "items" if llm.has_references else "queries"


def _findable(llm: str) -> str:
    """Return the name of a model that means the same from another folder."""
    path = Path(llm).expanduser()
    return str(path.absolute()) if path.is_dir() else llm


def new_prompter(
    settings: SoftPromptSettings, llm: "LocalLanguageModel", text_dim: int
) -> "GraphPrompter":
    """Return a prompter for a language model that has learnt nothing yet."""
    import torch

    from graphllm.models.graph_prompter import GraphPrompter, PrompterSettings
    from graphllm.models.prompted_model import embedding_mean, embedding_norm
    from graphllm.tokenizers.question import EDGE_MARKS, node_marks
    from graphllm.tokenizers.topology import TopologySettings

    torch.manual_seed(settings.seed)
    topology_dim = TopologySettings().dim if settings.topology else 0
    paper, pooling = settings.paper_mode, pooling_of(settings, llm)
    marks = (node_marks(text_dim), EDGE_MARKS) if settings.tells_question else (0, 0)
    made = PrompterSettings(
        in_dim=text_dim + topology_dim + marks[0],
        edge_dim=text_dim + marks[1],
        model_dim=llm.model_dim,
        embedding_norm=None if paper else embedding_norm(llm),
        encoder=settings.encoder,
        hidden_dim=settings.hidden_dim,
        num_layers=settings.num_layers,
        pooling=pooling,
        num_tokens=1 if pooling == "items" else settings.num_tokens,
        projector_dim=2 * settings.hidden_dim if paper else None,
        activation="sigmoid" if paper else "gelu",
        norm="batch" if paper else "layer",
        both_ways=not paper,
    )
    prompter = GraphPrompter(made).to(llm.module.device)
    if not paper:
        prompter.projector.start_at(embedding_mean(llm))
    return prompter


def answer_of(question: BuiltQuestion, view: GraphView) -> "Facts":
    """Return what answers a built question."""
    from graphllm.models.fact_prompts import Facts

    found = facts_of(question, view)
    return Facts() if found is None else Facts(found.answers, found.words, found.edges)


# Retrieval, once for each question


def retrieved(
    qa: GraphQA,
    questions: Sequence[str],
    max_edges: int,
    folder: Path,
    progress: Progress = lambda *_: None,
    *,
    made_by: str = "",
) -> list["Retrieved"]:
    """Return what is retrieved for each question; kept in ``folder``, so that it is found once.

    Args:
        made_by: The code that retrieves: other code does not use what it kept. By default that of
            the package and, in a checkout, its commit.
    """
    from graphllm.train.example_cache import ExampleCache

    scorer = qa.reader.planner.scorer
    of = (
        "retrieved/1", qa.view.content_hash, type(qa.retriever).__name__, max_edges,
        scorer.id if scorer else "", sorted(map(str, qa.taught.lessons.values())),
        made_by or f"{version('graphllm')} {checkout_commit()}",
    )  # fmt: skip
    cache = ExampleCache(folder / "retrieved", of=repr(of))

    def compute(some: list[str]) -> list[dict[str, np.ndarray]]:
        return [_as_arrays(qa, question, max_edges) for question in some]

    found = cache.fill(
        questions, compute, batch=32, progress=lambda d, t: progress("retrieving", d, t)
    )
    return [_from_arrays(q, arrays) for q, arrays in zip(questions, found, strict=True)]


def _as_arrays(qa: GraphQA, question: str, max_edges: int) -> dict[str, np.ndarray]:
    seeds = qa.reader.linker.link(question)
    part = qa.retriever.retrieve(seeds, max_edges=max_edges)
    spans = spans_of(seeds, named(seeds))
    rows = [(start, end, node) for start, end, nodes in spans for node in nodes]
    return {
        "names": np.array(rows, dtype=np.int64).reshape(-1, 3),
        "nodes": part.nodes,
        "edges": part.edges,
        "node_scores": part.node_scores,
        "edge_scores": part.edge_scores,
        "truncated": np.array(part.truncated),
    }


def _from_arrays(question: str, arrays: Mapping[str, np.ndarray]) -> "Retrieved":
    from graphllm.models.fact_prompts import NamedSpan
    from graphllm.train.soft_prompt import Retrieved

    spans: dict[tuple[int, int], list[int]] = {}
    for start, end, node in arrays["names"].tolist():
        spans.setdefault((start, end), []).append(node)
    part = Subgraph(
        nodes=arrays["nodes"],
        edges=arrays["edges"],
        node_scores=arrays["node_scores"],
        edge_scores=arrays["edge_scores"],
        truncated=bool(arrays["truncated"]),
    )
    names = tuple(NamedSpan(start, end, tuple(nodes)) for (start, end), nodes in spans.items())
    return Retrieved(question, names, part)
