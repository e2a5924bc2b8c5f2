"""graphllm-small as a checkpoint: opened by transformers alone, stored, held to its grammar."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from graphllm.errors import ConfigError, DataError
from graphllm.llm import Decoding, LocalLanguageModel, Prompt
from graphllm.llm.small import export_small, load_small, read_small_reply, save_small, start_model
from graphllm.llm.small.prompt import reply_of
from graphllm.llm.small.shipped import OTHER, small_checkpoint
from graphllm.llm.small.storage import packed, unpacked
from graphllm.llm.small.vocabulary import fast_tokenizer

TEXTS = [
    "who stars in [n1] Alien?\n[1] [n1] Alien | starring | [n2] Hurt; [n9] Weaver",
    "who made [n4] it?\n[1] [n4] It | made by | [n5] Bo\n[2] [n5] Bo | born in | [n7] Rome",
]


@pytest.fixture(scope="module")
def started():
    """The model that training starts from, its weights moved as training may move them."""
    model = start_model(num_decoder_layers=2)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if ".layer." in name:
                weight += 0.01 * weight.std() * torch.randn(weight.shape, generator=draw)
        model.decoder.cls.predictions.bias += 0.1
    return model.eval()


@pytest.fixture(scope="module")
def folder(started, tmp_path_factory):
    """Where its weights are stored."""
    path = tmp_path_factory.mktemp("small")
    save_small(path, started)
    return path


@pytest.fixture(scope="module")
def exported(folder, tmp_path_factory):
    """A checkpoint of transformers with them."""
    out = tmp_path_factory.mktemp("checkpoint")
    export_small(folder, out)
    return out


def logits(model, text, reply=(101, 1)):
    told = torch.tensor([fast_tokenizer().encode(text).ids])
    with torch.no_grad():
        return model(input_ids=told, decoder_input_ids=torch.tensor([reply])).logits


def test_a_reference_that_is_attended_to_is_what_the_start_is_inclined_to_write():
    model = start_model(num_decoder_layers=2).eval()
    found = logits(model, TEXTS[0])[0, -1]
    shown = torch.tensor([1, *[103 + n for n in (1, 2, 9)]])
    others = torch.tensor([103 + n for n in range(20, 120)])
    assert found[shown].mean() > found[others].mean()


def test_transformers_alone_opens_it(started, exported):
    opened, told = AutoModelForSeq2SeqLM.from_pretrained(exported, output_loading_info=True)
    assert not told["missing_keys"]
    assert not told["unexpected_keys"]
    tokenizer = AutoTokenizer.from_pretrained(exported)
    batch = tokenizer(TEXTS, return_tensors="pt", padding=True)
    assert batch["input_ids"][0].tolist()[: len(fast_tokenizer().encode(TEXTS[0]).ids)] == (
        fast_tokenizer().encode(TEXTS[0]).ids
    )
    written = opened.generate(**batch, max_new_tokens=4)
    assert written.shape[0] == 2
    right = logits(started, TEXTS[0])
    assert torch.allclose(logits(opened, TEXTS[0]), right, atol=0.05 * right.abs().max().item())


@pytest.mark.slow
def test_storage_changes_the_least_that_a_byte_a_weight_can(started, folder, tmp_path):
    right, base = started.state_dict(), start_model(num_decoder_layers=2).state_dict()
    small = load_small(folder).model
    read = small.state_dict()
    for name, weight in right.items():
        if ".layer." not in name or weight.ndim < 2:
            continue
        stored = weight - base[name] if name.startswith("encoder.") else weight
        step = stored.abs().amax(1, keepdim=True) / 127
        assert ((read[name] - weight).abs() <= 0.52 * step + 1e-6).all(), name
    save_small(tmp_path, small)
    again = load_small(tmp_path).model.state_dict()
    assert all(torch.allclose(again[name], weight, atol=2e-3) for name, weight in read.items())
    assert sum(path.stat().st_size for path in folder.iterdir()) < 17_000_000


@given(
    arrays.arrays("float32", (3, 5), elements=st.floats(-100, 100, width=32, allow_subnormal=False))
)
def test_rows_of_integers_mean_nearly_the_matrix(given_matrix):
    matrix = torch.from_numpy(given_matrix)
    step = matrix.abs().amax(1, keepdim=True) / 127
    # a scale in half precision is off by 2 ** -11 of itself, and by 6e-8 where it is tiny
    slack = 0.5 * step + matrix.abs().amax(1, keepdim=True) * 2**-10 + 127 * 6e-8
    assert ((unpacked(packed(matrix)) - matrix).abs() <= slack).all()


def test_damaged_weights_are_an_error(folder, tmp_path):
    with pytest.raises(DataError, match="not a readable file of weights"):
        load_small(tmp_path)
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "decoder.safetensors").write_bytes((folder / "encoder.safetensors").read_bytes())
    with pytest.raises(DataError, match="not the weights of graphllm-small"):
        load_small(tmp_path)


def test_held_to_its_prompt_it_writes_no_other_reference(exported):
    model = LocalLanguageModel(exported, device="cpu")
    held = Decoding(max_new_tokens=12, references=True)
    replies = model.generate([Prompt.of(text) for text in TEXTS], held)
    allowed = [({1}, {1, 2, 9}), ({1, 2}, {4, 5, 7})]
    for reply, (lines, nodes) in zip(replies, allowed, strict=True):
        said = reply_of(reply.text)
        assert lines.issuperset(said.cites)
        assert nodes.issuperset(said.answers)
        assert said.is_none or said.cites
    alone = [model.generate([Prompt.of(text)], held)[0].text for text in TEXTS]
    assert [reply.text for reply in replies] == alone


def test_the_shipped_checkpoint_is_written_once(folder, tmp_path, monkeypatch):
    monkeypatch.setenv(OTHER, str(folder))
    written = small_checkpoint(tmp_path)
    assert (written / "model.safetensors").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [written.name]
    (written / "config.json").unlink()
    assert small_checkpoint(tmp_path) == written
    assert not (written / "config.json").exists()
    monkeypatch.setenv(OTHER, str(tmp_path))
    with pytest.raises(ConfigError, match="no weights of graphllm-small"):
        small_checkpoint(tmp_path)


def test_soft_parts_and_losses_pass_through_it(exported):
    model = LocalLanguageModel(exported, device="cpu")
    soft = torch.zeros(2, model.model_dim, requires_grad=True)
    loss = model.loss([Prompt.of(soft, TEXTS[0])], ["[1] [n2] [n9]"])
    loss.backward()
    assert torch.isfinite(loss)
    assert soft.grad is not None
    assert soft.grad.abs().sum() > 0


def test_generation_by_hand_reads_back(started):
    told = torch.tensor([fast_tokenizer().encode(TEXTS[0]).ids])
    written = started.generate(input_ids=told, max_new_tokens=3)
    assert read_small_reply(written[0, 1:].tolist()) is not None
