"""A language model with a prompter that was trained for it: what a training run leaves.

prompter.safetensors, prompter.json     the prompter and what it is made of
lora.safetensors                        adapters of the language model, where it has any
prompted.json                           the language model, and how it is asked
"""

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from jaxtyping import Float
from torch import Tensor

from graphllm.config import settings
from graphllm.errors import ConfigError, DataError
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.textualize import Textualized
from graphllm.graph.view import GraphView
from graphllm.index.generations import write_file
from graphllm.llm import GREEDY, Decoding, Generation, Prompt, load_language_model
from graphllm.llm.load import PROMPTED, is_on_server
from graphllm.llm.local import LocalLanguageModel
from graphllm.models.fact_prompts import (
    FactPrompts,
    FactSettings,
    FactsInWords,
    ReplyForm,
)
from graphllm.models.graph_prompter import GraphPrompter, read_json
from graphllm.nn import GraphTokens
from graphllm.text.encoder import TextEncoder
from graphllm.tokenizers.features import GraphTokenizer, TextTokenizer
from graphllm.tokenizers.question import asked_of, with_question
from graphllm.tokenizers.topology import TopologySettings

if TYPE_CHECKING:
    from graphllm.llm import LoraSettings

SCHEMA = "graphllm.prompted/1"
LORA = "lora.safetensors"
_SOME_WEIGHTS = 64  # of each matrix: what is trained at all changes them
_REMEMBERED = 100_000  # texts whose tokens were counted
_SOME_WORDS = "Which of the facts about people, places and works answer the question?"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptedSettings:
    """A language model, and how a prompter is put before it.

    Attributes:
        llm: What ``load_language_model`` takes, of a model on this machine.
        facts: What it is told.
        topology: Settings of topology tokens, joined to those of text; ``None`` leaves them out.
        tells_question: Whether the prompter sees what a question says to nodes and edges.
        lora_rank: Of the adapters of the language model; 0 leaves it as it is.
        num_soft: Soft tokens of a whole part.
        weights: Tells the language model from others of its name and shape.
    """

    llm: str
    facts: FactSettings
    topology: TopologySettings | None = None
    tells_question: bool = False
    lora_rank: int = 0
    num_soft: int = 0
    weights: str = ""


class GraphOf(FactsInWords):
    """One graph as a model with a prompter is asked about it; safe to share between threads.

    Args:
        prompter: Of soft tokens.
        tokenizer: Of the graph.
        prompts: Of the graph.
        questions: Encodes questions, where the prompter is told what they say.
    """

    def __init__(
        self,
        prompter: GraphPrompter,
        tokenizer: GraphTokenizer,
        prompts: FactPrompts,
        questions: TextEncoder | None = None,
    ) -> None:
        super().__init__(prompts)
        self.prompter, self.tokenizer, self.questions = prompter, tokenizer, questions

    def without_soft(self) -> FactsInWords:
        """Return the same that tells facts in words alone."""
        return FactsInWords(self.prompts.without_items())

    def shown(self, question: str, subgraph: Subgraph) -> Textualized:
        """Write the facts that the model is told in words; soft tokens do where none fits."""
        return self.prompts.shown(question, subgraph)

    def prompt(
        self,
        question: str,
        names: Sequence[tuple[int, int, tuple[int, ...]]],
        subgraph: Subgraph,
        shown: Textualized,
    ) -> Prompt:
        """Return the prompt of a question: soft tokens of ``subgraph``, then facts in words."""
        tokens = self.tokenizer.tokenize(subgraph)
        if self.questions is not None:
            named = [node for _, _, nodes in names for node in nodes]
            tokens = with_question(tokens, asked_of(question, named, subgraph, self.questions))
        chosen = self.prompts.items(shown)
        items = [positions(subgraph, chosen)] if self.prompts.settings.num_items else None
        with torch.no_grad():
            [soft] = soft_rows(self.prompter, tokens, items)
        return self.prompts.prompt(self.text(question, names, shown), soft)


class PromptedModel:
    """The language model of a training run, with its prompter; a ``LanguageModel``.

    It replies to the prompts of ``over`` a graph; other prompts reach the language model itself.

    Args:
        folder: Of the run.
        device: As of `LocalLanguageModel`, like all that follows.

    Raises:
        ConfigError: The language model it was trained for is not there, or is another one.
        DataError: A file of the run is missing or damaged.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        batch_size: int = 8,
    ) -> None:
        self.folder = Path(folder)
        self.made = read_prompted(self.folder)
        options = {"device": device, "dtype": dtype, "batch_size": batch_size}
        try:
            self.llm = open_language_model(self.made.llm, self.made.lora_rank, **options)
        except ConfigError as error:
            raise ConfigError(
                f"{folder} holds a prompter for the language model {self.made.llm!r}, which cannot"
                f" be opened: {error}"
            ) from error
        if fingerprint(self.llm) != self.made.weights:
            raise ConfigError(
                f"{folder} holds a prompter for another model than {self.made.llm!r} is now: its"
                " weights have changed; train again, or put the model back"
            )
        if self.made.lora_rank:
            self.llm.load_trainable(self.folder / LORA)
        self.prompter = GraphPrompter.load(self.folder)
        self.prompter.to(self.llm.module.device)

    @property
    def id(self) -> str:
        """The language model and the run."""
        return f"{self.llm.id} with {self.folder.name}"

    @property
    def context_tokens(self) -> int | None:
        """That of the language model."""
        return self.llm.context_tokens

    @property
    def sends_to(self) -> str:
        """Nothing leaves this machine."""
        return ""

    def count_tokens(self, text: str) -> int:
        """Return how many tokens ``text`` has."""
        return self.llm.count_tokens(text)

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding = GREEDY) -> list[Generation]:
        """Return one reply per prompt."""
        return self.llm.generate(prompts, decoding)

    def stream(
        self, prompt: Prompt, decoding: Decoding = GREEDY
    ) -> Generator[str, None, Generation]:
        """Yield the reply in pieces."""
        return self.llm.stream(prompt, decoding)

    def over(self, view: GraphView, encoder: TextEncoder) -> GraphOf:
        """Return what asks about one graph.

        Args:
            encoder: Of texts; the one of the training.
        """
        return prompted_over(view, encoder, self.made, self.llm, self.prompter)


def prompted_over(
    view: GraphView,
    encoder: TextEncoder,
    made: PromptedSettings,
    llm: LocalLanguageModel,
    prompter: GraphPrompter,
) -> GraphOf:
    """Return what asks a language model with a prompter before it about one graph."""
    context = llm.context_tokens
    if context is not None and not llm.module.config.is_encoder_decoder:
        context -= made.facts.decoding.max_new_tokens  # which stands in the same context
    prompts = FactPrompts(
        view,
        lru_cache(_REMEMBERED)(llm.count_tokens),
        made.facts,
        context_tokens=context,
        num_soft=made.num_soft,
    )
    questions = encoder if made.tells_question else None
    return GraphOf(prompter, TextTokenizer(view, encoder, made.topology), prompts, questions)


def embedding_norm(llm: LocalLanguageModel) -> float:
    """Return the mean length of the word embeddings of a model, as it reads them."""
    return float(llm.word_embeddings(_SOME_WORDS).norm(dim=-1).mean())


def embedding_mean(llm: LocalLanguageModel) -> Float[Tensor, "model_dim"]:
    """Return the mean word embedding of a model: a word that says nothing in particular."""
    return llm.word_embeddings(_SOME_WORDS).float().mean(dim=0)


def open_language_model(spec: str, lora_rank: int = 0, **options: object) -> LocalLanguageModel:
    """Return a model of this machine that can be given soft prompts.

    Raises:
        ConfigError: It is not there, or on a server.
    """
    if is_on_server(spec):
        raise ConfigError(
            f"{spec!r} is no model of this machine; soft prompts need one: name the folder of a"
            " transformers model, or hf:ORG/NAME"
        )
    if lora_rank:
        options["lora"] = _lora(lora_rank)
    found = load_language_model(spec, **options)
    if not isinstance(found, LocalLanguageModel):
        raise ConfigError(f"{spec}: expected a language model, got a run that has a prompter")
    return found


def fingerprint(llm: LocalLanguageModel) -> str:
    """Return a hash of some of each of a model's own weights, whatever it computes in."""
    found = sha256()
    for name, weight in llm.module.named_parameters():
        # a checkpoint need not hold the head on an encoder's first token, which is then drawn
        if "lora_" not in name and ".pooler." not in name:
            some = weight.detach().flatten()[:_SOME_WEIGHTS].to(torch.bfloat16).float()
            found.update(some.cpu().numpy().tobytes())
    return found.hexdigest()[:32]


def _lora(rank: int) -> "LoraSettings":
    from graphllm.llm import LoraSettings

    return LoraSettings(rank=rank, alpha=2.0 * rank)


def soft_rows(
    prompter: GraphPrompter, tokens: GraphTokens, items: Sequence[Tensor] | None
) -> list[list[Tensor]]:
    """Return the soft tokens of each graph: a matrix for each item, or one for the whole."""
    device = next(prompter.parameters()).device
    rows = prompter(tokens.to(device), items).rows()
    if items is None:
        return [[row] if len(row) else [] for row in rows]
    return [list(row.split(1)) for row in rows]


def positions(subgraph: Subgraph, nodes: Sequence[int]) -> Tensor:
    """Return where some nodes stand in a subgraph, whose nodes ascend."""
    import numpy as np

    return torch.from_numpy(np.searchsorted(subgraph.nodes, np.array(nodes, np.int64)))


def save_prompted(
    folder: Path, made: PromptedSettings, llm: LocalLanguageModel, prompter: GraphPrompter
) -> None:
    """Write into ``folder`` what `PromptedModel` opens; the file it is known by comes last."""
    prompter.save(folder)
    if made.lora_rank:
        llm.save_trainable(folder / LORA)
    about = {"schema": SCHEMA, **asdict(made)}
    write_file(folder / PROMPTED, f"{json.dumps(about, indent=1)}\n".encode())


def read_prompted(folder: Path) -> PromptedSettings:
    """Return what `save_prompted` wrote.

    Raises:
        DataError: It is damaged, or of another version.
    """
    about = read_json(folder / PROMPTED)
    if about.pop("schema", None) != SCHEMA:
        raise DataError(f"{folder / PROMPTED}: expected the schema {SCHEMA!r}")
    try:
        facts = dict(cast("Mapping[str, Any]", about.pop("facts")))
        facts["form"] = ReplyForm(facts["form"])
        topology = cast("Mapping[str, Any] | None", about.pop("topology"))
        return settings(
            PromptedSettings,
            {
                **about,
                "facts": settings(FactSettings, facts),
                "topology": None if topology is None else settings(TopologySettings, topology),
            },
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder / PROMPTED}: not the settings of a prompter ({error})") from error
