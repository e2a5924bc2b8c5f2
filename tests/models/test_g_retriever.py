"""G-Retriever against its published code written down once more, row by row."""

import re
from argparse import Namespace

import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

from graphllm.errors import ConfigError, DataError
from graphllm.llm import Decoding, LocalLanguageModel, LoraSettings, Prompt
from graphllm.models.g_retriever import (
    GRetriever,
    LearnedTokens,
    Markers,
    SequenceSettings,
    Told,
    published_prompter,
)
from graphllm.models.g_retriever_checkpoint import read_published
from graphllm.models.graph_prompter import GraphPrompter, PrompterSettings
from graphllm.nn import GraphTokens
from tests.llm.tiny import save_bert, save_gpt2, save_llama, save_t5

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

DIM = 16
PAPER = SequenceSettings(
    paper_mode=True,
    markers=Markers(before="<|im_start|>[INST]", after="[/INST]", end="<|endoftext|>"),
    max_text_tokens=12,
    max_label_tokens=4,
    max_new_tokens=5,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_llama(tmp_path_factory.mktemp("llama"))


def exact(folder, **options):
    """A model that computes in float64, so that nothing but a mistake makes a difference."""
    llm = LocalLanguageModel(folder, device="cpu", **options)
    llm.module.double()
    return llm


def graph(seed, num_nodes=4, num_edges=5):
    draw = torch.Generator().manual_seed(seed)
    ends = torch.randint(num_nodes, (2, num_edges), generator=draw)
    x = torch.randn(num_nodes, 6, generator=draw)
    return GraphTokens.single(x, ends, torch.randn(num_edges, 3, generator=draw))


def prompter(**changes):
    made = published_prompter(6, 3, DIM)
    settings = {name: getattr(made, name) for name in made.__dataclass_fields__}
    torch.manual_seed(1)
    small = {"hidden_dim": 8, "num_heads": 2, "num_layers": 4, "projector_dim": 10}
    return GraphPrompter(PrompterSettings(**{**settings, **small, **changes})).eval()


QUESTIONS = [
    Told(
        question="Question: which city?\n\nAnswer:",
        text="node_id,node_attr\n0,Basel\n1,the Rhine\n\nsrc,edge_attr,dst\n1,flows through,0\n",
        label="Basel",
        graph=graph(1),
    ),
    Told(question="who?", text="node_id\n", label="Nolan, Zoë and Rotterdam", graph=graph(2)),
    Told(question="in which film of 2010?\n\nAnswer:", text="", label="no", graph=graph(3)),
]  # fmt: skip


class Published:
    """The published forward pass: rows filled on the left with id 0, labels of -100 before."""

    def __init__(self, folder):
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.embed = self.model.get_input_embeddings()

    def ids(self, text):
        return self.tokenizer(text, add_special_tokens=False).input_ids

    def rows(self, questions, soft, with_label):
        rows, labels, masks = [], [], []
        before = self.embed(torch.tensor(self.ids(PAPER.markers.before)))
        for told, token in zip(questions, soft, strict=True):
            label = self.ids(told.label)[:4] + self.ids(PAPER.markers.end) if with_label else []
            text = self.ids(told.text)[:12] + self.ids(told.question)
            behind = text + self.ids(PAPER.markers.after) + label
            row = torch.cat([before, token, self.embed(torch.tensor(behind))])
            rows.append(row)
            labels.append([-100] * (len(row) - len(label)) + label)
            masks.append([1] * len(row))
        longest = max(map(len, rows))
        pad = self.embed(torch.tensor([0]))
        for i, row in enumerate(rows):
            more = longest - len(row)
            rows[i] = torch.cat([pad.repeat(more, 1), row])
            labels[i] = [-100] * more + labels[i]
            masks[i] = [0] * more + masks[i]
        return torch.stack(rows), torch.tensor(masks), torch.tensor(labels)

    def loss(self, questions, soft):
        embeds, mask, labels = self.rows(questions, soft, with_label=True)
        logits = self.model(inputs_embeds=embeds, attention_mask=mask).logits
        return cross_entropy(
            logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100
        )


def test_the_loss_is_the_published_one_with_its_gradient(folder):
    ours = GRetriever(exact(folder), PAPER, prompter().double())
    collated = GraphTokens.collate([told.graph for told in QUESTIONS]).to("cpu", torch.float64)
    questions = [told._replace(graph=told.graph.to("cpu", torch.float64)) for told in QUESTIONS]
    soft = ours.soft(collated).embeds
    expected = Published(folder).loss(QUESTIONS, soft)
    torch.testing.assert_close(ours(questions), expected, rtol=1e-6, atol=1e-8)
    weight = ours.soft.projector.inner.weight
    [theirs] = torch.autograd.grad(expected, weight)
    [mine] = torch.autograd.grad(ours(questions), weight)
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-10)
    assert theirs.abs().sum() > 0


def test_replies_are_those_of_the_published_generation(folder):
    ours = GRetriever(exact(folder), PAPER, prompter())
    replies = [reply.text for reply in ours.generate(QUESTIONS)]
    published = Published(folder)
    soft = ours.soft(GraphTokens.collate([told.graph for told in QUESTIONS])).embeds.double()
    embeds, mask, _ = published.rows(QUESTIONS, soft, with_label=False)
    with torch.no_grad():
        ids = published.model.generate(
            inputs_embeds=embeds, attention_mask=mask, max_new_tokens=5, do_sample=False,
            temperature=None, top_k=None, repetition_penalty=1.0, pad_token_id=0,
        )  # fmt: skip
    assert replies == published.tokenizer.batch_decode(ids, skip_special_tokens=True)


def test_text_and_label_are_cut_and_the_question_is_not(folder):
    llm = exact(folder)
    ours = GRetriever(llm, PAPER)
    [prompt] = ours.prompts(QUESTIONS[:1])
    told = [token for part in prompt.parts for token in part]
    before, question = llm.token_ids("<|im_start|>[INST]", control=True), QUESTIONS[0].question
    behind = [*llm.token_ids(question), *llm.token_ids("[/INST]")]
    assert told == [*before, *llm.token_ids(QUESTIONS[0].text)[:12], *behind]
    assert before[0] == 1  # the control token itself
    assert ours.num_prompt_tokens(QUESTIONS[0]) == len(told)
    label = QUESTIONS[1].label
    assert ours.target(label) == [*llm.token_ids(label)[:4], 0]
    assert ours.num_target_tokens(label) == 5


def test_a_graph_cannot_write_control_tokens(folder):
    ours = GRetriever(exact(folder), PAPER)
    [prompt] = ours.prompts([Told(question="?", text="0,<|endoftext|>")])
    assert 0 not in prompt.parts[-1]


def test_learned_tokens_begin_as_words_and_stand_before_every_text(folder):
    llm = exact(folder)
    words = llm.word_embeddings("Which city?")
    soft = LearnedTokens(words, 10)
    torch.testing.assert_close(soft.vectors, words.repeat(10, 1)[:10].float())
    ours = GRetriever(llm, PAPER, soft)
    expected = Published(folder).loss(QUESTIONS, [soft.vectors.double()] * 3)
    torch.testing.assert_close(ours(QUESTIONS), expected, rtol=1e-6, atol=1e-7)
    ours(QUESTIONS).backward()
    assert soft.vectors.grad.abs().sum() > 0
    with pytest.raises(ConfigError, match="learned tokens need one word"):
        LearnedTokens(words[:0])


@pytest.mark.parametrize(
    ("save", "markers"),
    [
        (save_gpt2, Markers(before="", after="", end="<|endoftext|>")),
        (save_t5, Markers(before="", after="</s>", end="</s>")),
        (save_bert, Markers(before="[CLS]", after="[SEP]", end="[SEP]")),
    ],
    ids=["gpt2", "t5", "bert"],
)
@pytest.mark.parametrize("paper_mode", [True, False], ids=["paper", "own"])
def test_other_models_train_and_reply_in_either_mode(save, markers, paper_mode, tmp_path):
    llm = exact(save(tmp_path))
    settings = SequenceSettings(
        paper_mode=paper_mode, markers=markers, max_text_tokens=20, max_new_tokens=3
    )
    ours = GRetriever(llm, settings, prompter())
    ours(QUESTIONS).backward()
    assert ours.soft.projector.outer.weight.grad.abs().sum() > 0
    assert len(ours.generate(QUESTIONS)) == 3
    found = ours.log_likelihoods(QUESTIONS, ["Basel", "no"])
    alone = -llm.loss(ours.prompts(QUESTIONS[2:]), [ours.target("no")], reduction="sum")
    torch.testing.assert_close(found[2, 1].double(), alone.detach(), rtol=1e-5, atol=1e-5)


def test_the_own_form_is_a_prompt_of_the_model(folder):
    ours = GRetriever(exact(folder), SequenceSettings())
    told = Told(question="who?", text="[1] a | b | c")
    assert ours.prompts([told, Told(question="who?")]) == [
        Prompt.of("[1] a | b | c\n\nwho?"), Prompt.of("who?"),
    ]  # fmt: skip
    assert ours.generate([told])[0].usage.completion_tokens <= 32


def test_a_graph_prompt_needs_graphs(folder):
    with pytest.raises(ConfigError, match="needs a graph with every question"):
        GRetriever(exact(folder), PAPER, prompter())([Told(question="?", label="a")])
    with pytest.raises(ConfigError, match="max_new_tokens must be 1 or more"):
        SequenceSettings(max_new_tokens=0)


def test_a_prompt_of_tokens_checks_its_soft_parts(folder):
    from graphllm.llm import TokenPrompt

    with pytest.raises(ConfigError, match="a soft part has the shape"):
        TokenPrompt(parts=(torch.zeros(3),))
    llm = exact(folder)
    prompt = TokenPrompt(parts=((5, 6), torch.zeros(2, DIM), (7,)))
    assert (len(prompt), list(prompt.ids(-1))) == (5, [5, 6, -1, -1, 7])
    [reply] = llm.generate([prompt], Decoding(max_new_tokens=2))
    assert reply.usage.prompt_tokens == 5


# the prompter of the paper


def test_the_published_prompter_is_as_large_as_the_paper_says():
    with torch.device("meta"):
        made = GraphPrompter(published_prompter(1024, 1024, 4096))
    encoder = sum(p.numel() for p in made.encoder.parameters())
    # four layers of query, key, value, skip (each with a bias) and edge; three norms
    assert encoder == 4 * (4 * (1024 * 1024 + 1024) + 1024 * 1024) + 3 * 2 * 1024
    assert sum(p.numel() for p in made.projector.parameters()) == (
        1024 * 2048 + 2048 + 2048 * 4096 + 4096
    )


# checkpoints of others


def theirs(ours):
    """The tensors of a prompter by the names that the published code gives them."""
    state = {}
    for name, value in ours.state_dict().items():
        name = name.replace("encoder.stack.convs", "graph_encoder.convs")
        name = re.sub(r"encoder\.stack\.norms\.(\d)\.module", r"graph_encoder.bns.\1", name)
        name = name.replace("projector.inner", "projector.0").replace(
            "projector.outer", "projector.2"
        )
        state[name] = value
    return state


def test_a_published_checkpoint_gives_the_same_soft_tokens_and_adapters(folder, tmp_path):
    ours = prompter(num_heads=4)
    with torch.no_grad():
        for part in ours.state_dict().values():
            if part.is_floating_point():
                part.add_(torch.rand(part.shape, generator=torch.Generator().manual_seed(3)))
    llm = LocalLanguageModel(folder, device="cpu", lora=LoraSettings(rank=2, alpha=4.0))
    adapters = {n: torch.full_like(v, 0.25) for n, v in llm.trainable_state().items()}
    state = {
        **theirs(ours),
        **{f"model.base_model.model.{name}": value for name, value in adapters.items()},
        "word_embedding.weight": torch.zeros(3, DIM),
        "model.base_model.model.model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(2),
    }
    assert "graph_encoder.bns.2.running_var" in state
    assert "graph_encoder.convs.3.lin_key.weight" in state
    config = Namespace(seed=0, gnn_num_heads=4, llm_frozen="False", lr=1e-5)
    path = tmp_path / "expla_graphs_graph_llm_7b_gt_seed0_checkpoint_best.pth"
    torch.save({"model": state, "optimizer": {"state": {}}, "config": config, "epoch": 3}, path)
    found = read_published(path)
    assert found.epoch == 3
    assert torch.equal(found.prompter(graph(5)).embeds, ours(graph(5)).embeds)
    found.put_lora(llm)
    for name, value in llm.trainable_state().items():
        assert torch.equal(value, adapters[name]), name


def test_pygs_layout_has_other_prefixes_and_several_tokens(tmp_path):
    ours = prompter(num_tokens=3)
    state = {
        name.replace("graph_encoder.", "gnn.").replace("bns", "norms"): value
        for name, value in theirs(ours).items()
    }
    state["llm.llm.model.norm.weight"] = state["llm_generator.model.norm.weight"] = torch.ones(2)
    torch.save(state, tmp_path / "model.pt")
    found = read_published(tmp_path / "model.pt", num_heads=2, model_dim=DIM)
    assert found.prompter.made.num_tokens == 3
    assert torch.equal(found.prompter(graph(5)).embeds, ours(graph(5)).embeds)


def test_a_checkpoint_of_prompt_tuning(tmp_path):
    vectors = torch.randn(10, DIM)
    path = tmp_path / "pt.pth"
    torch.save({"model": {"prompt": vectors, "word_embedding.weight": torch.ones(2)}}, path)
    assert torch.equal(read_published(path).learned.vectors, vectors)


class Evil:
    def __reduce__(self):
        return (print, ("a file of strangers was run",))


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        ({"model": {"x": Evil()}}, "cannot be read as tensors alone"),
        ([1], "expected a dictionary of tensors, got list"),
        ({"model": {"text_proj.weight": torch.ones(2)}}, "it holds 'text_proj.weight'"),
        ({"model": {"word_embedding.weight": torch.ones(2)}}, "it holds no weights of one"),
        ({"projector.0.weight": torch.ones(2, 2)}, "not the weights of a published graph trans"),
    ],
    ids=["code", "list", "stranger", "nothing", "half"],
)
def test_other_files_are_refused(saved, said, tmp_path, capsys):
    torch.save(saved, tmp_path / "c.pth")
    with pytest.raises(DataError, match=said):
        read_published(tmp_path / "c.pth")
    assert capsys.readouterr().out == ""


def test_a_torn_file_is_refused(tmp_path):
    (tmp_path / "c.pth").write_bytes(b"torn")
    with pytest.raises(DataError, match="cannot be read as tensors alone"):
        read_published(tmp_path / "c.pth")
    with pytest.raises(DataError, match="cannot be read as tensors alone"):
        read_published(tmp_path / "missing.pth")
