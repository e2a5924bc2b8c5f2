"""Training of graphllm-small: question and lines in, references out."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from graphllm.graph.textualize import MOST_REFERENCES
from graphllm.llm.small.checkpoint import SmallModel
from graphllm.llm.small.vocabulary import (
    END,
    MASK,
    PAD,
    START,
    fast_tokenizer,
    line_id,
    line_of,
    node_id,
    node_of,
    reference_ids,
)
from graphllm.train.small_examples import SmallExample
from graphllm.train.trainer import Progress, TrainSettings, train

_SAID, _FILLED = 0.04, 0.04  # shares of the tasks that are no questions
_LONGEST_SAID, _LONGEST_PART = 24, 8
_POOLS = (24, 48, 96, MOST_REFERENCES)  # references are drawn from the first so many
_IGNORED = -100


class Tokens(NamedTuple):
    """An example as token ids, before references are drawn."""

    question: tuple[int, ...]
    lines: tuple[tuple[int, ...], ...]
    cites: tuple[int, ...]
    answers: tuple[int, ...]
    words: tuple[int, ...]

    @property
    def length(self) -> int:
        """Of the input, with the tokens around it."""
        return 2 + len(self.question) + sum(map(len, self.lines))


class Rendered(NamedTuple):
    """What is read, and what is to be written; ``marks`` tells the references that are."""

    input_ids: list[int]
    target_ids: list[int]
    marks: set[int]


def tokenized(examples: Sequence[SmallExample]) -> list[Tokens]:
    """Return the examples as token ids."""
    tokenizer = fast_tokenizer()

    def ids(texts: Sequence[str]) -> list[tuple[int, ...]]:
        found = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [tuple(e.ids) for e in found]

    questions, words = ids([e.question for e in examples]), ids([e.words for e in examples])
    return [
        Tokens(question, tuple(ids(e.lines)), e.cites, e.answers, said)
        for e, question, said in zip(examples, questions, words, strict=True)
    ]


def rendered(
    tokens: Tokens, rng: np.random.Generator, max_tokens: int | None = None
) -> Rendered | None:
    """Return an example with its lines in a random order, and references drawn at random.

    Args:
        max_tokens: Of the input; lines that are not cited are left out until it fits. Without it,
            all of them stay.

    Returns:
        The example; ``None`` when what the answer rests on does not fit.
    """
    order = _chosen(tokens, rng, max_tokens)
    if not order:
        return None
    numbered = [i for i in order if line_of(tokens.lines[i][0]) is not None]
    new_line = {line_of(tokens.lines[i][0]): at for at, i in enumerate(numbered, 1)}
    flat = [t for i in order for t in tokens.lines[i]]
    used = list(dict.fromkeys(t for t in flat if node_of(t) is not None))
    pool = int(rng.choice([size for size in _POOLS if size >= len(used)]))
    drawn = rng.permutation(pool)[: len(used)].tolist()
    change = {t: node_id(number + 1) for t, number in zip(used, drawn, strict=True)}
    change |= {line_id(old): line_id(new) for old, new in new_line.items() if old is not None}
    lines = [change.get(t, t) for t in flat]
    question = [change.get(t, t) for t in tokens.question if node_of(t) is None or t in change]
    cites = sorted(line_id(new_line[n]) for n in tokens.cites)
    place = {t: at for at, t in reversed(list(enumerate(lines)))}
    answers = sorted((change[node_id(n)] for n in tokens.answers), key=place.__getitem__)
    target = [*cites, *answers, *tokens.words, END]
    return Rendered([START, *question, *lines, END], target, {*cites, *answers})


def _chosen(tokens: Tokens, rng: np.random.Generator, max_tokens: int | None) -> list[int]:
    """Return the lines that are shown, in a random order: all that are cited, and some others."""
    order = rng.permutation(len(tokens.lines)).tolist()
    if max_tokens is None:
        return order
    cited = [i for i in order if line_of(tokens.lines[i][0]) in tokens.cites]
    left = max_tokens - 2 - len(tokens.question) - sum(len(tokens.lines[i]) for i in cited)
    if left < 0:
        return []
    kept = set(cited)
    for i in order:
        if i not in kept and len(tokens.lines[i]) <= left:
            kept.add(i)
            left -= len(tokens.lines[i])
    return [i for i in order if i in kept]


class SmallBatches:
    """Batches by the number of their step: examples cut to one length, which grows in stages.

    Args:
        tokens: The examples.
        stages: Lengths to draw from, and the step at which each stage ends; the last never does.
        max_tokens: Of a batch.
        seed: Of everything drawn.
    """

    def __init__(
        self,
        tokens: Sequence[Tokens],
        stages: Sequence[tuple[int, Sequence[int]]],
        *,
        max_tokens: int = 3000,
        seed: int = 0,
    ) -> None:
        self._tokens, self._stages = tokens, stages
        self._max_tokens, self._seed = max_tokens, seed

    @property
    def per_epoch(self) -> int:
        """About how many batches hold every example once."""
        longest = max(self._stages[-1][1])
        return max(len(self._tokens) * longest // self._max_tokens, 1)

    def __getitem__(self, step: int) -> list[Rendered]:
        rng = np.random.default_rng((self._seed, step))
        lengths = next((own for end, own in self._stages if step < end), self._stages[-1][1])
        length = int(rng.choice(lengths))
        rows: list[Rendered] = []
        while len(rows) < max(self._max_tokens // length, 1):
            tokens = self._tokens[int(rng.integers(len(self._tokens)))]
            row = told(tokens, rng, length)
            if row is not None:
                rows.append(row)
        return rows


def told(tokens: Tokens, rng: np.random.Generator, max_tokens: int) -> Rendered | None:
    """Return an example as a question to answer or, now and then, as a text to write."""
    row = rendered(tokens, rng, max_tokens)
    chance = rng.random()
    if row is None or chance >= _SAID + _FILLED:
        return row
    return said(row, rng) if chance < _SAID else filled(row, rng)


def said(row: Rendered, rng: np.random.Generator) -> Rendered:
    """Return the task to write a line as plain words, without references."""
    lines = _lines(row.input_ids)
    if not lines:
        return row
    line = lines[int(rng.integers(len(lines)))]
    words = [t for t in line[1:] if node_of(t) is None][:_LONGEST_SAID]
    ids = [START, *_question("say"), line[0], *(t for one in lines for t in one), END]
    return Rendered(ids, [*words, END], set())


def filled(row: Rendered, rng: np.random.Generator) -> Rendered:
    """Return the task to write what stands where a line has a gap: a name or a relation."""
    lines = _lines(row.input_ids)
    parts = [(i, s, e) for i, line in enumerate(lines) for s, e in _parts(line)]
    if not parts:
        return row
    i, start, end = parts[int(rng.integers(len(parts)))]
    words = lines[i][start:end]
    lines[i] = [*lines[i][:start], MASK, *lines[i][end:]]
    ids = [START, *_question("fill"), *(t for one in lines for t in one), END]
    return Rendered(ids, [*words, END], set())


@cache
def _question(task: str) -> tuple[int, ...]:
    texts = {"say": "say line", "fill": "fill the gap"}
    return tuple(fast_tokenizer().encode(texts[task], add_special_tokens=False).ids)


def _lines(input_ids: Sequence[int]) -> list[list[int]]:
    """Return the numbered lines of an input."""
    starts = [at for at, t in enumerate(input_ids) if line_of(t) is not None]
    ends = [*starts[1:], len(input_ids) - 1][: len(starts)]
    return [list(input_ids[s:e]) for s, e in zip(starts, ends, strict=True)]


def _parts(line: Sequence[int]) -> list[tuple[int, int]]:
    """Return where names and relations stand in a line: between references and marks."""
    found, start = [], 1
    marks = _marks()
    for at in range(1, len(line) + 1):
        if at == len(line) or line[at] in marks or node_of(line[at]) is not None:
            if 0 < at - start <= _LONGEST_PART:
                found.append((start, at))
            start = at + 1
    return found


@cache
def _marks() -> frozenset[int]:
    return frozenset(fast_tokenizer().encode("|;>:()", add_special_tokens=False).ids)


class SmallBatch(NamedTuple):
    """Examples side by side."""

    input_ids: Int[Tensor, "batch length"]
    attention_mask: Int[Tensor, "batch length"]
    decoder_ids: Int[Tensor, "batch reply"]
    labels: Int[Tensor, "batch reply"]
    marks: Float[Tensor, "batch length"]  # 1 at references to be written, 0 at others, else -1


def collated(rows: Sequence[Rendered]) -> SmallBatch:
    """Return rows filled up to the longest of them."""
    longest = max(len(r.input_ids) for r in rows)
    reply = max(len(r.target_ids) for r in rows)
    input_ids = torch.full((len(rows), longest), PAD)
    decoder_ids = torch.full((len(rows), reply), PAD)
    labels = torch.full((len(rows), reply), _IGNORED)
    marks = torch.full((len(rows), longest), -1.0)
    for i, row in enumerate(rows):
        input_ids[i, : len(row.input_ids)] = torch.tensor(row.input_ids)
        decoder_ids[i, : len(row.target_ids)] = torch.tensor([START, *row.target_ids[:-1]])
        labels[i, : len(row.target_ids)] = torch.tensor(row.target_ids)
        for at, token in enumerate(row.input_ids):
            if line_of(token) is not None or node_of(token) is not None:
                marks[i, at] = float(token in row.marks)
    return SmallBatch(input_ids, (input_ids != PAD).long(), decoder_ids, labels, marks)


class SmallTraining(nn.Module):
    """What is trained of graphllm-small: all but the embeddings of words and places.

    Adapters would take as long: most of a step goes through frozen weights too.

    Args:
        model: To train, in place.
        mark_weight: Of a loss that asks every reference of the text whether it is to be written.
    """

    slots: Tensor
    words: Tensor

    def __init__(self, model: SmallModel, *, mark_weight: float = 1.0) -> None:
        super().__init__()
        self.model = model
        self.mark_weight = mark_weight
        model.requires_grad_(False)
        words = model.encoder.embeddings.word_embeddings.weight
        references = torch.tensor(reference_ids())
        self.rows = nn.Parameter(words[references].clone())
        slots = torch.full((len(words),), -1)
        slots[references] = torch.arange(len(references))
        self.register_buffer("slots", slots, persistent=False)
        self.register_buffer("words", words.detach().clone(), persistent=False)
        self.bias = nn.Parameter(torch.zeros(len(words)))
        self.mark = nn.Linear(words.shape[1], 1)
        model.decoder.bert.encoder.requires_grad_(True)
        model.decoder.cls.predictions.transform.requires_grad_(True)
        model.encoder.encoder.requires_grad_(True)

    def embed(self, ids: Int[Tensor, "batch length"]) -> Float[Tensor, "batch length dim"]:
        """Return the input embeddings of tokens, those of references as they are trained."""
        slot = self.slots[ids]
        return torch.where((slot >= 0)[..., None], self.rows[slot.clamp_min(0)], self.words[ids])

    def forward(self, batch: SmallBatch) -> Float[Tensor, ""]:
        """Return the loss of a batch."""
        states = self.model.encoder(
            inputs_embeds=self.embed(batch.input_ids), attention_mask=batch.attention_mask
        ).last_hidden_state
        out = self.model.decoder.bert(
            inputs_embeds=self.embed(batch.decoder_ids),
            encoder_hidden_states=states,
            encoder_attention_mask=batch.attention_mask,
        ).last_hidden_state
        kept = batch.labels != _IGNORED
        hidden = self.model.decoder.cls.predictions.transform(out[kept])
        labels = batch.labels[kept]
        loss = cross_entropy(self.logits(hidden).float(), self._classes(labels))
        if self.mark_weight:
            asked = batch.marks >= 0
            said = self.mark(states[asked]).float().squeeze(-1)
            loss = loss + self.mark_weight * binary_cross_entropy_with_logits(
                said, batch.marks[asked]
            )
        return loss

    @torch.no_grad()
    def put(self) -> None:
        """Write the references and the biases into the model itself."""
        references = torch.tensor(reference_ids())
        for part in (self.model.encoder, self.model.decoder.bert):
            part.embeddings.word_embeddings.weight[references] = self.rows.detach().cpu()
        self.model.decoder.cls.predictions.bias.copy_(self.bias)

    def logits(self, hidden: Float[Tensor, "tokens dim"]) -> Float[Tensor, "tokens classes"]:
        """Return scores of all words, those of references last."""
        words = hidden @ self.words.T + self.bias
        words = words.masked_fill(self.slots >= 0, -1e4)
        references = hidden @ self.rows.T + self.bias[self.slots >= 0]
        return torch.cat([words, references], dim=-1)

    def _classes(self, ids: Int[Tensor, "tokens"]) -> Int[Tensor, "tokens"]:
        slot = self.slots[ids]
        return torch.where(slot >= 0, len(self.words) + slot, ids)


def train_small(
    module: SmallTraining,
    batches: SmallBatches,
    settings: TrainSettings,
    *,
    checkpoint: Path | None = None,
    on_step: Callable[[Progress], None] | None = None,
) -> None:
    """Train a model, in place; its references and biases are put where generation reads them."""
    train(
        module,
        lambda inner, batch: cast(Tensor, inner(batch)),
        batches,
        settings,
        collate=collated,
        tokens_of=lambda row: len(row.input_ids),
        checkpoint=checkpoint,
        on_step=on_step,
    )
    module.put()
