"""Training of the plan scorer: MiniLM with LoRA, so that a question lies near its own plan.

The loss is InfoNCE over the batch (van den Oord et al. 2018, eq. 4): of all plans of a batch, the
wrong ones built for each question included, the right one must be nearest. Graphs come in groups,
so that many of the others are plans over the same graph.
"""

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from jaxtyping import Float
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy, normalize

from graphllm.text.lora import LoraWeights
from graphllm.text.weights import minilm_folder
from graphllm.train.plan_examples import PlanExample
from graphllm.train.settings import TrainSettings
from graphllm.train.trainer import Progress, train

if TYPE_CHECKING:
    from peft import PeftModel

SCALE = 20.0  # of cosines: a temperature of 0.05
BATCH = 48
_GROUPED = 8  # questions of one graph that stand together in a batch
_MAX_TOKENS = 64
_TARGETS = ("query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense")
_PIECES = 96  # texts that are run together, sorted by length, so that little is padded


class PlanEncoder(torch.nn.Module):
    """MiniLM with trainable LoRA weights; texts to vectors of length one.

    Args:
        rank: Of the LoRA matrices.
        alpha: Their scale is ``alpha / rank``.
        start: LoRA weights to begin with.
    """

    def __init__(
        self, *, rank: int = 32, alpha: int = 64, start: LoraWeights | None = None
    ) -> None:
        super().__init__()
        from peft import LoraConfig, get_peft_model
        from transformers import BertModel
        from transformers.utils import logging

        logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # the pooler is not used
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        folder = str(minilm_folder())
        bert = BertModel.from_pretrained(folder, add_pooling_layer=False)
        rank = start.rank if start is not None else rank
        alpha = start.alpha if start is not None else alpha
        config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(_TARGETS))
        self.rank, self.alpha = rank, alpha
        with warnings.catch_warnings():  # peft asks for an attribute by its old name
            warnings.simplefilter("ignore", FutureWarning)
            self.model: PeftModel = cast("PeftModel", get_peft_model(bert, config))
        self._tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        if start is not None:
            self._put(start)

    def forward(self, texts: Sequence[str]) -> Float[torch.Tensor, "num_texts dim"]:
        """Return a vector for each text."""
        ids = [e.ids for e in self._tokenizer.encode_batch_fast(list(texts))]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        parts = [
            self._means([ids[i] for i in order[first : first + _PIECES]])
            for first in range(0, len(order), _PIECES)
        ]
        back = torch.empty(len(order), dtype=torch.long)
        back[torch.tensor(order, dtype=torch.long)] = torch.arange(len(order))
        return torch.cat(parts)[back.to(parts[0].device)]

    def _means(self, ids: list[list[int]]) -> Float[torch.Tensor, "num_texts dim"]:
        device = next(self.parameters()).device
        longest = max(map(len, ids))
        padded = torch.tensor([row + [0] * (longest - len(row)) for row in ids], device=device)
        mask = torch.tensor(
            [[1] * len(row) + [0] * (longest - len(row)) for row in ids], device=device
        )
        states = self.model(input_ids=padded, attention_mask=mask).last_hidden_state.float()
        weight = mask[..., None].float()
        return normalize((states * weight).sum(1) / weight.sum(1), dim=-1)

    def lora(self) -> LoraWeights:
        """Return the trained weights, as the encoder without torch reads them."""
        found = {}
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad:
                layer = name.removeprefix("base_model.model.").removesuffix(".default.weight")
                found[layer] = parameter.detach().float().cpu().numpy()
        return LoraWeights(self.rank, self.alpha, found)

    def _put(self, start: LoraWeights) -> None:
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad:
                layer = name.removeprefix("base_model.model.").removesuffix(".default.weight")
                with torch.no_grad():
                    parameter.copy_(torch.from_numpy(np.array(start.matrices[layer])))


def train_plan_scorer(
    encoder: PlanEncoder,
    examples: Sequence[PlanExample],
    settings: TrainSettings,
    *,
    checkpoint: Path | None = None,
    on_step: Callable[[Progress], None] | None = None,
) -> None:
    """Train ``encoder`` on ``examples``, in place."""
    train(
        encoder,
        contrastive_loss,
        Batches(examples, settings.seed),
        settings,
        collate=list,  # a plan is wrong only among others: the batch is tokenized as one
        checkpoint=checkpoint,
        on_step=on_step,
    )


def contrastive_loss(
    encoder: torch.nn.Module, batch: Sequence[PlanExample]
) -> Float[torch.Tensor, ""]:
    """Return the mean cross-entropy of each question's plan among all plans of the batch."""
    texts: dict[str, int] = {}
    for example in batch:
        for text in (example.positive, *example.negatives):
            texts.setdefault(text, len(texts))
    vectors = encoder([*(e.question for e in batch), *texts])
    asked, plans = vectors[: len(batch)], vectors[len(batch) :]
    right = torch.tensor([texts[e.positive] for e in batch], device=vectors.device)
    return cross_entropy(SCALE * asked @ plans.T, right)


class Batches:
    """Batches by the number of their step: the examples in an order of each epoch's own.

    Args:
        examples: All of them.
        seed: Of the orders.
        size: Examples a batch.
    """

    def __init__(self, examples: Sequence[PlanExample], seed: int, size: int = BATCH) -> None:
        self._examples, self._seed, self._size = examples, seed, size
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    @property
    def per_epoch(self) -> int:
        """How many whole batches there are in an epoch."""
        return max(len(self._examples) // self._size, 1)

    def __getitem__(self, step: int) -> list[PlanExample]:
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._shuffled(epoch)
        chosen = self._order[place * self._size : (place + 1) * self._size].tolist()
        return [self._examples[i] for i in chosen]

    def _shuffled(self, epoch: int) -> np.ndarray:
        """Return an order in which a few questions of one graph always stand together."""
        rng = np.random.default_rng((self._seed, epoch))
        members: dict[str, list[int]] = {}
        for i in rng.permutation(len(self._examples)).tolist():
            members.setdefault(self._examples[i].group, []).append(i)
        runs = [
            of_group[first : first + _GROUPED]
            for of_group in members.values()
            for first in range(0, len(of_group), _GROUPED)
        ]
        order = rng.permutation(len(runs)).tolist()
        return np.array([i for run in order for i in runs[run]], dtype=np.int64)


@torch.no_grad()
def ranking_accuracy(encoder: PlanEncoder, examples: Sequence[PlanExample]) -> dict[str, float]:
    """Return, by source, the share of questions nearer to their plan than to its wrong ones."""
    encoder.eval()
    right: dict[str, list[bool]] = {}
    device = next(encoder.parameters()).device.type
    for batch in _chunks(examples, BATCH):
        texts = [t for e in batch for t in (e.question, e.positive, *e.negatives)]
        places = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        with torch.autocast(device, torch.bfloat16):
            vectors = encoder(list(places))
        for e in batch:
            asked = vectors[places[e.question]]
            wrong = [float(vectors[places[n]] @ asked) for n in e.negatives]
            best = float(vectors[places[e.positive]] @ asked) > max(wrong, default=-1.0)
            right.setdefault(e.source, []).append(best)
    return {source: sum(of) / len(of) for source, of in sorted(right.items())}


def _chunks(examples: Sequence[PlanExample], size: int) -> Iterator[Sequence[PlanExample]]:
    for first in range(0, len(examples), size):
        yield examples[first : first + size]


def save_lora(path: Path, weights: LoraWeights) -> None:
    """Write LoRA weights in half precision, as ``graphllm.text.lora`` reads them."""
    tensors = {
        name: torch.from_numpy(np.array(matrix)).to(torch.float16).contiguous()
        for name, matrix in weights.matrices.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {"lora": json.dumps({"rank": weights.rank, "alpha": weights.alpha})}
    save_file(tensors, path, metadata=about)
