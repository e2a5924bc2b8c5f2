"""Soft parts through a model against the same computed by hand, one row at a time."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    Gemma2Config,
    Gemma2ForCausalLM,
    PegasusConfig,
    PegasusForConditionalGeneration,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from graphllm.errors import ConfigError, LanguageModelError
from graphllm.llm import Decoding, LocalLanguageModel, Prompt
from graphllm.testing import assert_soft_prompt_contract
from tests.llm.tiny import CONTEXT, SAVE, SMALL, with_spaces, wrapped

SHORT = Decoding(max_new_tokens=6)
DIM = 16
CAUSAL = ["llama", "qwen", "gpt2"]


def soft(seed, num_tokens=3, dtype=torch.float32):
    vectors = torch.randn(num_tokens, DIM, generator=torch.Generator().manual_seed(seed))
    return (0.5 * vectors).to(dtype).requires_grad_()


def exactly(folder, **options):
    """A model that computes in float64, so that nothing but a mistake makes a difference."""
    model = LocalLanguageModel(folder, device="cpu", **options)
    model.module.double()
    return model


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
        model = opened.from_pretrained(folder, dtype=torch.float64)
        self.model = model.eval().requires_grad_(False)
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
    assert expected.abs().max() > 1e-4, "nothing to tell apart"
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="session")
def exact_models(folders):
    return {kind: exactly(folder) for kind, folder in folders.items()}


def cases():
    """Prompts around soft parts of their own, with the parts."""
    parts = [soft(seed, case[1], torch.float64) for seed, case in enumerate(CASES)]
    return parts, [
        Prompt.of(before, part, behind)
        for part, (before, _, behind, _) in zip(parts, CASES, strict=True)
    ]


@pytest.mark.parametrize("kind", SAVE)
def test_loss_and_gradient_are_those_computed_by_hand(exact_models, by_hand, kind):
    model = exact_models[kind]
    ours, prompts = cases()
    targets = [case[3] for case in CASES]
    loss = model.loss(prompts, targets)
    loss.backward()
    theirs, _ = cases()
    nll = [
        by_hand[kind].nll(before, part, behind, target)
        for part, (before, _, behind, target) in zip(theirs, CASES, strict=True)
    ]
    expected = torch.cat(nll).mean()
    expected.backward()
    torch.testing.assert_close(loss, expected)
    for own, other in zip(ours, theirs, strict=True):
        assert_same_gradient(own.grad, other.grad)
    rows = model.loss(prompts, targets, "none")
    torch.testing.assert_close(rows, torch.stack([tokens.sum() for tokens in nll]))
    torch.testing.assert_close(model.loss(prompts, targets, "sum"), rows.sum())
    torch.testing.assert_close(model.score(prompts, targets), -rows.float())


@pytest.mark.parametrize("kind", SAVE)
def test_contract(models, kind):
    assert_soft_prompt_contract(models[kind])


# ---- soft parts that say what words say


WORDS = ["<|im_start|>", "Name ", "every edge", "", "Who directed Inception?"]


@pytest.mark.parametrize("kind", SAVE)
def test_the_embeddings_of_words_say_what_the_words_say(models, kind):
    model = models[kind]
    by_words = [Prompt.of(text) for text in WORDS]
    by_vectors = [Prompt.of(model.word_embeddings(text)) for text in WORDS]
    assert model.generate(by_words, SHORT) == model.generate(by_vectors, SHORT)
    sampled = Decoding(max_new_tokens=6, temperature=2.0, seed=5)
    assert model.generate(by_words, sampled) == model.generate(by_vectors, sampled)
    targets = ["four edges"] * len(by_words)
    torch.testing.assert_close(model.score(by_words, targets), model.score(by_vectors, targets))


def test_a_prompt_of_nothing_has_a_token_to_reply_to(models):
    nothing = Prompt.of(torch.zeros(0, DIM))
    for kind in ("llama", "gpt2"):
        assert models[kind].generate([nothing], SHORT) == models[kind].generate(
            [Prompt.of("")], SHORT
        )
        loss = models[kind].loss([nothing], ["x"])
        torch.testing.assert_close(loss, models[kind].loss([Prompt.of("")], ["x"]))


OTHERS = {
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "gemma2": (Gemma2Config, Gemma2ForCausalLM),  # its embeddings are scaled, its logits capped
}


def save_other(kind, folder):
    torch.manual_seed(5)
    config_class, model_class = OTHERS[kind]
    sizes = {**SMALL, "head_dim": 8, "initializer_range": 0.2}
    config = config_class(vocab_size=len(wrapped()), eos_token_id=0, bos_token_id=None, **sizes)
    model_class(config).save_pretrained(folder)
    wrapped().save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", OTHERS)
def test_models_of_other_kinds(tmp_path, kind):
    model = LocalLanguageModel(save_other(kind, tmp_path), device="cpu")
    words = "Who directed Inception?"
    spoken, soft_words = Prompt.of(words), Prompt.of(model.word_embeddings(words))
    assert model.generate([spoken], SHORT) == model.generate([soft_words], SHORT)
    model.module.double()
    hand = ByHand("llama", tmp_path)
    ours, theirs = soft(1, dtype=torch.float64), soft(1, dtype=torch.float64)
    loss = model.loss([Prompt.of("Graph: ", ours, " x"), spoken], ["Nolan", "x"], "none")[0]
    expected = hand.nll("Graph: ", theirs, " x", "Nolan").sum()
    torch.testing.assert_close(loss, expected)
    loss.backward()
    expected.backward()
    assert_same_gradient(ours.grad, theirs.grad)


def test_a_model_that_scales_embeddings_elsewhere_is_refused(tmp_path):
    config = PegasusConfig(
        vocab_size=len(wrapped()),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_position_embeddings=64,
        scale_embedding=True,
        init_std=0.5,
        eos_token_id=0,
        pad_token_id=0,
        decoder_start_token_id=0,
    )
    PegasusForConditionalGeneration(config).save_pretrained(tmp_path)
    wrapped().save_pretrained(tmp_path)
    model = LocalLanguageModel(tmp_path, device="cpu")
    assert model.generate([Prompt.of("x")], SHORT)
    with pytest.raises(ConfigError, match="reads the embeddings of words differently"):
        model.generate([Prompt.of(soft(0))], SHORT)


# ---- targets


@pytest.mark.parametrize("kind", CAUSAL)
def test_a_target_is_what_the_model_would_write(models, kind):
    """The likeliest reply, told as a target, is as likely as its tokens were one by one."""
    model = models[kind]
    prompt = Prompt.of("Graph:", soft(3), " Who directed Inception?")
    row = model._row(prompt, SHORT)
    for text in ("Christopher Nolan", " Nolan", "\nNolan", "", "中文"):
        ids = model._tokens.target(row, text)
        assert ids[-1] == END[kind]
        assert model._tokens.text(ids) == text


def test_a_prompt_keeps_its_tokens_wherever_the_target_begins(models):
    """Also within a word, where the two would share a token if they were one text."""
    model = models["llama"]
    text, ids = "Christopher Nolan directed it in 2010.", model._tokens.ids
    shared = 0
    for cut in range(1, len(text)):
        before, target = text[:cut], text[cut:]
        told = model._tokens.target(model._row(Prompt.of(before), SHORT), target)[:-1]
        assert model._tokens.text(told) == target
        whole = ids(text)
        if whole[: len(ids(before))] == ids(before):
            assert [*ids(before), *told] == whole
        else:
            assert told == ids(target)
            shared += 1
    assert 5 < shared < len(text) - 5


def test_a_text_behind_a_soft_part_gets_no_space_that_nobody_wrote():
    from transformers import PreTrainedTokenizerFast

    from graphllm.llm._prompt_tokens import SOFT, PromptTokenizer

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=with_spaces(), eos_token="</s>")
    tokens = PromptTokenizer("tiny", tokenizer, frozenset({1}), start_id=None)
    row = tokens.row(Prompt.of("asks", soft(0, 1), "which"))
    at = row.ids.index(SOFT)
    assert "".join(tokenizer.convert_ids_to_tokens(row.ids[:at])) == "▁asks"
    assert "".join(tokenizer.convert_ids_to_tokens(row.ids[at + 1 :])) == "which"
    told = tokens.target(tokens.row(Prompt.of("Who")), "asks")
    assert "".join(tokenizer.convert_ids_to_tokens(told[:-1])) == "asks"


# ---- states


@pytest.mark.parametrize("kind", SAVE)
def test_states_of_a_layer_are_those_of_a_row_alone(exact_models, by_hand, kind):
    model, hand = exact_models[kind], by_hand[kind]
    parts, prompts = cases()
    reads = hand.model.get_encoder() if kind in SEQ2SEQ else hand.model
    for layer in (0, 1, -1):
        found = model.hidden_states(prompts, layer)
        for states, part, (before, _, behind, _) in zip(found, parts, CASES, strict=True):
            told = hand.told(before, part, behind)
            expected = reads(inputs_embeds=told[None], output_hidden_states=True).hidden_states
            torch.testing.assert_close(states, expected[layer][0])
            assert not states.requires_grad
    with pytest.raises(ConfigError, match="layer must be between -3 and 2, got 3"):
        model.hidden_states(prompts, 3)


# ---- what is refused


def test_a_soft_part_of_another_width(models):
    wrong = Prompt.of("Graph: ", torch.zeros(2, DIM + 1))
    match = r"llama takes soft parts that are tensors of width 16, got a Tensor of shape \(2, 17\)"
    for ask in (
        lambda: models["llama"].generate([wrong], SHORT),
        lambda: next(models["llama"].stream(wrong, SHORT)),
        lambda: models["llama"].loss([wrong], ["x"]),
        lambda: models["llama"].score([wrong], ["x"]),
        lambda: models["llama"].hidden_states([wrong]),
    ):
        with pytest.raises(ConfigError, match=match):
            ask()


def test_an_array_is_no_soft_part(models):
    wrong = Prompt.of(np.zeros((2, DIM), dtype=np.float32))
    with pytest.raises(ConfigError, match="got a ndarray of shape"):
        models["llama"].generate([wrong], SHORT)


def test_a_soft_part_counts_in_the_context(models):
    model = models["llama"]
    long = Prompt.of("x", torch.zeros(CONTEXT - 5, DIM))
    assert model.generate([long], Decoding(max_new_tokens=4))[0].usage.prompt_tokens == CONTEXT - 4
    with pytest.raises(LanguageModelError, match="the prompt has 252 tokens and the reply may ha"):
        model.generate([long], Decoding(max_new_tokens=5))


def test_a_target_is_never_cut(models):
    model = models["llama"]
    room = Prompt.of("x", torch.zeros(CONTEXT - 3, DIM))
    assert model.loss([room], ["x"]).isfinite()
    match = "the prompt has 254 tokens and target 2 of 2 has 3; the context is 256; shorten either"
    with pytest.raises(LanguageModelError, match=match):
        model.loss([Prompt.of("x"), room], ["x", "xx"])
    with pytest.raises(LanguageModelError, match=r"target 1 of 1 has \d{3}; the context is 256"):
        models["t5"].score([Prompt.of("x")], ["x " * CONTEXT])


def test_a_target_for_each_prompt(models):
    for targets in ([], ["a", "b"]):
        with pytest.raises(ConfigError, match=f"got 1 prompts and {len(targets)} targets"):
            models["llama"].loss([Prompt.of("x")], targets)
    with pytest.raises(ConfigError, match="nothing to take a loss of: no prompts are given"):
        models["llama"].loss([], [])
    assert models["llama"].score([], []).shape == (0,)
    assert models["llama"].hidden_states([]) == []


@pytest.mark.parametrize("kind", SAVE)
def test_batches_of_any_size_score_the_same(folders, exact_models, kind):
    model = exact_models[kind]
    prompts = [Prompt.of("word " * size, soft(size, size), "?") for size in (9, 1, 30, 2, 17)]
    targets = ["a", "Christopher Nolan", "", "x y z", "Basel"]
    small = exactly(folders[kind], batch_size=2)
    torch.testing.assert_close(small.score(prompts, targets), model.score(prompts, targets))
    torch.testing.assert_close(small.hidden_states(prompts), model.hidden_states(prompts))


@pytest.mark.gpu
@pytest.mark.parametrize("kind", SAVE)
def test_contract_on_a_gpu(folders, kind):
    assert_soft_prompt_contract(LocalLanguageModel(folders[kind], device="cuda", dtype="float32"))
