"""Train and score G-Retriever and its baselines on a suite whose questions have their own graphs.

    settings = GraphQASettings(suite="graphqa-explagraphs", llm="small", method="g_retriever")
    report = run(GRAPH_QA, settings, Path("run"))        # graphllm.train.run_folder
    report = rerun(GRAPH_QA, Path("run"), Path("again"))  # the same weights, bit for bit, on a CPU

The folder of a run also holds ``predictions.jsonl``: each question, what was said, without times.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from graphllm.answer import Usage
from graphllm.errors import ConfigError, DataError
from graphllm.evaluate import Example, Predicted, PublishedPrompt, Suite, load_suite
from graphllm.evaluate.hallucination import Facts, on_lines, read_grounds
from graphllm.evaluate.measure import measure
from graphllm.evaluate.predictions import Prediction, write_predictions
from graphllm.graph.folding import fold
from graphllm.graph.layouts import Layout
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.textualize import textualize
from graphllm.graph.view import GraphView
from graphllm.index import Names
from graphllm.llm.local import LocalLanguageModel
from graphllm.models.g_retriever import (
    GRetriever,
    LearnedTokens,
    SequenceSettings,
    Soft,
    Told,
    default_prompter,
    published_prompter,
    published_tokens,
)
from graphllm.models.graph_prompter import GraphPrompter, PrompterSettings
from graphllm.models.prompted_model import embedding_mean, open_language_model
from graphllm.nn import GraphTokens
from graphllm.retrieval.g_retriever import (
    PrizeSettings,
    named_first,
    nearest_triples,
    published_text,
    retrieve_published,
    whole_graph,
)
from graphllm.retrieval.retriever import MAX_EDGES
from graphllm.tasks.graph_qa import GraphQA
from graphllm.tasks.graph_qa_references import ReferencePrompts, nodes_named, read_references
from graphllm.text.encoder import TextEncoder, load_encoder
from graphllm.text.remembering import Remembering
from graphllm.tokenizers.features import TextTokenizer
from graphllm.tokenizers.question import EDGE_MARKS, asked_of, node_marks, with_question
from graphllm.tokenizers.topology import TopologySettings
from graphllm.train.checkpoint import load_trainable, save_trainable
from graphllm.train.graph_qa import Answering, EpochSettings, train_on_questions
from graphllm.train.run_folder import Recipe, RunFolder, read_run
from graphllm.train.settings_file import from_table
from graphllm.train.trainer import Progress

NAME = "graph-qa"  # of the recipe, in the run folder
PREDICTIONS = "predictions.jsonl"
PUBLISHED = "published"  # the retriever of the paper, beside those of ``RETRIEVERS``
_SHIPPED = "minilm"  # the encoder that retrieval takes
_VIRTUAL_TOKENS = 10
_MOST_GROUNDS = 4  # nodes, and edges, that a label names as its grounds
_AROUND = 24  # tokens that a template puts around a prompt
_KAPING_TRIPLES = 5  # as G-Retriever asks its baseline
_CHECKED_WORDS = frozenset(["yes", "no"])


class Method(NamedTuple):
    """What a model is given of a question and its graph.

    Attributes:
        soft: What soft tokens are made of.
        retrieves: Whether a part of the graph is picked; else all of it is used.
        text: ``"graph"`` in words, the nearest ``"triples"``, or ``""``.
        ending: Words behind the question.
    """

    soft: Soft = Soft.NONE
    retrieves: bool = False
    text: str = "graph"
    ending: str = ""


METHODS = {
    "g_retriever": Method(Soft.GRAPH, retrieves=True),
    "graph_token": Method(Soft.GRAPH, text=""),
    "prompt_tuning": Method(Soft.LEARNED),
    "text": Method(),  # with lora_rank, the published LoRA baseline; without, zero-shot
    "retrieved_text": Method(retrieves=True),
    "question": Method(text=""),
    "zero_cot": Method(ending="Let's think step by step."),
    "cot_bag": Method(ending="Let's construct a graph with the nodes and edges first."),
    "kaping": Method(text="triples"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQASettings:
    """How a method is trained on a suite and scored.

    Attributes:
        suite: A suite whose questions have graphs of their own, with splits to train and stop on.
        data: The folder of data sets; ``""`` takes what ``GRAPHLLM_DATA`` says.
        llm: A language model of this machine.
        method: A name in ``METHODS``.
        lora_rank: Of adapters that are trained; 0 leaves the language model as it is.
        trains_all: Whether the language model itself is trained, every weight of it, as suits a
            small one; not beside adapters.
        text_encoder: Of nodes, relations and questions; see ``load_encoder``.
        retriever: ``""`` takes whole graphs, as published for ExplaGraphs; ``"published"`` the
            prizes of the paper; else a name in ``graphllm.retrieval.retrievers``.
        max_edges: That another retriever than the published one gives at most.
        edge_pool: Edges that these are chosen from, those between things that the question names
            first; 0 takes the best of the retriever.
        prizes: Of the published retriever.
        layout: How the graph is written outside of paper mode: ``"published"``, tables as in it but
            never longer than fits, or a name of ``graphllm.graph.layouts.Layout``. Told with
            ``"references"`` a model also answers with references; see
            ``graphllm.tasks.graph_qa_references``.
        gnn: A name in ``graphllm.nn.ENCODERS``.
        hidden_dim: Of the graph encoder; 0 takes the usual one, 1024 in paper mode.
        num_layers: Of the graph encoder; 0 takes the usual number, 4 in paper mode.
        num_tokens: Soft tokens of a graph; one in paper mode.
        task_words: What the vectors of prompt tuning begin as.
        topology: Whether nodes also have topology tokens; not in paper mode.
        shuffles_edges: A control: every edge leads to the tail of another edge of its graph.
        sequence: What the language model reads, and whether all of it is in paper mode.
        training: How long and how fast.
        by_likelihood: Of suites with choices: take the likeliest choice instead of a reply.
        verifies: Keep only answers that the retrieved part holds; not where there are choices.
        grounds: Whether replies also name the nodes and edges that they stand on, which are looked
            up in the graph; see ``with_grounds``.
        num_train: Questions to train on, at most; 0 takes all.
        num_scored: The same for validation and score.
        scored: The split that is scored at the end.
        device: Of the language model.
        seed: Of everything drawn.

    Raises:
        ConfigError: No such method, or settings that do not go together.
    """

    suite: str
    data: str = ""
    llm: str = "small"
    method: str = "g_retriever"
    lora_rank: int = 0
    trains_all: bool = False
    text_encoder: str = _SHIPPED
    retriever: str = ""
    max_edges: int = MAX_EDGES
    edge_pool: int = 0
    prizes: PrizeSettings = field(default_factory=PrizeSettings)
    layout: str = "grouped"
    gnn: str = "graph_transformer"
    hidden_dim: int = 0
    num_layers: int = 0
    num_tokens: int = 8
    task_words: str = "Answer the question about the graph."
    topology: bool = False
    shuffles_edges: bool = False
    sequence: SequenceSettings = field(default_factory=SequenceSettings)
    training: EpochSettings = field(default_factory=EpochSettings)
    by_likelihood: bool = False
    verifies: bool = False
    grounds: bool = False
    num_train: int = 0
    num_scored: int = 0
    scored: str = "test"
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"unknown method {self.method!r}; there are {', '.join(METHODS)}")
        if self.layout not in (PUBLISHED, *Layout):
            known = ", ".join((PUBLISHED, *Layout))
            raise ConfigError(f"unknown layout {self.layout!r}; there are {known}")
        if self.topology and self.paper_mode:
            raise ConfigError("topology tokens are not in the paper: turn them or paper_mode off")
        if self.trains_all and self.lora_rank:
            raise ConfigError("trains_all leaves nothing to adapters: set lora_rank = 0, or it off")
        if self.max_edges < 1 or self.edge_pool < 0:
            raise ConfigError(
                f"max_edges must be 1 or more, and edge_pool 0 or more, got {self.max_edges} and"
                f" {self.edge_pool}"
            )
        if self.trains and self.how.soft is Soft.NONE and not (self.lora_rank or self.trains_all):
            raise ConfigError(
                f"nothing of method {self.method!r} can be trained: give a lora_rank, trains_all,"
                " or epochs = 0"
            )

    @property
    def how(self) -> Method:
        """What the model is given."""
        return METHODS[self.method]

    @property
    def trains(self) -> bool:
        """Whether anything is trained."""
        return self.training.epochs > 0

    @property
    def paper_mode(self) -> bool:
        """Whether sequence, graph encoder and retrieval are the published ones."""
        return self.sequence.paper_mode

    @property
    def by_reference(self) -> bool:
        """Whether replies refer to what was told, and name nothing else."""
        return not self.paper_mode and self.layout == Layout.REFERENCES and self.how.text == "graph"


class Telling:
    """Tells a model what it reads of each question: the part of the graph, in words and tokens.

    Args:
        given: How.
        llm: Counts the tokens of words.
        encoder: Of texts; remembers them.
    """

    def __init__(
        self, given: GraphQASettings, llm: LocalLanguageModel | None, encoder: TextEncoder
    ) -> None:
        self.given, self._llm = given, llm
        self.encoder = encoder if isinstance(encoder, Remembering) else Remembering(encoder)
        self._topology = TopologySettings() if given.topology else None
        self._references: ReferencePrompts | None = None
        if given.by_reference and llm is not None:
            self._references = ReferencePrompts(self._budget(llm), llm.count_tokens)

    @property
    def node_dim(self) -> int:
        """Width of a node's vector."""
        marks = 0 if self.given.paper_mode else node_marks(self.encoder.dim)
        return self.encoder.dim + (self._topology.dim if self._topology else 0) + marks

    @property
    def edge_dim(self) -> int:
        """Width of an edge's vector."""
        return self.encoder.dim + (0 if self.given.paper_mode else EDGE_MARKS)

    def told(
        self, question: str, view: GraphView, prompt: PublishedPrompt | None = None, label: str = ""
    ) -> Told:
        """Return a question as the model reads it.

        Args:
            question: Alone; retrieval goes by it.
            view: Its graph.
            prompt: What is read in its place.
            label: The right reply, where it is known.
        """
        part = self.part(question, view)
        graph = self.tokens(question, view, part) if self.given.how.soft is Soft.GRAPH else None
        if self._references is not None:
            told = self._references.told(question, view, part)
            return told._replace(label=label, graph=graph)
        asked = self._asked(question, prompt)
        return Told(
            question=asked,
            text=self.text(asked, question, view, part),
            label=label,
            graph=graph,
        )

    def _asked(self, question: str, prompt: PublishedPrompt | None) -> str:
        """Return the question with what is around it; before a text nothing asks for an answer."""
        ending = self.given.how.ending
        if self.given.sequence.question_first:
            asked = f"{prompt.context if prompt else ''}{question}"
        else:
            asked = prompt.text if prompt else f"Question: {question}\nAnswer: "
        return f"{asked} {ending}" if ending else asked

    def part(self, question: str, view: GraphView) -> Subgraph:
        """Return the part of the graph that is told."""
        name = self.given.retriever
        if not name or not self.given.how.retrieves:
            return whole_graph(view)
        if name == PUBLISHED:
            return retrieve_published(view, question, self.encoder, self.given.prizes)
        most, pool = self.given.max_edges, self.given.edge_pool
        part = self.over(view).retrieve(question, max_edges=max(most, pool))
        return named_first(view, part, question, most) if pool else part

    def over(self, view: GraphView) -> GraphQA:
        """Return what finds parts of a graph, where the retriever is not the published one."""
        shared = self.encoder if self.given.text_encoder == _SHIPPED else None
        return GraphQA(view, Names.build(view), shared, retriever=self.given.retriever)

    def text(self, asked: str, question: str, view: GraphView, part: Subgraph) -> str:
        """Return the graph in words; ``""`` where the method tells none."""
        kind = self.given.how.text
        if kind == "triples":
            return nearest_triples(view, question, self.encoder, _KAPING_TRIPLES)
        if not kind:
            return ""
        if self.given.paper_mode or self._llm is None:
            return published_text(view, part)
        budget, count = self._budget(self._llm), self._llm.count_tokens
        if self.given.layout == PUBLISHED:
            return fitting_tables(view, part, budget - count(asked), count)
        return textualize(
            view,
            part,
            max_tokens=budget,
            count_tokens=count,
            layout=Layout(self.given.layout),
            question=asked,
        ).text

    def _budget(self, llm: LocalLanguageModel) -> int:
        """Return how many tokens of words fit, beside soft ones and the reply."""
        sequence = self.given.sequence
        if llm.context_tokens is None:
            return sequence.max_text_tokens
        taken = self.given.num_tokens + max(sequence.max_new_tokens, sequence.max_label_tokens)
        return max(min(sequence.max_text_tokens, llm.context_tokens - taken - _AROUND), 1)

    def tokens(self, question: str, view: GraphView, part: Subgraph) -> GraphTokens:
        """Return the part for a graph encoder."""
        if self.given.paper_mode:
            tokens = published_tokens(view, part, self.encoder)
        else:
            tokens = TextTokenizer(view, self.encoder, self._topology).tokenize(part)
            named = nodes_named(question, view)
            tokens = with_question(tokens, asked_of(question, named, part, self.encoder))
        return _shuffled(tokens, self.given.seed) if self.given.shuffles_edges else tokens

    def of_suite(
        self, suite: Suite, progress: Callable[[int, int], None] = lambda *_: None
    ) -> list[Told]:
        """Return every question of a suite, with its label.

        Raises:
            ConfigError: Its questions have no graphs of their own.
        """
        if suite.graph_of is None:
            raise ConfigError(f"the questions of {suite.name} have one graph, not one each")
        found = []
        for number, example in enumerate(suite.examples):
            progress(number, len(suite))
            view = suite.graph_of(example)
            told = self.told(example.question, view, example.prompt)
            found.append(told._replace(label=self._label(example, view, told)))
        progress(len(suite), len(suite))
        return found

    def _label(self, example: Example, view: GraphView, told: Told) -> str:
        if self._references is not None and told.shown is not None:
            return self._references.label(example, view, told.shown)
        label = label_of(example)
        if self._llm is not None and not self.given.paper_mode:
            most = self.given.sequence.max_label_tokens
            label = fitting_label(label, most, self._llm.count_tokens)
        return with_grounds(label, example, view) if self.given.grounds else label


def fitting_tables(
    view: GraphView, part: Subgraph, budget: int, count_tokens: Callable[[str], int]
) -> str:
    """Return the published tables with as many edges as fit, and with fewer nodes if need be."""
    nodes, edges = len(part.nodes), len(part.edges)
    text = published_text(view, part)
    while (tokens := count_tokens(text)) > budget and nodes + edges:
        left = max(budget, 0) / tokens
        if edges:
            edges = min(int(edges * left), edges - 1)
        else:
            nodes = min(int(nodes * left), nodes - 1)
        text = published_text(view, _first(part, nodes, edges))
    return text if nodes else ""


def _first(part: Subgraph, nodes: int, edges: int) -> Subgraph:
    return Subgraph(
        nodes=part.nodes[:nodes],
        edges=part.edges[:edges],
        node_scores=part.node_scores[:nodes],
        edge_scores=part.edge_scores[:edges],
    )


def label_of(example: Example) -> str:
    """Return what a model learns to write: the published label, or the right answers."""
    return example.label or "|".join(example.gold)


def fitting_label(label: str, most: int, count_tokens: Callable[[str], int]) -> str:
    """Return the first answers of a label, whole ones, as many as fit; one at least.

    Examples:
        >>> fitting_label("a b|c d|e", 4, lambda text: len(text.replace("|", " ").split()))
        'a b|c d'
    """
    while "|" in label and count_tokens(label) > most:
        label = label.rpartition("|")[0]
    return label


def with_grounds(label: str, example: Example, view: GraphView) -> str:
    r"""Return a label with what supports it, in the form that ``read_grounds`` reads.

    Those are the nodes that question and answers name, and the edges between them.

    Examples:
        >>> from graphllm.graph import TextualGraph
        >>> graph = TextualGraph.from_triples([("cats", "eat", "fish"), ("cows", "eat", "grass")])
        >>> asked = Example(id=1, question="what do cats eat?", gold=("fish",))
        >>> print(with_grounds("fish", asked, graph))
        fish
        Nodes: cats; fish
        Edges: (cats | eat | fish)
    """
    nodes = nodes_named(" . ".join([example.question, *example.gold]), view)[:_MOST_GROUNDS]
    there = set(nodes)
    ends = zip(view.heads.tolist(), view.relation_ids.tolist(), view.tails.tolist(), strict=True)
    edges = [
        f"({view.names[head]} | {view.relations[relation]} | {view.names[tail]})"
        for head, relation, tail in ends
        if head in there and tail in there
    ]
    names = dict.fromkeys(view.names[node] for node in nodes)
    said = "; ".join(dict.fromkeys(edges[:_MOST_GROUNDS]))
    return f"{label}\nNodes: {'; '.join(names)}\nEdges: {said}"


def _shuffled(tokens: GraphTokens, seed: int) -> GraphTokens:
    """Return the same edges with their tails in another order."""
    draw = torch.Generator().manual_seed(seed * 1_000_003 + tokens.num_edges)
    tails = tokens.edge_index[1, torch.randperm(tokens.num_edges, generator=draw)]
    return replace(tokens, edge_index=torch.stack([tokens.edge_index[0], tails]))


# the model


def new_model(given: GraphQASettings, llm: LocalLanguageModel, telling: Telling) -> GRetriever:
    """Return a model that has learnt nothing yet; draws with the seed of ``given``."""
    torch.manual_seed(given.seed)
    soft: GraphPrompter | LearnedTokens | None = None
    if given.how.soft is Soft.GRAPH:
        soft = GraphPrompter(_prompter(given, llm, telling))
        if not given.paper_mode:
            soft.projector.start_at(embedding_mean(llm))
    elif given.how.soft is Soft.LEARNED:
        soft = LearnedTokens(llm.word_embeddings(given.task_words), _VIRTUAL_TOKENS)
    model = GRetriever(llm, given.sequence, soft)
    return model.to(llm.module.device)


def _prompter(
    given: GraphQASettings, llm: LocalLanguageModel, telling: Telling
) -> PrompterSettings:
    dims = (telling.node_dim, telling.edge_dim)
    if given.paper_mode:
        made = published_prompter(*dims, llm.model_dim)
    else:
        made = default_prompter(llm, *dims, num_tokens=given.num_tokens)
    return replace(
        made,
        encoder=given.gnn,
        hidden_dim=given.hidden_dim or made.hidden_dim,
        num_layers=given.num_layers or made.num_layers,
    )


def open_llm(given: GraphQASettings) -> LocalLanguageModel:
    """Return the language model; adapters are drawn with the seed of ``given``."""
    torch.manual_seed(given.seed)
    options = {"frozen": False} if given.trains_all else {}
    return open_language_model(given.llm, given.lora_rank, device=given.device, **options)


# training


def train_graph_qa(
    given: GraphQASettings, folder: RunFolder, encoder: TextEncoder | None = None
) -> Mapping[str, object]:
    """Train and score as ``given`` says, in a run folder, and return the numbers.

    Args:
        given: All settings.
        folder: Of the run.
        encoder: The one of the settings, where several runs share it, so that it may remember.

    Raises:
        ConfigError: A suite, a model or a setting that is not there.
        DataError: Data are missing, or are not what they were when the run began.
    """
    llm = open_llm(given)
    telling = Telling(given, llm, encoder or load_encoder(given.text_encoder))
    model = new_model(given, llm, telling)
    found: dict[str, object] = {"suite": given.suite, "method": given.method, "llm": llm.id}
    if given.trains:
        found |= _trained(given, folder, model, telling)
    save_trainable(folder.weights, model, {"recipe": NAME})
    suite = _suite(given, given.scored, given.num_scored, folder)
    predictions = scored(model, suite, telling)
    write_predictions(folder.path / PREDICTIONS, predictions)
    return {**found, "split": given.scored, "n": len(predictions), **numbers(predictions)}


def _trained(
    given: GraphQASettings, folder: RunFolder, model: GRetriever, telling: Telling
) -> dict[str, object]:
    parts = {"train": given.num_train, "val": given.num_scored}
    told = {}
    for split, limit in parts.items():
        told[split] = telling.of_suite(_suite(given, split, limit, folder))

    def log(progress: Progress) -> None:
        folder.log(progress)

    done = train_on_questions(
        model,
        told["train"],
        told["val"],
        given.training,
        seed=given.seed,
        checkpoint=folder.checkpoint,
        on_step=log,
    )
    loss = (done.measured or {}).get("loss")
    return {
        "trained_on": len(told["train"]),
        "steps": done.num_steps,
        "best_step": done.best_step,
        "validation_loss": loss,
    }


def _suite(given: GraphQASettings, split: str, limit: int, folder: RunFolder) -> Suite:
    """Return the questions of a split, and note in the folder which they are."""
    data = Path(given.data) if given.data else None
    suite = load_suite(given.suite, data, split)
    if suite.graph_path.is_file():
        folder.use(f"{split}/graphs", suite.graph_path)
    folder.use(f"{split}/questions", repr([(e.id, e.question, e.gold) for e in suite.examples]))
    return suite.sample(limit or None, np.random.default_rng((given.seed, len(split))))


# scoring


def scored(
    model: nn.Module, suite: Suite, telling: Telling, *, batch_size: int = 16
) -> list[Prediction]:
    """Return what a model says to each question of a suite.

    Args:
        model: `Answering`. Of a `GRetriever` the likeliest choice is taken where ``telling`` says
            so, of any other what it generates.
        suite: With a graph for each question.
        telling: Made for the model.
        batch_size: Questions asked at once.
    """
    if suite.graph_of is None:
        raise ConfigError(f"the questions of {suite.name} have one graph, not one each")
    model.eval()
    found = []
    for batch in _batches(suite.examples, batch_size):
        views = [suite.graph_of(example) for example in batch]
        told = [
            telling.told(example.question, view, example.prompt)
            for example, view in zip(batch, views, strict=True)
        ]
        for example, said in zip(batch, _said(model, suite, telling, told, views), strict=True):
            found.append(Prediction(example=example, predicted=said, seconds=0.0))
    return found


def _said(
    model: nn.Module,
    suite: Suite,
    telling: Telling,
    told: Sequence[Told],
    views: Sequence[GraphView],
) -> list[Predicted]:
    by_likelihood = telling.given.by_likelihood and suite.choices
    if by_likelihood and isinstance(model, GRetriever):
        likely = model.log_likelihoods(told, suite.choices)
        return [_likeliest(row, suite.choices) for row in likely]
    verifies = telling.given.verifies and not suite.choices
    replies = cast(Answering, model).generate(told)
    return [
        read_references(reply.text, reply.usage, view, one.shown)
        if one.shown is not None
        else _read(reply.text, reply.usage, view, one.text if verifies else None)
        for reply, view, one in zip(replies, views, told, strict=True)
    ]


def _likeliest(row: Float[Tensor, "num_choices"], choices: Sequence[str]) -> Predicted:
    best = int(row.argmax())
    return Predicted(
        entities=(choices[best],), confidence=float(row.softmax(0)[best]), text=choices[best]
    )


def _read(reply: str, usage: Usage, view: GraphView, held_by: str | None) -> Predicted:
    """Return a reply as a prediction: answers divided by ``|`` or lines, and grounds.

    Args:
        held_by: Text that must hold an answer for it to be kept; ``None`` keeps all.
    """
    reply = on_lines(reply)
    answers = tuple(answers_of(reply))
    if held_by is not None:
        there = f" {fold(held_by)} "
        answers = tuple(one for one in answers if _is_held(fold(one), there))
    grounds = read_grounds(reply)
    named = Facts(view).named(grounds) if grounds.nodes or grounds.edges else None
    return Predicted(
        entities=answers,
        confidence=float(bool(answers)),
        abstained=not answers,
        text=reply,
        named=named,
        usage=usage,
    )


def answers_of(reply: str) -> list[str]:
    r"""Return the answers of a reply, each once: what stands between ``|`` and line ends.

    Examples:
        >>> answers_of("Ada | Bo\nAda\nNodes: Ada; Bo")
        ['Ada', 'Bo']
    """
    lines = [line for line in reply.splitlines() if not line.startswith(("Nodes:", "Edges:"))]
    parts = (part.strip() for line in lines for part in line.split("|"))
    return list(dict.fromkeys(part for part in parts if part))


def _is_held(answer: str, there: str) -> bool:
    return answer in _CHECKED_WORDS or answer.isdecimal() or f" {answer} " in there


def numbers(predictions: Sequence[Prediction]) -> dict[str, object]:
    """Return the averages of some predictions, as plain data without times."""
    return {"means": {name: m.to_dict() for name, m in measure(predictions).items()}}


def _batches(examples: Sequence[Example], size: int) -> Iterator[Sequence[Example]]:
    for first in range(0, len(examples), size):
        yield examples[first : first + size]


class Opened(NamedTuple):
    """A run as it was left, ready to be asked."""

    given: GraphQASettings
    model: GRetriever
    telling: Telling
    llm: LocalLanguageModel


def open_run(path: Path, encoder: TextEncoder | None = None) -> Opened:
    """Return the model of a finished run.

    Args:
        path: The folder of the run.
        encoder: As of `train_graph_qa`.

    Raises:
        DataError: The folder holds no run of this recipe, or a damaged one.
        ConfigError: Its language model is not there.
    """
    record = read_run(path)
    if record is None or record.recipe != NAME:
        raise DataError(f"{path}: holds no run of {NAME!r}")
    given = from_table(GraphQASettings, record.settings)
    llm = open_llm(given)
    telling = Telling(given, llm, encoder or load_encoder(given.text_encoder))
    model = new_model(given, llm, telling)
    load_trainable(RunFolder(path, record.inputs).weights, model)
    model.eval()
    return Opened(given, model, telling, llm)


GRAPH_QA = Recipe(name=NAME, settings=GraphQASettings, train=train_graph_qa)
