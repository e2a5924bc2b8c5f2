"""Adapters, checkpointing and weights that are trained, on tiny models."""

import os

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

from graphllm.errors import ConfigError, MissingExtraError
from graphllm.llm import Decoding, LocalLanguageModel, LoraSettings, Prompt, _loading
from graphllm.testing import CONTRACT_PROMPTS
from tests.llm.tiny import SAVE

SHORT = Decoding(max_new_tokens=6)
LORA = LoraSettings(rank=2, alpha=4.0, dropout=0.0)
TARGETS = {  # peft knows which layers are usual but for the pair of BERTs
    "bert": ("query", "value"),
}


def lora_for(kind, dropout=0.0):
    return LoraSettings(rank=2, alpha=4.0, dropout=dropout, targets=TARGETS.get(kind, ()))


def adapted(folders, kind, **options):
    """A model with adapters that do something: as if after some training."""
    model = LocalLanguageModel(folders[kind], device="cpu", lora=lora_for(kind), **options)
    draw = torch.Generator().manual_seed(0)
    for weight in model.trainable_parameters():
        weight.data = 0.3 * torch.randn(weight.shape, generator=draw)
    return model


def soft(seed=0, num_tokens=3):
    draw = torch.Generator().manual_seed(seed)
    return (0.5 * torch.randn(num_tokens, 16, generator=draw)).requires_grad_()


def batch(part):
    texts = [("Graph: ", " Who?"), ("The river ", " Rhine")]
    prompts = [Prompt.of(before, part, behind) for before, behind in texts]
    return [*prompts, Prompt.of("x")], ["Nolan", "flows", "four edges"]


# ---- adapters


@pytest.mark.parametrize("kind", SAVE)
def test_new_adapters_change_nothing_and_a_step_moves_only_them(folders, models, kind):
    model = LocalLanguageModel(folders[kind], device="cpu", lora=lora_for(kind, dropout=0.05))
    assert model.generate(CONTRACT_PROMPTS, SHORT) == models[kind].generate(CONTRACT_PROMPTS, SHORT)
    before = {name: part.detach().clone() for name, part in model.module.named_parameters()}
    trained = model.trainable_state()
    assert trained
    assert all(".lora_" in name for name in trained)
    model.train()
    optimizer = torch.optim.SGD(model.trainable_parameters(), lr=0.1)
    model.loss(*batch(soft())).backward()
    optimizer.step()
    moved = {
        name
        for name, part in model.module.named_parameters()
        if not torch.equal(part.detach(), before[name])
    }
    assert moved
    assert moved <= set(trained)


def merged(folder, model, kind):
    """A plain copy of the model with each adapter added to the weight it stands beside."""
    opened = AutoModelForSeq2SeqLM if kind in ("t5", "bert") else AutoModelForCausalLM
    plain = opened.from_pretrained(folder).eval().requires_grad_(False)
    lora = {name: part.clone().requires_grad_() for name, part in model.trainable_state().items()}
    for name in [name for name in lora if "lora_A" in name]:
        layer = plain.get_submodule(name.partition(".lora_A")[0])
        weight = lora[name.replace("lora_A", "lora_B")] @ lora[name] * (4.0 / 2)
        if kind == "gpt2":  # whose linear layers keep their weights the other way round
            weight = weight.T
        del layer._parameters["weight"]
        layer.weight = plain_weight(folder, name) + weight
    return plain, lora


def plain_weight(folder, name):
    from safetensors.torch import load_file

    stored = load_file(folder / "model.safetensors")
    own = name.partition(".lora_A")[0] + ".weight"
    return stored.get(own, stored.get(own.removeprefix("transformer.")))


@pytest.mark.parametrize("kind", ["llama", "gpt2", "qwen"])
def test_gradients_of_adapters_are_those_computed_by_hand(folders, kind):
    """Loss of a row whose text is looked up by hand, through weights with the product added."""
    model = adapted(folders, kind)
    row = model._tokens.row(Prompt.of("Who directed Inception?"))
    target = model._tokens.target(row, "Nolan")
    model.loss([Prompt.of("Who directed Inception?")], ["Nolan"]).backward()
    plain, lora = merged(folders[kind], model, kind)
    logits = plain(input_ids=torch.tensor([[*row.ids, *target]])).logits[0, len(row) - 1 : -1]
    torch.nn.functional.cross_entropy(logits, torch.tensor(target)).backward()
    for name, weight in model.module.named_parameters():
        if weight.requires_grad:
            assert lora[name].grad.abs().max() > 1e-5
            torch.testing.assert_close(weight.grad, lora[name].grad, rtol=1e-3, atol=1e-5)


def test_dropout_of_adapters_acts_only_in_training(folders):
    settings = LoraSettings(rank=2, alpha=4.0, dropout=0.5)
    model = LocalLanguageModel(folders["llama"], device="cpu", lora=settings)
    for weight in model.trainable_parameters():
        torch.nn.init.normal_(weight, std=0.3)
    asked = batch(soft())
    quiet = model.loss(*asked)
    torch.testing.assert_close(model.loss(*asked), quiet)
    scores, replies = model.score(*asked), model.generate(asked[0], SHORT)
    model.train()
    assert len({model.loss(*asked).item() for _ in range(4)}) == 4
    torch.testing.assert_close(model.score(*asked), scores)
    assert model.generate(asked[0], SHORT) == replies
    assert len({model.loss(*asked).item() for _ in range(4)}) == 4, "an evaluation ended training"
    model.train(False)
    torch.testing.assert_close(model.loss(*asked), quiet)


def test_frozen_layers_keep_quiet_in_training(folders):
    """GPT-2 and T5 come with dropout of their own, which frozen weights do not need."""
    for kind in ("gpt2", "t5"):
        model = LocalLanguageModel(folders[kind], device="cpu")
        asked = batch(soft())
        quiet = model.loss(*asked)
        model.train()
        torch.testing.assert_close(model.loss(*asked), quiet, rtol=0, atol=0)
        model.module.train()  # as a module around it would do
        torch.testing.assert_close(model.loss(*asked), quiet, rtol=0, atol=0)
        assert model.trainable_parameters() == []
    free = LocalLanguageModel(folders["gpt2"], device="cpu", frozen=False)
    free.train()
    assert len({free.loss(*asked).item() for _ in range(4)}) == 4


def test_all_weights_can_be_trained(folders):
    model = LocalLanguageModel(folders["t5"], device="cpu", frozen=False)
    assert set(model.trainable_state()) == {name for name, _ in model.module.named_parameters()}
    model.loss(*batch(soft())).backward()
    assert all(weight.grad is not None for weight in model.trainable_parameters())


def test_adapters_in_bfloat16_are_trained_in_float32(folders):
    options = {"device": "cpu", "dtype": "bfloat16", "lora": LORA}
    model = LocalLanguageModel(folders["llama"], **options)
    assert {weight.dtype for weight in model.trainable_parameters()} == {torch.float32}
    part = soft()
    loss = model.loss(*batch(part))
    assert loss.dtype == torch.float32
    loss.backward()
    assert part.grad.dtype == torch.float32
    assert part.grad.abs().max() > 0
    exact = LocalLanguageModel(folders["llama"], device="cpu").loss(*batch(soft()))
    assert abs(loss.item() - exact.item()) < 0.1 * exact.item()


def test_layers_that_are_not_there(folders):
    misspelt = LoraSettings(targets=("q_prj",))
    with pytest.raises(ConfigError, match=r"the layers \['q_prj'\]: name some of \[.*'k_proj', "):
        LocalLanguageModel(folders["llama"], device="cpu", lora=misspelt)


def test_two_berts_get_the_adapters_that_are_usual_for_bert(folders):
    model = LocalLanguageModel(folders["bert"], device="cpu", lora=LoraSettings())
    adapted = {name.split(".lora_")[0].rsplit(".", 1)[-1] for name in model.trainable_state()}
    assert adapted == {"query", "value"}


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"rank": 0}, "rank must be 1 or more, got 0"),
        ({"alpha": 0.0}, "alpha must be above 0"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
    ],
    ids=["rank", "alpha", "dropout"],
)
def test_settings_out_of_range(settings, what):
    with pytest.raises(ConfigError, match=what):
        LoraSettings(**settings)


def test_free_weights_have_no_adapters(folders):
    with pytest.raises(ConfigError, match="leave out lora and quantize, or frozen=False"):
        LocalLanguageModel(folders["llama"], device="cpu", frozen=False, lora=LORA)


# ---- checkpointing


@pytest.mark.parametrize("kind", SAVE)
def test_checkpointing_gives_the_same_gradients(folders, kind):
    found = []
    for checkpointing in (False, True):
        model = adapted(folders, kind, checkpointing=checkpointing)
        model.train()
        runs = count_runs(model)
        part = soft()
        loss = model.loss(*batch(part))
        once = len(runs)
        model.generate(CONTRACT_PROMPTS[:1], SHORT)  # may come between, and leaves no trace
        before = len(runs)
        loss.backward()
        assert (len(runs) > before) == checkpointing, "layers are to run again on the way back"
        assert once
        found.append((part.grad, [weight.grad for weight in model.trainable_parameters()]))
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-6)


def count_runs(model):
    """Return a list that grows each time the first adapted layer runs."""
    runs = []
    layer = next(part for part in model.module.modules() if hasattr(part, "lora_A"))
    layer.register_forward_hook(lambda *_: runs.append(1))
    return runs


def test_checkpointing_trains_adapters_on_words_alone(folders):
    """No soft part: no input of the layers asks for a gradient."""
    grads = []
    for checkpointing in (False, True):
        model = adapted(folders, "llama", checkpointing=checkpointing)
        model.loss([Prompt.of("Who?")], ["Nolan"]).backward()
        grads.append([weight.grad for weight in model.trainable_parameters()])
    torch.testing.assert_close(grads[0], grads[1])


def test_checkpointing_saves_memory(folders):
    """What the way back needs is kept on the way there: count it."""
    kept = []
    for checkpointing in (False, True):
        model = adapted(folders, "llama", checkpointing=checkpointing)
        sizes = []

        def pack(tensor, sizes=sizes):
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            model.loss(*batch(soft()))
        kept.append(sum(sizes))
    assert kept[1] < kept[0] / 2


# ---- weights on disk


@pytest.mark.parametrize("kind", ["llama", "bert"])
def test_a_round_trip_of_what_was_trained(folders, tmp_path, kind):
    model = adapted(folders, kind)
    model.save_trainable(tmp_path / "adapters.safetensors")
    asked = batch(soft())
    for state in (tmp_path / "adapters.safetensors", model.trainable_state()):
        again = LocalLanguageModel(folders[kind], device="cpu", lora=lora_for(kind))
        assert not torch.equal(again.score(*asked), model.score(*asked))
        again.load_trainable(state)
        assert torch.equal(again.score(*asked), model.score(*asked))
    state = model.trainable_state()
    for weight in model.trainable_parameters():
        weight.data.zero_()
    assert any(part.abs().max() > 0 for part in state.values()), "a state is a copy"


def test_weights_of_another_model(folders, tmp_path):
    state = adapted(folders, "llama").trainable_state()
    frozen = LocalLanguageModel(folders["llama"], device="cpu")
    with pytest.raises(
        ConfigError, match=r"'model\.layers\.0.*' is no weight that the model trains "
    ):
        frozen.load_trainable(state)
    wider = LocalLanguageModel(folders["llama"], device="cpu", lora=LoraSettings(rank=3))
    with pytest.raises(ConfigError, match=r"shape \(2, 16\), the model's is \(3, 16\): open"):
        wider.load_trainable(state)
    del state[min(state)]
    with pytest.raises(ConfigError, match=r"is missing \(1 names differ\): open"):
        adapted(folders, "llama").load_trainable(state)


def test_a_file_that_holds_no_weights(folders, tmp_path):
    model = adapted(folders, "llama")
    with pytest.raises(ConfigError, match="cannot be read as safetensors"):
        model.load_trainable(tmp_path / "nothing.safetensors")
    torch.save(model.trainable_state(), tmp_path / "pickle.safetensors")
    with pytest.raises(ConfigError, match="cannot be read as safetensors"):
        model.load_trainable(tmp_path / "pickle.safetensors")
    save_file({}, tmp_path / "empty.safetensors")
    with pytest.raises(ConfigError, match="is missing"):
        model.load_trainable(os.fspath(tmp_path / "empty.safetensors"))


# ---- quantized


def test_quantized_weights_need_cuda(folders):
    for quantize in ("int8", "nf4"):
        with pytest.raises(ConfigError, match=f"quantize='{quantize}' needs a CUDA device"):
            LocalLanguageModel(folders["llama"], device="cpu", quantize=quantize)
    with pytest.raises(ConfigError, match="quantize must be 'int8' or 'nf4', got '2 bits'"):
        _loading._quantization("2 bits", "cuda")


@pytest.mark.gpu
@pytest.mark.parametrize("quantize", ["int8", "nf4"])
def test_quantized_weights_train_adapters_and_soft_parts(folders, quantize):
    pytest.importorskip("bitsandbytes")
    model = LocalLanguageModel(folders["llama"], device="cuda", quantize=quantize, lora=LORA)
    part = soft()
    model.loss(*batch(part)).backward()
    assert part.grad.abs().max() > 0
    assert model.generate(CONTRACT_PROMPTS[:1], SHORT)[0].text


@pytest.mark.gpu
def test_quantized_weights_need_bitsandbytes(folders):
    from importlib.util import find_spec

    if find_spec("bitsandbytes"):
        pytest.skip("bitsandbytes is installed")
    with pytest.raises(MissingExtraError, match=r"pip install 'graphllm\[quantized\]'"):
        LocalLanguageModel(folders["llama"], device="cuda", quantize="int8")
