r"""G-Retriever: a language model reads a soft prompt of a graph, the graph in words, a question.

In paper mode the model reads exactly what is published, position by position:

    <s>[INST] o node_id,node_attr\n0,cats\n ... Question: ...\n\nAnswer: [/INST]  then  support</s>

where ``o`` is the soft token of the graph; the loss is that of the label and its end alone. In the
default mode the prompt takes the form of the model: its chat template, several soft tokens, and one
budget of tokens for question and graph together.

The published baselines are the same module with parts left out: see `Soft` and `GRetriever`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from graphllm.errors import ConfigError
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.textualize import Textualized
from graphllm.graph.view import GraphView
from graphllm.llm import Decoding, Generation, Prompt, TokenPrompt
from graphllm.llm.local import LocalLanguageModel
from graphllm.models.graph_prompter import GraphPrompter, PrompterSettings
from graphllm.models.prompted_model import embedding_norm, soft_rows
from graphllm.nn import GraphTokens
from graphllm.retrieval.g_retriever import node_texts
from graphllm.text.encoder import TextEncoder


class Soft(StrEnum):
    """What soft tokens are made of.

    Attributes:
        GRAPH: A graph encoder, pooling and a projector: G-Retriever, and GraphToken where no text
            of the graph is told.
        LEARNED: Vectors of their own, the same for every question: prompt tuning.
        NONE: There are none: text alone.
    """

    GRAPH = "graph"
    LEARNED = "learned"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Markers:
    """What stands around the published sequence; control tokens in it are what they say.

    Attributes:
        before: Stands first. Of a BERT ``"[CLS]"``, of GPT-2 and T5 nothing.
        after: Stands before the label. Of a T5 ``"</s>"``, of a BERT ``"[SEP]"``.
        end: Ends the label.
    """

    before: str = "<s>[INST]"
    after: str = "[/INST]"
    end: str = "</s>"


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceSettings:
    """What the language model reads and writes; the defaults are the published ones.

    Attributes:
        paper_mode: Whether it reads the published sequence, or a prompt in its own form.
        markers: Of the published sequence.
        max_text_tokens: Of the text of the graph in paper mode, which is cut there; in the default
            mode of question and text together, and lines are left out.
        max_label_tokens: Of a label that is learnt; what is behind is cut in paper mode.
        max_new_tokens: Of a reply.
        question_first: Whether the question stands before the text of the graph, as graphllm-small
            has learnt to read; not in paper mode.

    Raises:
        ConfigError: A number is below 1, or the published sequence is to have another order.
    """

    paper_mode: bool = False
    markers: Markers = field(default_factory=Markers)
    max_text_tokens: int = 512
    max_label_tokens: int = 32
    max_new_tokens: int = 32
    question_first: bool = False

    def __post_init__(self) -> None:
        if self.paper_mode and self.question_first:
            raise ConfigError(
                "the published sequence ends with the question: set question_first off"
            )
        for name in ("max_text_tokens", "max_label_tokens", "max_new_tokens"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be 1 or more, got {getattr(self, name)}")


class Told(NamedTuple):
    """A question as the model reads it.

    Attributes:
        question: With its template and what it is about.
        text: The graph in words; ``""`` tells nothing.
        label: What is to be written.
        graph: For the graph encoder; ``None`` where nothing reads it.
        shown: What the references in ``question`` stand for, where the reply is to be one of
            references; then all that is told stands in ``question``.
    """

    question: str
    text: str = ""
    label: str = ""
    graph: GraphTokens | None = None
    shown: Textualized | None = None


class LearnedTokens(nn.Module):
    """Vectors before the text that are learnt as they are, for every question the same.

    Source: Lester et al. 2021, prompt tuning, as G-Retriever's baseline: 10 vectors that begin as
    those of the words of the task, repeated until there are enough.

    Args:
        words: Vectors of these words.
        num_tokens: How many vectors.

    Raises:
        ConfigError: There are no words, or no vectors are asked for.
    """

    def __init__(self, words: Float[Tensor, "num_words model_dim"], num_tokens: int = 10) -> None:
        super().__init__()
        if num_tokens < 1 or not len(words):
            raise ConfigError("learned tokens need one word or more to begin as, and a number")
        repeated = words.repeat(-(-num_tokens // len(words)), 1)[:num_tokens]
        self.vectors = nn.Parameter(repeated.detach().clone().float())

    def forward(self, num_prompts: int) -> list[list[Tensor]]:
        """Return them once for each prompt."""
        return [[self.vectors] for _ in range(num_prompts)]


class GRetriever(nn.Module):
    """Soft tokens before a text before a language model; called with questions, returns their loss.

    Source: He et al. 2024 (arXiv 2402.07630), section 5.4, and its code for the sequence.
    Differs from the paper in paper mode: control tokens that stand in the text of a graph are taken
    apart, so that no graph can end its prompt; where it trains, batches are filled on the right,
    which gives the same loss, for positions are counted from the first token either way.

    | method | soft tokens | text |
    |---|---|---|
    | G-Retriever | graph | of the retrieved part |
    | GraphToken | graph | none |
    | prompt tuning | learned | of the graph |
    | LoRA, zero-shot, CoT, KAPING | none | of the graph, or triples |

    Args:
        llm: Its adapters are trained, where it has any.
        settings: What it reads.
        soft: Makes soft tokens; ``None`` makes none.
    """

    def __init__(
        self,
        llm: LocalLanguageModel,
        settings: SequenceSettings,
        soft: GraphPrompter | LearnedTokens | None = None,
    ) -> None:
        super().__init__()
        self.model = llm.module
        self.soft = soft
        self.settings = settings
        self._llm = llm

    def train(self, mode: bool = True) -> "GRetriever":
        """Turn training on, of the language model only where it is trained."""
        super().train(mode)
        self._llm.train(mode)
        return self

    def forward(self, questions: Sequence[Told]) -> Float[Tensor, ""]:
        """Return the mean loss of a token of the labels, each with its end."""
        return self._llm.loss(self.prompts(questions), [self.target(q.label) for q in questions])

    def prompts(self, questions: Sequence[Told]) -> list[Prompt | TokenPrompt]:
        """Return what the language model reads for some questions."""
        soft = self._soft_tokens(questions)
        write = self._sequence if self.settings.paper_mode else self._own_form
        return [write(told, rows) for told, rows in zip(questions, soft, strict=True)]

    def target(self, label: str) -> str | list[int]:
        """Return what is learnt: in paper mode tokens, cut and ended."""
        if not self.settings.paper_mode:
            return label
        ids = self._llm.token_ids(label)[: self.settings.max_label_tokens]
        return [*ids, *self._control(self.settings.markers.end)]

    def num_target_tokens(self, label: str) -> int:
        """Return how many tokens of a label count in the loss, its end among them."""
        if self.settings.paper_mode:
            return len(self.target(label))
        return self._llm.count_tokens(label) + 1

    def generate(self, questions: Sequence[Told]) -> list[Generation]:
        """Return the reply to each question, the likeliest token each time.

        A model that has tokens for references, and was told facts with them, is held to these.
        """
        refers = self._llm.has_references and all(told.shown is not None for told in questions)
        decoding = Decoding(max_new_tokens=self.settings.max_new_tokens, references=refers)
        with torch.no_grad():
            return self._llm.generate(self.prompts(questions), decoding)

    def log_likelihoods(
        self, questions: Sequence[Told], choices: Sequence[str]
    ) -> Float[Tensor, "num_questions num_choices"]:
        """Return how likely each choice is as the whole reply to each question, as logarithms."""
        with torch.no_grad():
            prompts = self.prompts(questions)
            every = [prompt for prompt in prompts for _ in choices]
            targets = [self.target(choice) for choice in choices] * len(questions)
            return self._llm.score(every, targets).view(len(questions), len(choices))

    def num_prompt_tokens(self, told: Told) -> int:
        """Return how many tokens of words the model reads for a question, without soft ones."""
        if not self.settings.paper_mode:
            return self._llm.count_tokens(self._words(told))
        return len(self._sequence(told, []))

    def _soft_tokens(self, questions: Sequence[Told]) -> list[list[Tensor]]:
        if self.soft is None:
            return [[] for _ in questions]
        if isinstance(self.soft, LearnedTokens):
            return self.soft(len(questions))
        graphs = [told.graph for told in questions if told.graph is not None]
        if len(graphs) < len(questions):
            raise ConfigError("a soft prompt of the graph needs a graph with every question")
        return soft_rows(self.soft, GraphTokens.collate(graphs), None)

    def _sequence(self, told: Told, soft: Sequence[Tensor]) -> TokenPrompt:
        """Return the published sequence of one question."""
        markers, ids = self.settings.markers, self._llm.token_ids
        text = ids(told.text)[: self.settings.max_text_tokens]
        behind = [*text, *ids(told.question), *self._control(markers.after)]
        return TokenPrompt(parts=(tuple(self._control(markers.before)), *soft, tuple(behind)))

    def _own_form(self, told: Told, soft: Sequence[Tensor]) -> Prompt:
        return Prompt.of(*soft, self._words(told))

    def _words(self, told: Told) -> str:
        if not told.text:
            return told.question
        if self.settings.question_first:
            return f"{told.question}\n{told.text}"
        return f"{told.text}\n\n{told.question}"

    def _control(self, marker: str) -> list[int]:
        return self._llm.token_ids(marker, control=True)


def published_tokens(view: GraphView, part: Subgraph, encoder: TextEncoder) -> GraphTokens:
    """Return a part of a graph as the published graph encoder reads it.

    A node's vector is that of its text, an edge's that of its relation.
    """
    texts = node_texts(view)
    relation_ids = np.asarray(view.relation_ids[part.edges])
    ends = np.stack([view.heads[part.edges], view.tails[part.edges]])
    return GraphTokens.single(
        torch.from_numpy(encoder.encode([texts[node] for node in part.nodes.tolist()])),
        torch.from_numpy(np.searchsorted(part.nodes, ends).astype(np.int64)),
        torch.from_numpy(encoder.encode([view.relations[r] for r in relation_ids.tolist()])),
    )


def published_prompter(in_dim: int, edge_dim: int, model_dim: int) -> PrompterSettings:
    """Return the published graph encoder, pooling and projector, as their code has them.

    Source: G-Retriever, section 5.4 and code: TransformerConv x 4 of 4 heads x 256 with BatchNorm,
    the mean of all nodes, and a projector of 2048 between its layers, with a sigmoid.
    """
    return PrompterSettings(
        in_dim=in_dim,
        edge_dim=edge_dim,
        model_dim=model_dim,
        encoder="graph_transformer",
        hidden_dim=1024,
        num_layers=4,
        num_heads=4,
        pooling="mean",
        num_tokens=1,
        projector_dim=2048,
        activation="sigmoid",
        norm="batch",
        both_ways=False,
        embedding_norm=None,
    )


def default_prompter(
    llm: LocalLanguageModel,
    in_dim: int,
    edge_dim: int,
    *,
    hidden_dim: int = 256,
    num_tokens: int = 8,
) -> PrompterSettings:
    """Return our own: several tokens that queries read, as long as the model's words are."""
    return PrompterSettings(
        in_dim=in_dim,
        edge_dim=edge_dim,
        model_dim=llm.model_dim,
        hidden_dim=hidden_dim,
        num_tokens=num_tokens,
        embedding_norm=embedding_norm(llm),
    )
