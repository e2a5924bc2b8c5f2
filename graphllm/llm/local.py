"""Language models on this machine, through transformers."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import Parameter
from transformers import PreTrainedModel

from graphllm.answer.answer import Usage
from graphllm.errors import ConfigError, LanguageModelError
from graphllm.graph.layouts import node_reference
from graphllm.llm._adapters import (
    LoraSettings,
    add_lora,
    enable_checkpointing,
    load_state,
    read_state,
    set_mode,
    trainable_state,
    write_state,
)
from graphllm.llm._batches import (
    check_takes_embeddings,
    decoder_start,
    model_dim,
    word_embeddings,
)
from graphllm.llm._decoding import GrowingText, TokenQueue
from graphllm.llm._generating import reply_ids
from graphllm.llm._loading import Device, Dtype, Quantize, chosen_device, load_transformers
from graphllm.llm._prompt_tokens import PromptTokenizer, Row
from graphllm.llm._target_loss import layer_states, per_row, target_losses
from graphllm.llm.language_model import GREEDY, Decoding, Generation, Prompt
from graphllm.llm.token_prompt import TokenPrompt

Reduction = Literal["mean", "sum", "none"]
AnyPrompt: TypeAlias = Prompt | TokenPrompt
Target: TypeAlias = str | Sequence[int]


class LocalLanguageModel:
    """A causal or sequence-to-sequence model of transformers; safe to share between threads.

    Weights are read from safetensors only, and no code that comes with a model is run. Prompts
    take the chat template of the tokenizer, or else the form of `plain_prompt`; control tokens in
    a message are taken apart, so that a text cannot end its message. Sampling draws from the whole
    distribution: settings for generation that come with the model are not used, except its tokens.

    A batch gives what its prompts give alone; on the same device and in float32 only a tie between
    two tokens, equal up to rounding, could fall the other way.

    Prompts may hold soft parts, vectors of width `model_dim` that stand among the embeddings of
    words. `loss` sends gradients through the model into them, and into what of it is trained. A
    `TokenPrompt` is read position by position, as a published system has it.

    Args:
        name_or_path: A folder, or a name on the Hugging Face hub or in its local cache.
        device: ``"auto"`` takes a GPU where there is one.
        dtype: ``"auto"`` is float32 on a CPU and what the file has elsewhere.
        batch_size: Prompts per forward pass; `loss` takes all of its prompts at once.
        context_tokens: Prompt and reply at most; what model and tokenizer say by default.
        download: Whether a model that is not on this machine may be fetched from the hub
            (``HF_HUB_OFFLINE`` also forbids it).
        frozen: Whether the model's own weights stay as they are.
        lora: Low-rank adapters, which are trained beside frozen weights.
        checkpointing: Compute every layer a second time for the gradient, instead of keeping what
            it gave: less memory, about a third more time.
        quantize: Keep the frozen weights of linear layers in 8 or 4 bits; on CUDA only.

    Raises:
        ConfigError: There is no such model or device, it cannot be read safely, or the settings
            for training do not fit it or each other.
        MissingExtraError: ``quantize`` is given and bitsandbytes not installed.
    """

    def __init__(
        self,
        name_or_path: str | Path,
        *,
        device: Device = "auto",
        dtype: Dtype = "auto",
        batch_size: int = 8,
        context_tokens: int | None = None,
        download: bool = True,
        frozen: bool = True,
        lora: LoraSettings | None = None,
        checkpointing: bool = False,
        quantize: Quantize | None = None,
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size must be 1 or more, got {batch_size}")
        if not frozen and (lora or quantize):
            raise ConfigError(
                "frozen=False trains the weights themselves, so they can neither be quantized nor "
                "have adapters beside them; leave out lora and quantize, or frozen=False"
            )
        self._name = str(name_or_path)
        self._device = chosen_device(device)
        loaded = load_transformers(
            self._name, device=self._device, dtype=dtype, download=download, quantize=quantize
        )
        self._model = loaded.model
        self._is_seq2seq: bool = self._model.config.is_encoder_decoder
        self._tokens = PromptTokenizer(
            self.id,
            loaded.tokenizer,
            loaded.end_ids,
            start_id=decoder_start(self._model) if self._is_seq2seq else None,
        )
        self._context_tokens = context_tokens or loaded.context_tokens
        self._batch_size = batch_size
        self._frozen = frozen
        self._checkpointing = checkpointing
        self._training = False
        self._takes_embeddings = False
        self._model_lock = Lock()  # some models change inside while they work
        self._prepare_training(lora)

    def __repr__(self) -> str:
        return f"LocalLanguageModel({self._name!r}, device={self._device!r})"

    @property
    def id(self) -> str:
        """Name of the folder, or the name on the hub."""
        return Path(self._name).name if Path(self._name).is_dir() else self._name

    @property
    def context_tokens(self) -> int | None:
        """How many tokens prompt and reply may have together.

        Those of a sequence-to-sequence model may have that many each, since they are apart.
        """
        return self._context_tokens

    @property
    def sends_to(self) -> str:
        """Nothing leaves this machine."""
        return ""

    @property
    def model_dim(self) -> int:
        """The width of soft parts: that of the model's word embeddings."""
        return model_dim(self._model)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens ``text`` has, without those put around a prompt."""
        return len(self._tokens.ids(text))

    @property
    def has_references(self) -> bool:
        """Whether its vocabulary has references, a token each, as that of graphllm-small."""
        return self.count_tokens(node_reference(1) + node_reference(2)) == 2

    def token_ids(self, text: str, *, control: bool = False) -> list[int]:
        """Return the tokens of ``text`` by itself, without those put around a prompt.

        Args:
            control: Whether control tokens in it are what they say, such as ``"<s>"``: for text of
                one's own. Otherwise they are taken apart, so that text stays text.
        """
        return self._tokens.control_ids(text) if control else self._tokens.ids(text)

    def word_embeddings(self, text: str) -> Float[Tensor, "num_tokens model_dim"]:
        """Return the vectors the model reads for ``text``: as a soft part they say the same.

        Vectors that are trained in the place of a prompt often begin as those of some words.
        """
        ids = torch.tensor([self._tokens.ids(text)], dtype=torch.long, device=self._model.device)
        with self._asking([]), torch.no_grad():
            return word_embeddings(self._model, ids)[0]

    # ---- replies

    def generate(
        self, prompts: Sequence[AnyPrompt], decoding: Decoding = GREEDY
    ) -> list[Generation]:
        """Return one reply per prompt, in the order of the prompts.

        Raises:
            ConfigError: A soft part is not as wide as the model's embeddings.
            LanguageModelError: A prompt does not fit the context with the reply, or the batch does
                not fit the memory.
        """
        rows = [self._row(prompt, decoding) for prompt in prompts]
        replies: dict[int, list[int]] = {}
        for positions in self._by_length(rows):
            batch = self._generate([rows[position] for position in positions], decoding)
            replies.update(zip(positions, batch, strict=True))
        return [
            self._generation(row, replies[position], decoding) for position, row in enumerate(rows)
        ]

    def stream(
        self, prompt: AnyPrompt, decoding: Decoding = GREEDY
    ) -> Generator[str, None, Generation]:
        """Yield the reply in pieces as they come; the generator's return value is the whole.

        Closing the generator stops the model.

        Raises:
            ConfigError: As for ``generate``.
            LanguageModelError: As for ``generate``.
        """
        row = self._row(prompt, decoding)
        tokens: SimpleQueue[int | None] = SimpleQueue()
        closed = Event()
        text = GrowingText(self._tokens.text)
        with ThreadPoolExecutor(1, "graphllm-llm") as thread:
            working = thread.submit(self._generate, [row], decoding, TokenQueue(tokens), closed)
            working.add_done_callback(lambda _: tokens.put(None))
            try:
                while (token := tokens.get()) is not None:
                    if token not in self._tokens.end_ids and (piece := text.add(token)):
                        yield piece
            finally:
                closed.set()
            [reply] = working.result()
        if rest := text.rest():
            yield rest
        return self._generation(row, reply, decoding)

    def _by_length(self, rows: Sequence[Row]) -> Iterator[list[int]]:
        """Yield the positions of rows in batches of those that are about equally long."""
        by_length = sorted(range(len(rows)), key=lambda position: len(rows[position]))
        for start in range(0, len(rows), self._batch_size):
            yield by_length[start : start + self._batch_size]

    def _generate(
        self,
        rows: Sequence[Row],
        decoding: Decoding,
        streamer: TokenQueue | None = None,
        closed: Event | None = None,
    ) -> list[list[int]]:
        with self._asking(rows):
            return reply_ids(
                self._model,
                rows,
                decoding,
                pad_id=self._tokens.pad_id,
                end_ids=self._tokens.end_ids,
                streamer=streamer,
                closed=closed,
            )

    def _generation(self, row: Row, reply: list[int], decoding: Decoding) -> Generation:
        ended = bool(reply) and reply[-1] in self._tokens.end_ids
        return Generation(
            text=self._tokens.text(reply[:-1] if ended else reply),
            usage=Usage(calls=1, prompt_tokens=len(row), completion_tokens=len(reply)),
            cut_off=not ended,
        )

    # ---- replies that are told

    def loss(
        self, prompts: Sequence[AnyPrompt], targets: Sequence[Target], reduction: Reduction = "mean"
    ) -> Float[Tensor, "*rows"]:
        """Return the negative log-likelihood of ``targets`` as replies to ``prompts``.

        A target counts with the token that ends it, and continues its prompt as it is written:
        where a space should come between them, one of the two has it. All prompts are one batch.

        Args:
            prompts: What the model is told; no loss is taken on them.
            targets: One reply for each; one of token ids is taken as it stands, to its end token.
            reduction: ``"mean"`` over all tokens of the targets, their ``"sum"``, or with
                ``"none"`` the sum of each target.

        Returns:
            A number, or one for each prompt, in float32. Gradients flow into soft parts and into
            the weights that are trained.

        Raises:
            ConfigError: There is not one target for each prompt, or there are none, or a soft part
                has another width.
            LanguageModelError: A prompt and its target do not fit the context, or the batch does
                not fit the memory.
        """
        told = self._told(prompts, targets)
        if not prompts:
            raise ConfigError("there is nothing to take a loss of: no prompts are given")
        if reduction not in ("mean", "sum", "none"):
            raise ConfigError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        with self._working(told[0]):
            self.train(self._training)  # whatever was done to the module from outside
            losses = target_losses(self._model, *told, self._tokens.pad_id)
        if reduction == "none":
            return per_row(losses, len(prompts))
        return losses.nll.mean() if reduction == "mean" else losses.nll.sum()

    def score(
        self, prompts: Sequence[AnyPrompt], targets: Sequence[Target]
    ) -> Float[Tensor, "rows"]:
        """Return the log-probability of each target as the whole reply to its prompt.

        Raises:
            ConfigError: As for ``loss``.
            LanguageModelError: As for ``loss``.
        """
        rows, replies = self._told(prompts, targets)
        scores = torch.zeros(len(rows))
        for positions in self._by_length(rows):
            batch = [rows[position] for position in positions]
            told = [replies[position] for position in positions]
            with self._asking(batch), torch.no_grad():
                losses = target_losses(self._model, batch, told, self._tokens.pad_id)
            scores[positions] = -per_row(losses, len(batch)).float().cpu()
        return scores

    def hidden_states(self, prompts: Sequence[AnyPrompt], layer: int = -1) -> list[Tensor]:
        """Return what a layer makes of each prompt: a row (num_tokens, hidden) for each.

        The tokens of a prompt are those that stand before a reply, with template and soft parts.
        Of a sequence-to-sequence model the states are the encoder's.

        Args:
            prompts: What the model is told.
            layer: 0 are the embeddings, 1 the first layer; -1 the last, as the model's head or
                decoder reads it.

        Raises:
            ConfigError: The model has no such layer, or a soft part has another width.
            LanguageModelError: A prompt does not fit the context or the memory.
        """
        rows = [self._row(prompt, None) for prompt in prompts]
        states: dict[int, Tensor] = {}
        for positions in self._by_length(rows):
            batch = [rows[position] for position in positions]
            with self._asking(batch), torch.no_grad():
                found = layer_states(self._model, batch, layer, self._tokens.pad_id)
            states.update(zip(positions, found, strict=True))
        return [states[position] for position in range(len(rows))]

    def _told(
        self, prompts: Sequence[AnyPrompt], targets: Sequence[Target]
    ) -> tuple[list[Row], list[list[int]]]:
        if len(prompts) != len(targets):
            raise ConfigError(
                f"expected one target for each prompt, got {len(prompts)} prompts and "
                f"{len(targets)} targets"
            )
        rows = [self._row(prompt, None) for prompt in prompts]
        replies = [
            self._tokens.target(row, target) for row, target in zip(rows, targets, strict=True)
        ]
        for position, (row, reply) in enumerate(zip(rows, replies, strict=True)):
            self._check_fits(len(row), len(reply), f"target {position + 1} of {len(rows)} has")
        return rows, replies

    # ---- training

    def _prepare_training(self, lora: LoraSettings | None) -> None:
        if self._frozen:
            self._model.requires_grad_(False)
        if lora is not None:
            add_lora(self._model, lora)
        if self._checkpointing:
            enable_checkpointing(self._model)
        self.train(False)

    def train(self, mode: bool = True) -> None:
        """Turn on the dropout of what is trained, or turn it off; off at first.

        Replies, scores and states are always without it.
        """
        self._training = mode
        set_mode(self._model, training=mode, frozen=self._frozen, checkpointing=self._checkpointing)

    @property
    def module(self) -> PreTrainedModel:
        """The model of transformers, for those who count its weights or wrap it to train it."""
        return self._model

    def trainable_parameters(self) -> list[Parameter]:
        """Return the weights that are trained: none of a frozen model without adapters."""
        return [weight for weight in self._model.parameters() if weight.requires_grad]

    def trainable_state(self) -> dict[str, Tensor]:
        """Return a copy of the weights that are trained, by name, on the CPU."""
        return trainable_state(self._model)

    def save_trainable(self, path: str | Path) -> None:
        """Write the weights that are trained as safetensors."""
        write_state(self.trainable_state(), Path(path))

    def load_trainable(self, state: Mapping[str, Tensor] | str | Path) -> None:
        """Take over weights of ``trainable_state``, or of a file of ``save_trainable``.

        Raises:
            ConfigError: They are not those that this model trains, or the file is no safetensors.
        """
        weights = state if isinstance(state, Mapping) else read_state(Path(state))
        with self._model_lock:
            load_state(self._model, weights)

    # ---- the model at work

    @contextmanager
    def _asking(self, rows: Sequence[Row]) -> Iterator[None]:
        """Have the model for these rows, with nothing on that acts in training only."""
        with self._working(rows):
            set_mode(self._model, training=False, frozen=self._frozen, checkpointing=False)
            try:
                yield
            finally:
                self.train(self._training)

    @contextmanager
    def _working(self, rows: Sequence[Row]) -> Iterator[None]:
        try:
            with self._model_lock:
                yield
        except torch.OutOfMemoryError as error:
            raise LanguageModelError(
                f"{self.id}: {len(rows)} prompts of up to {max(map(len, rows), default=0)} tokens "
                f"do not fit the memory of {self._device}; lower batch_size or shorten them"
            ) from error

    def _row(self, prompt: AnyPrompt, decoding: Decoding | None) -> Row:
        """Return the tokens of a prompt; raise if the context has no room for it and the reply."""
        self._check_soft_parts(prompt)
        row = self._tokens.row(prompt)
        reply = decoding.max_new_tokens if decoding else 0
        self._check_fits(len(row), reply, "the reply may have", " (max_new_tokens)")
        return row

    def _check_fits(self, told: int, reply: int, subject: str, setting: str = "") -> None:
        limit = self._context_tokens
        if limit is not None and (max if self._is_seq2seq else sum)((told, reply)) > limit:
            raise LanguageModelError(
                f"{self.id}: the prompt has {told} tokens and {subject} {reply}{setting}; "
                f"the context is {limit}; shorten either"
            )

    def _check_soft_parts(self, prompt: AnyPrompt) -> None:
        for part in prompt.soft_parts:
            if not isinstance(part, Tensor) or part.shape[1] != self.model_dim:
                raise ConfigError(
                    f"{self.id} takes soft parts that are tensors of width {self.model_dim}, got "
                    f"a {type(part).__name__} of shape {tuple(part.shape)}: make the prompter that "
                    "gives them for this model (its model_dim)"
                )
        if prompt.soft_parts and not self._takes_embeddings:
            with self._asking([]):
                check_takes_embeddings(self._model, self.id)
            self._takes_embeddings = True
