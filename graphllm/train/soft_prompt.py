"""Training of a prompter, and of adapters of the language model that reads its soft prompts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int32, Int64
from torch import Tensor, nn

from graphllm.errors import DataError
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.view import GraphView
from graphllm.llm import Prompt
from graphllm.llm.local import LocalLanguageModel
from graphllm.models.fact_prompts import FactPrompts, Facts, NamedSpan
from graphllm.models.graph_prompter import GraphPrompter
from graphllm.models.prompted_model import positions, soft_rows
from graphllm.nn import GraphTokens
from graphllm.text.encoder import TextEncoder
from graphllm.tokenizers.features import GraphTokenizer
from graphllm.tokenizers.question import Asked, asked_of, with_question
from graphllm.train.batches import BucketedBatches
from graphllm.train.checkpoint import copied, put_trainable, trainable
from graphllm.train.pace import NO_RATE, TRIED_STEPS, seconds_of_steps
from graphllm.train.trainer import Progress, Trained, TrainSettings, train

_EVAL_BATCH = 16
_MARKED = 32  # examples a step of marking answers
_MARKING_RATE = 1e-3
_MARKING_CHECKS = 8  # validations, in all


class Retrieved(NamedTuple):
    """A question, where it names something, and the part of the graph that bears on it."""

    question: str
    names: tuple[NamedSpan, ...]
    subgraph: Subgraph


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftExample:
    """A question as it is trained on.

    Attributes:
        text: What the model is told in words.
        target: What it should reply.
        nodes: Of the part of the graph.
        edge_index: Head and tail of each edge as places in ``nodes``.
        relation_ids: Of each edge.
        items: Places in ``nodes`` of those that get a soft token; empty when the whole part does.
        answers: Places in ``nodes`` of those that answer; what is not in the part has none.
        asked: What the question says to nodes and edges; ``None`` where the prompter is not told.
        num_tokens: Of the prompt with its target.
    """

    text: str
    target: str
    nodes: Int32[np.ndarray, "num_nodes"]
    edge_index: Int64[np.ndarray, "2 num_edges"]
    relation_ids: Int64[np.ndarray, "num_edges"]
    items: Int64[np.ndarray, "num_items"]
    answers: Int64[np.ndarray, "num_answers"]
    asked: Asked | None = None
    num_tokens: int


def example_of(
    retrieved: Retrieved,
    facts: Facts,
    prompts: FactPrompts,
    count_tokens: Callable[[str], int],
    num_soft: int = 0,
    questions: TextEncoder | None = None,
) -> SoftExample:
    """Return a question with its answer as it is trained on.

    Args:
        questions: Encodes the question, where the prompter is told what it says.
    """
    question, names, subgraph = retrieved
    view = prompts.view
    shown = prompts.shown(question, subgraph)
    text, target = prompts.text(question, names, shown), prompts.target(facts, shown)
    items = positions(subgraph, prompts.items(shown)).numpy()
    ends = np.stack([view.heads[subgraph.edges], view.tails[subgraph.edges]])
    named = [node for name in names for node in name.nodes]
    there = np.intersect1d(np.array(facts.answers, dtype=np.int64), subgraph.nodes)
    return SoftExample(
        text=text,
        target=target,
        nodes=subgraph.nodes,
        edge_index=np.searchsorted(subgraph.nodes, ends).astype(np.int64),
        relation_ids=np.asarray(view.relation_ids[subgraph.edges], dtype=np.int64),
        items=items,
        answers=np.searchsorted(subgraph.nodes, there).astype(np.int64),
        asked=None if questions is None else asked_of(question, named, subgraph, questions),
        num_tokens=count_tokens(text) + count_tokens(target) + num_soft + 2 * len(items),
    )


class TokenTable:
    """The vectors of all nodes and relations that some examples hold, each once.

    Args:
        view: The graph.
        tokenizer: Of that graph.
        nodes: Ids of the nodes, each once, ascending.
        edges: Of each relation one edge between them.
    """

    def __init__(
        self,
        view: GraphView,
        tokenizer: GraphTokenizer,
        nodes: Int32[np.ndarray, "n"],
        edges: Int32[np.ndarray, "r"],
    ) -> None:
        part = Subgraph(
            nodes=nodes,
            edges=edges,
            node_scores=np.ones(len(nodes), np.float32),
            edge_scores=np.ones(len(edges), np.float32),
        )
        made = tokenizer.tokenize(part)
        self._nodes = nodes
        self._x = made.x
        self._edge_attr = made.edge_attr
        row = np.full(len(view.relations), -1, dtype=np.int64)
        row[np.asarray(view.relation_ids[edges])] = np.arange(len(edges))
        self._row = row

    @classmethod
    def of(
        cls, view: GraphView, tokenizer: GraphTokenizer, subgraphs: Sequence[Subgraph]
    ) -> "TokenTable":
        """Return the table of all nodes and relations of some parts of a graph."""
        if not subgraphs:
            raise DataError("no examples to make a table of")
        nodes = np.unique(np.concatenate([part.nodes for part in subgraphs]))
        edges = np.unique(np.concatenate([part.edges for part in subgraphs]))
        _, first = np.unique(view.relation_ids[edges], return_index=True)
        return cls(view, tokenizer, nodes.astype(np.int32), np.sort(edges[first]).astype(np.int32))

    def blind(self) -> "TokenTable":
        """Return a table in which all nodes look alike: a control."""
        found = copy(self)
        found._x = torch.zeros_like(self._x)
        return found

    def tokens(self, example: SoftExample) -> GraphTokens:
        """Return the graph of an example."""
        rows = torch.from_numpy(np.searchsorted(self._nodes, example.nodes))
        attr = None
        if self._edge_attr is not None:
            attr = self._edge_attr[torch.from_numpy(self._row[example.relation_ids])]
        tokens = GraphTokens.single(self._x[rows], torch.from_numpy(example.edge_index), attr)
        return tokens if example.asked is None else with_question(tokens, example.asked)


class SoftPromptTraining(nn.Module):
    """A prompter before a language model; called with examples, it returns their loss.

    Args:
        prompter: Is trained, where its weights ask for gradients.
        llm: Its adapters are, where it has any.
        prompts: Puts soft tokens before a text.
        table: Of the examples.
    """

    def __init__(
        self,
        prompter: GraphPrompter,
        llm: LocalLanguageModel,
        prompts: FactPrompts,
        table: TokenTable,
    ) -> None:
        super().__init__()
        self.prompter = prompter
        self.model = llm.module
        self._llm, self._prompts, self._table = llm, prompts, table

    def train(self, mode: bool = True) -> "SoftPromptTraining":
        """Turn training on, of the language model only where it is trained."""
        super().train(mode)
        self._llm.train(mode)
        return self

    def forward(self, examples: Sequence[SoftExample]) -> Float[Tensor, ""]:
        """Return the mean loss of a token of the targets."""
        return self._llm.loss(self.prompts(examples), [example.target for example in examples])

    def graphs(self, examples: Sequence[SoftExample]) -> GraphTokens:
        """Return the graphs of some examples, side by side."""
        return GraphTokens.collate([self._table.tokens(example) for example in examples])

    def prompts(self, examples: Sequence[SoftExample]) -> list[Prompt]:
        """Return the prompts of some examples, with their soft tokens."""
        tokens = self.graphs(examples)
        items = None
        if self._prompts.settings.num_items:
            items = [torch.from_numpy(example.items) for example in examples]
        soft = soft_rows(self.prompter, tokens, items)
        told = zip(examples, soft, strict=True)
        return [self._prompts.prompt(example.text, rows) for example, rows in told]


class AnswerMarking(nn.Module):
    """Tells from the states of a graph encoder which nodes answer; returns the loss of that.

    Source: Mavromatis & Karypis 2024, GNN-RAG, arXiv 2405.20139, section 4.1, where each node is
    classified as an answer or none; here one softmax is over the nodes of a graph, and the loss is
    the mean cross-entropy of its answers.

    Args:
        training: Its graph encoder is what is trained, with a layer of this module's own.
    """

    def __init__(self, training: SoftPromptTraining) -> None:
        super().__init__()
        self.encoder = training.prompter.encoder
        device = next(self.encoder.parameters()).device
        self.score = nn.Linear(training.prompter.made.hidden_dim, 1, device=device)
        self._graphs = training.graphs

    def forward(self, examples: Sequence[SoftExample]) -> Float[Tensor, ""]:
        """Return the mean loss of some examples, each of which has an answer in its part."""
        tokens = self._graphs(examples).to(self.score.weight.device)
        scores = self.score(self.encoder(tokens)).squeeze(-1).float()
        rows = scores.split([len(example.nodes) for example in examples])
        losses = [
            -row.log_softmax(0)[torch.from_numpy(example.answers)].mean()
            for row, example in zip(rows, examples, strict=True)
        ]
        return torch.stack(losses).mean()


class HowTrained(NamedTuple):
    """What trains a prompter, besides the examples.

    Attributes:
        steps: Optimizer steps.
        learning_rate: The highest.
        batch_size: Examples a step.
        validate_every: Steps between validations.
        patience: Validations without a better one that end training; 0 never does.
        precision: "bf16" or "no".
        seed: Of everything drawn.
    """

    steps: int
    learning_rate: float = 5e-4
    batch_size: int = 8
    validate_every: int = 0
    patience: int = 0
    precision: str = "bf16"
    seed: int = 0

    @property
    def settings(self) -> TrainSettings:
        """As the trainer takes them."""
        return TrainSettings(
            num_steps=self.steps,
            learning_rate=self.learning_rate,
            weight_decay=0.05,
            validate_every=self.validate_every,
            patience=self.patience,
            precision=self.precision,
            seed=self.seed,
            save_every=max(self.validate_every, 50),
        )


def train_prompter(
    training: SoftPromptTraining,
    examples: Sequence[SoftExample],
    held_back: Sequence[SoftExample],
    how: HowTrained,
    *,
    count_tokens: Callable[[str], int],
    checkpoint: Path | None = None,
    on_step: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train, and end with the weights whose loss on ``held_back`` is the lowest.

    Raises:
        TrainingError: The loss is not finite.
    """
    return train(
        training,
        lambda module, batch: module(batch),
        batches_of(examples, how),
        how.settings,
        collate=list,
        weight_of=lambda example: count_tokens(example.target) + 1,
        tokens_of=lambda example: example.num_tokens,
        measure=(lambda _: measured(training, held_back, count_tokens)) if held_back else None,
        checkpoint=checkpoint,
        on_step=on_step,
    )


def mark_answers(
    training: SoftPromptTraining,
    examples: Sequence[SoftExample],
    held_back: Sequence[SoftExample],
    *,
    steps: int,
    seed: int,
    on_step: Callable[[Progress], None] | None = None,
) -> Trained | None:
    """Train the graph encoder to tell answers from other nodes, without the language model.

    A step takes a small part of the time of one through the language model, and an encoder that
    knows the answers has only to learn how to tell them. It ends with the weights that marked the
    answers of ``held_back`` best.

    Returns:
        What was trained; ``None`` where nothing was: ``steps`` is 0, the encoder is frozen, or no
        example has an answer in its part.
    """
    encoder = training.prompter.encoder
    some, checked = (
        [example for example in part if len(example.answers)] for part in (examples, held_back)
    )
    if not (steps and some and any(weight.requires_grad for weight in encoder.parameters())):
        return None
    settings = TrainSettings(
        num_steps=steps,
        learning_rate=_MARKING_RATE,
        weight_decay=0.05,
        precision="no",
        seed=seed,
        validate_every=max(steps // _MARKING_CHECKS, 1),
    )
    torch.manual_seed(seed)
    return train(
        AnswerMarking(training),
        lambda module, batch: module(batch),
        BucketedBatches(some, size=_MARKED, seed=seed),
        settings,
        collate=list,
        measure=(lambda module: _marked(module, checked)) if checked else None,
        on_step=on_step,
    )


def _marked(marking: nn.Module, examples: Sequence[SoftExample]) -> Mapping[str, float]:
    groups = [examples[first : first + _MARKED] for first in range(0, len(examples), _MARKED)]
    total = sum(float(marking(group)) * len(group) for group in groups)
    return {"loss": total / len(examples)}


def batches_of(examples: Sequence[SoftExample], how: HowTrained) -> BucketedBatches[SoftExample]:
    """Return batches of examples of about one length."""
    lengths = [example.num_tokens for example in examples]
    return BucketedBatches(examples, lengths, size=how.batch_size, seed=how.seed)


def measured(
    training: SoftPromptTraining,
    examples: Sequence[SoftExample],
    count_tokens: Callable[[str], int],
) -> Mapping[str, float]:
    """Return the mean loss of a token of the targets."""
    total = tokens = 0.0
    with torch.no_grad():
        for batch in _by_length(examples):
            weight = sum(count_tokens(example.target) + 1 for example in batch)
            total += float(training(batch)) * weight
            tokens += weight
    return {"loss": total / tokens}


def _by_length(examples: Sequence[SoftExample]) -> Iterator[list[SoftExample]]:
    ordered = sorted(examples, key=lambda example: example.num_tokens)
    for first in range(0, len(ordered), _EVAL_BATCH):
        yield ordered[first : first + _EVAL_BATCH]


def seconds_a_step(
    training: SoftPromptTraining, examples: Sequence[SoftExample], how: HowTrained
) -> float:
    """Return how long a step takes here, from a few after which everything is as it was."""
    trial = how._replace(steps=TRIED_STEPS, learning_rate=NO_RATE)
    return _seconds_a_step(training, batches_of(examples, trial), trial.settings)


def seconds_a_marking_step(
    training: SoftPromptTraining, examples: Sequence[SoftExample]
) -> float | None:
    """Return the same of ``mark_answers``; ``None`` where nothing can be marked."""
    some = [example for example in examples if len(example.answers)]
    if not some:
        return None
    trial = TrainSettings(num_steps=TRIED_STEPS, learning_rate=NO_RATE, precision="no")
    return _seconds_a_step(AnswerMarking(training), BucketedBatches(some, size=_MARKED), trial)


def _seconds_a_step(
    module: nn.Module, batches: BucketedBatches[SoftExample], trial: TrainSettings
) -> float:
    before = copied(trainable(module))
    found = seconds_of_steps(
        lambda told: train(
            module,
            lambda module, batch: module(batch),
            batches,
            trial,
            collate=list,
            on_step=told,
        )
    )
    put_trainable(before, module, "the weights before")
    return found
