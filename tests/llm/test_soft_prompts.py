"""Soft parts through a model against the same computed by hand, one row at a time."""

import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from graphllm.llm import Decoding, Prompt
from graphllm.testing import assert_soft_prompt_contract
from tests.llm.tiny import SAVE

SHORT = Decoding(max_new_tokens=6)
DIM = 16
CAUSAL = ["llama", "qwen", "gpt2"]


def soft(seed, num_tokens=3):
    vectors = torch.randn(num_tokens, DIM, generator=torch.Generator().manual_seed(seed))
    return (0.5 * vectors).requires_grad_()


SEQ2SEQ = ["t5", "bert"]

# What the tiny models put around a prompt of one user message, and how their replies end.
BEFORE = {"qwen": "<|im_start|>user\n", "bert": "[CLS]"}
BEHIND = {"qwen": "<|im_end|>\n<|im_start|>assistant\n", "bert": "[SEP]", "t5": "</s>"}
END = {"llama": 0, "gpt2": 0, "qwen": 2, "t5": 1, "bert": 2}
START = {"t5": 0, "bert": 1}  # of a decoder


class ByHand:
    """A copy of a model: one row, pieces put behind each other, a shift, cross entropy."""

    def __init__(self, kind, folder):
        opened = AutoModelForSeq2SeqLM if kind in SEQ2SEQ else AutoModelForCausalLM
        self.kind = kind
        self.model = opened.from_pretrained(folder).eval().requires_grad_(False)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.embed = self.model.get_input_embeddings()

    def ids(self, text):
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def words(self, text):
        return self.embed(torch.tensor(self.ids(text), dtype=torch.long))

    def told(self, before, part, behind):
        first, last = BEFORE.get(self.kind, ""), BEHIND.get(self.kind, "")
        return torch.cat([self.words(first + before), part, self.words(behind + last)])

    def nll(self, before, part, behind, target):
        """Loss of each token of the target and of its end token."""
        told = self.told(before, part, behind)
        reply = torch.tensor([*self.ids(target), END[self.kind]])
        if self.kind in SEQ2SEQ:
            decoder_ids = torch.cat([torch.tensor([START[self.kind]]), reply[:-1]])
            logits = self.model(inputs_embeds=told[None], decoder_input_ids=decoder_ids[None])
            return cross_entropy(logits.logits[0], reply, reduction="none")
        whole = torch.cat([told, self.embed(reply)])
        logits = self.model(inputs_embeds=whole[None]).logits[0, len(told) - 1 : -1]
        return cross_entropy(logits, reply, reduction="none")


@pytest.fixture(scope="session")
def by_hand(folders):
    return {kind: ByHand(kind, folder) for kind, folder in folders.items()}


CASES = [  # texts of several lengths around soft parts of several lengths
    ("Graph: ", 3, " Who directed Inception?", "Christopher Nolan"),
    ("", 1, " x", " four edges"),
    ("The river Rhine flows through Basel, in words: ", 7, " Name every edge of it.", "Zoë"),
    ("Who?", 2, "", " 2010"),
]


def assert_same_gradient(found, expected):
    """Equal up to rounding; the tiny T5, in which all is large, rounds the most."""
    largest = expected.abs().max()
    assert largest > 1e-4, "nothing to tell apart"
    torch.testing.assert_close(found / largest, expected / largest, rtol=0, atol=1e-3)


@pytest.mark.parametrize("kind", SAVE)
def test_loss_and_gradient_are_those_computed_by_hand(models, by_hand, kind):
    ours = [soft(seed, case[1]) for seed, case in enumerate(CASES)]
    prompts = [
        Prompt.of(before, part, behind)
        for part, (before, _, behind, _) in zip(ours, CASES, strict=True)
    ]
    targets = [case[3] for case in CASES]
    loss = models[kind].loss(prompts, targets)
    loss.backward()
    theirs = [soft(seed, case[1]) for seed, case in enumerate(CASES)]
    nll = [
        by_hand[kind].nll(before, part, behind, target)
        for part, (before, _, behind, target) in zip(theirs, CASES, strict=True)
    ]
    expected = torch.cat(nll).mean()
    expected.backward()
    torch.testing.assert_close(loss, expected)
    for own, other in zip(ours, theirs, strict=True):
        assert_same_gradient(own.grad, other.grad)
    rows = models[kind].loss(prompts, targets, "none")
    torch.testing.assert_close(rows, torch.stack([tokens.sum() for tokens in nll]))
    torch.testing.assert_close(models[kind].loss(prompts, targets, "sum"), rows.sum())
    torch.testing.assert_close(models[kind].score(prompts, targets), -rows)


@pytest.mark.parametrize("kind", SAVE)
def test_contract(models, kind):
    assert_soft_prompt_contract(models[kind])
