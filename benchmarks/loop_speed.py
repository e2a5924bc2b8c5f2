"""How fast is training soft prompts, beside the loop that G-Retriever publishes?

    python benchmarks/loop_speed.py [--data DIR] [--num 48] [--edges 1000] [--epochs 3] [--out DIR]

Both loops train the same prompter (graph transformer, mean, projector: one soft token) before the
same frozen causal language model (random weights: speed does not depend on them), on the same
questions, each with a graph of its own of at most --edges edges, with the same optimizer, batch
size, precision and threads. Each runs in a process of its own, one after the other, and tells
seconds and its peak memory; the ratios are what counts.

published   as the code of G-Retriever does: every string of every question's graph is embedded, 256
            at once, padded to the longest of the graph; the prizes of edges are dealt out one by
            one in Python; each graph is a file, read at each step; the whole text is tokenised at
            each step; rows in random order are padded to the longest; logits are computed for every
            position.
ours        every string is embedded once; prizes are arrays; vectors stand in one table; batches
            are of one length; logits only where the reply is.

Both solve with our PCST solver, where theirs has pcst_fast, which is kind to the published loop,
and both embed with MiniLM, where theirs has a model fifteen times as large.
"""

import argparse
import csv
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphllm import examples
from graphllm.evaluate.provenance import Provenance
from graphllm.graph.view import GraphView, edges_of
from graphllm.index.cache import index_for
from graphllm.questions import questions_for
from graphllm.retrieval.pcst import EdgeRows, pcst
from graphllm.retrieval.prizes import Prizes, g_retriever_prizes

LONGEST_TEXT, LONGEST_LABEL = 512, 32  # tokens, as published
TOP_K, TOP_K_EDGES, EDGE_COST = 3, 5, 0.5
WIDTH, LAYERS = 384, 6  # of the language model
PUBLISHED_BATCH = 256  # strings that the published code embeds at once
HIDDEN = 256  # of the graph encoder


class Question(NamedTuple):
    """A question, its answer, and the graph that comes with it."""

    text: str
    label: str
    nodes: np.ndarray
    edges: np.ndarray


class Kept(NamedTuple):
    """What retrieval keeps of a question's graph: ids of the whole graph."""

    nodes: np.ndarray
    edges: np.ndarray


def questions(view: GraphView, num: int, most_edges: int) -> Iterator[Question]:
    """Yield questions, each with what lies around the things it names."""
    for built in questions_for(view, np.random.default_rng(0), 4 * num, dirt=0.0):
        keys = [key for mention in built.mentions for key in mention.keys]
        starts = [node for key in keys if (node := view.find_key(key)) is not None]
        if num and starts and built.is_answerable:
            num -= 1
            edges = _around(view, starts, most_edges)
            nodes = np.unique(np.concatenate([view.heads[edges], view.tails[edges]]))
            yield Question(built.question, "|".join(built.answers[:10]), nodes, edges)


def _around(view: GraphView, starts: Sequence[int], most: int) -> np.ndarray:
    found: dict[int, None] = {}
    reached, front = set(starts), list(starts)
    while front and len(found) < most:
        node = front.pop(0)
        for inverse in (False, True):
            for edge in edges_of(view, np.array([node]), inverse=inverse).tolist():
                found[edge] = None
                other = int((view.heads if inverse else view.tails)[edge])
                if other not in reached:
                    reached.add(other)
                    front.append(other)
    return np.array(sorted(list(found)[:most]), dtype=np.int32)


def as_csv(view: GraphView, kept: Kept) -> str:
    """Write a part of the graph as it is published."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["node_id", "node_attr"])
    writer.writerows((node, view.names[node]) for node in kept.nodes.tolist())
    text.write("\n")
    writer.writerow(["src", "edge_attr", "dst"])
    for edge in kept.edges.tolist():
        relation = view.relations[int(view.relation_ids[edge])]
        writer.writerow([int(view.heads[edge]), relation, int(view.tails[edge])])
    return text.getvalue()


def places(nodes: np.ndarray, view: GraphView, edges: np.ndarray) -> np.ndarray:
    """Return head and tail of edges as places among ``nodes``."""
    return np.searchsorted(nodes, np.stack([view.heads[edges], view.tails[edges]])).astype(np.int64)


def solved(one: Question, view: GraphView, prizes: Prizes) -> Kept:
    """Return the nodes and edges that the solver keeps of a question's graph."""
    ends = places(one.nodes, view, one.edges)
    tree = pcst(EdgeRows.from_edges(ends.T, num_nodes=len(one.nodes)), prizes)
    return Kept(one.nodes[tree.nodes], one.edges[tree.edges])


def language_model(folder: Path) -> None:
    """Save a causal language model of random weights, with MiniLM's vocabulary."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from graphllm.llm.small.vocabulary import transformers_tokenizer

    torch.manual_seed(0)
    tokenizer = transformers_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=6,
        num_key_value_heads=6,
        max_position_embeddings=1024,
        bos_token_id=101,
        eos_token_id=102,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.model_max_length = 1024
    tokenizer.save_pretrained(folder)


def prompter_for(dim: int):
    """Return the prompter that both loops train."""
    import torch

    from graphllm.models.graph_prompter import GraphPrompter, PrompterSettings

    torch.manual_seed(0)
    return GraphPrompter(
        PrompterSettings(
            in_dim=dim,
            edge_dim=dim,
            model_dim=WIDTH,
            hidden_dim=HIDDEN,
            num_layers=4,
            pooling="mean",
            num_tokens=1,
        )
    )


class Times(NamedTuple):
    """Seconds of what a loop did, and the memory of its process at most."""

    preparing: float
    epochs: list[float]
    memory_bytes: int
    num_tokens: float
    loss: float


def published(options: argparse.Namespace, view: GraphView, asked: list[Question]) -> Times:
    """Train as the published code does."""
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from graphllm.nn import GraphTokens

    encode, dim = published_encoder()
    model = AutoModelForCausalLM.from_pretrained(options.llm).requires_grad_(False)
    tokenizer = AutoTokenizer.from_pretrained(options.llm)
    prompter = prompter_for(dim)
    optimizer = torch.optim.AdamW(prompter.parameters(), lr=1e-5, weight_decay=0.05)
    folder = Path(tempfile.mkdtemp(dir=options.work))
    started = time.perf_counter()
    texts = []
    for number, one in enumerate(asked):
        x = encode([view.names[node] for node in one.nodes.tolist()])
        relations = view.relation_ids[one.edges].tolist()
        edge_attr = encode([view.relations[r] for r in relations])
        query = encode([one.text])[0]
        kept = solved(one, view, one_by_one(x @ query, edge_attr @ query))
        of_nodes = np.searchsorted(one.nodes, kept.nodes)
        of_edges = np.searchsorted(one.edges, kept.edges)
        tensors = {
            "x": x[of_nodes].contiguous(),
            "edge_index": torch.from_numpy(places(kept.nodes, view, kept.edges)),
            "edge_attr": edge_attr[of_edges].contiguous(),
        }
        save_file(tensors, folder / f"{number}.safetensors")
        texts.append(as_csv(view, kept))
    preparing = time.perf_counter() - started
    rng, epochs, lengths, loss = np.random.default_rng(0), [], [], torch.zeros(())
    words = model.get_input_embeddings()
    for _ in range(options.epochs):
        started = time.perf_counter()
        order = rng.permutation(len(asked))
        for first in range(0, len(order), options.batch):
            some = order[first : first + options.batch].tolist()
            graphs = [load_file(folder / f"{number}.safetensors") for number in some]
            with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16"):
                soft = prompter(GraphTokens.collate([GraphTokens.single(**g) for g in graphs]))
                rows, labels = [], []
                for number, token in zip(some, soft.embeds, strict=True):
                    told = tokenizer(texts[number], add_special_tokens=False).input_ids
                    question = tokenizer(asked[number].text, add_special_tokens=False).input_ids
                    label = tokenizer(asked[number].label, add_special_tokens=False).input_ids
                    label = [*label[:LONGEST_LABEL], tokenizer.eos_token_id]
                    ids = torch.tensor([*told[:LONGEST_TEXT], *question, *label])
                    rows.append(torch.cat([token, words(ids)]))
                    labels.append([-100] * (len(rows[-1]) - len(label)) + label)
                longest = max(map(len, rows))
                lengths.append(longest * len(rows))
                pad = words(torch.zeros(1, dtype=torch.long))
                embeds = [torch.cat([pad.expand(longest - len(r), -1), r]) for r in rows]
                mask = [[0] * (longest - len(r)) + [1] * len(r) for r in rows]
                wanted = [[-100] * (longest - len(one)) + one for one in labels]
                loss = model(
                    inputs_embeds=torch.stack(embeds),
                    attention_mask=torch.tensor(mask),
                    labels=torch.tensor(wanted),
                    use_cache=False,
                ).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(prompter.parameters(), 0.1)
            optimizer.step()
        epochs.append(time.perf_counter() - started)
    return Times(preparing, epochs, _peak(), float(np.sum(lengths)), float(loss.detach()))


def published_encoder():
    """Return what embeds strings as the published code does, and how long their vectors are."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from graphllm.text.weights import minilm_folder

    folder = str(minilm_folder())
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    model.eval()

    def encode(texts: list[str]) -> torch.Tensor:
        told = tokenizer(texts, padding=True, truncation=True, max_length=512, return_tensors="pt")
        found = []
        for first in range(0, len(texts), PUBLISHED_BATCH):
            some = {name: rows[first : first + PUBLISHED_BATCH] for name, rows in told.items()}
            with torch.no_grad():
                states = model(**some).last_hidden_state
            mask = some["attention_mask"][..., None].float()
            mean = (states * mask).sum(1) / mask.sum(1).clamp_min(1e-9)
            found.append(torch.nn.functional.normalize(mean, dim=1))
        return torch.cat(found)

    return encode, model.config.hidden_size


def one_by_one(node_scores, edge_scores) -> Prizes:
    """Return G-Retriever's prizes, dealt out edge by edge as its code does."""
    import torch

    top = torch.topk(node_scores, min(TOP_K, len(node_scores))).indices
    node_prizes = torch.zeros_like(node_scores)
    node_prizes[top] = torch.arange(len(top), 0, -1).float()
    prizes = edge_scores.double()
    levels = torch.topk(prizes.unique(), min(TOP_K_EDGES, len(prizes.unique()))).values
    prizes[prizes < levels[-1]] = 0.0
    last = float(len(levels))
    for level, value in enumerate(levels):
        is_level = prizes == value
        worth = min((len(levels) - level) / int(is_level.sum()), last)
        prizes[is_level] = worth
        last = worth * (1 - 0.01)
    cost = min(EDGE_COST, float(prizes.max()) * (1 - 0.01 / 2))
    costs, virtual = [], []
    for prize in prizes:  # the loop that makes virtual nodes of edges prized above the cost
        if prize <= cost:
            costs.append(cost - prize)
        else:
            virtual.append(prize - cost)
    ids = torch.arange(len(node_scores)).int().numpy(), torch.arange(len(prizes)).int().numpy()
    return Prizes(
        node_ids=ids[0],
        node_prizes=node_prizes.double().numpy(),
        edge_ids=ids[1],
        edge_prizes=prizes.double().clamp(min=0).numpy(),
        edge_cost=cost,
    )


def ours(options: argparse.Namespace, view: GraphView, asked: list[Question]) -> Times:
    """Train as `graphllm train soft-prompt` does."""
    import accelerate  # noqa: F401  before the clock starts, as the libraries of both loops

    from graphllm.graph import Subgraph
    from graphllm.llm import LocalLanguageModel
    from graphllm.models.fact_prompts import FactPrompts, FactSettings, ReplyForm
    from graphllm.text.minilm import MiniLMEncoder
    from graphllm.text.remembering import Remembering
    from graphllm.tokenizers.features import TextTokenizer
    from graphllm.train.soft_prompt import (
        HowTrained,
        SoftExample,
        SoftPromptTraining,
        TokenTable,
        batches_of,
        train_prompter,
    )

    encoder = Remembering(MiniLMEncoder())
    llm = LocalLanguageModel(options.llm, device="cpu")
    prompter = prompter_for(encoder.dim)
    prompts = FactPrompts(view, llm.count_tokens, FactSettings(form=ReplyForm.JSON))
    started = time.perf_counter()
    names = np.unique(np.concatenate([one.nodes for one in asked]))
    vectors = encoder.encode([view.names[node] for node in names.tolist()])
    relations = encoder.encode(list(view.relations))
    queries = encoder.encode([one.text for one in asked])
    parts, made = [], []
    for one, query in zip(asked, queries, strict=True):
        kept = solved(
            one,
            view,
            g_retriever_prizes(
                vectors[np.searchsorted(names, one.nodes)] @ query,
                (relations @ query)[view.relation_ids[one.edges]],
                top_k=TOP_K,
                top_k_edges=TOP_K_EDGES,
                edge_cost=EDGE_COST,
            ),
        )
        ones = np.ones(max(len(kept.nodes), len(kept.edges)), np.float32)
        parts.append(
            Subgraph(
                nodes=kept.nodes.astype(np.int32),
                edges=kept.edges.astype(np.int32),
                node_scores=ones[: len(kept.nodes)],
                edge_scores=ones[: len(kept.edges)],
            )
        )
        text = f"{_cut(as_csv(view, kept), llm, LONGEST_TEXT)}\n{one.text}\n"
        label = _cut(one.label, llm, LONGEST_LABEL)
        made.append(
            SoftExample(
                text=text,
                target=label,
                nodes=parts[-1].nodes,
                edge_index=places(kept.nodes, view, kept.edges),
                relation_ids=view.relation_ids[kept.edges].astype(np.int64),
                items=np.empty(0, np.int64),
                answers=np.empty(0, np.int64),
                num_tokens=llm.count_tokens(text) + llm.count_tokens(label) + 1,
            )
        )
    table = TokenTable.of(view, TextTokenizer(view, encoder), parts)
    training = SoftPromptTraining(prompter, llm, prompts, table)
    preparing = time.perf_counter() - started
    how = HowTrained(steps=1, batch_size=options.batch, precision=options.precision)
    per_epoch = batches_of(made, how).per_epoch
    ends: list[float] = []
    losses: list[float] = []

    def told(step) -> None:
        losses.append(step.loss)
        if step.step % per_epoch == 0:
            ends.append(time.perf_counter())

    started = time.perf_counter()
    train_prompter(
        training,
        made,
        [],
        how._replace(steps=per_epoch * options.epochs),
        count_tokens=llm.count_tokens,
        on_step=told,
    )
    epochs = np.diff([started, *ends]).tolist()
    batches = batches_of(made, how)
    sizes = [batches[step] for step in range(per_epoch * options.epochs)]
    tokens = sum(len(some) * max(one.num_tokens for one in some) for some in sizes)
    return Times(preparing, epochs, _peak(), float(tokens), losses[-1])


def _cut(text: str, llm, most: int) -> str:
    """Return the beginning of a text that has at most so many tokens."""
    ids = llm._tokens.ids(text)
    return text if len(ids) <= most else llm._tokens.text(ids[:most])


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


LOOPS = {"published": published, "ours": ours}


def work(options: argparse.Namespace) -> None:
    """Run one loop in this process, and print its times."""
    import torch

    torch.set_num_threads(options.threads)
    view = index_for(_graph_of(options))
    asked = list(questions(view, options.num, options.edges))
    found = LOOPS[options.loop](options, view, asked)
    about = {
        "questions": len(asked),
        "edges": float(np.mean([len(one.edges) for one in asked])),
        "nodes": float(np.mean([len(one.nodes) for one in asked])),
    }
    print(json.dumps({**found._asdict(), **about}))


def _graph_of(options: argparse.Namespace) -> str:
    if options.data is None:
        return str(examples.path("discoveries"))
    return str(options.data / "metaqa" / "kb.txt")


def run(options: argparse.Namespace, loop: str, arguments: Sequence[str]) -> dict[str, object]:
    """Run one loop in a process of its own."""
    env = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    command = [sys.executable, "-W", "ignore", __file__, *arguments, "--loop", loop]
    done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Run both loops, in turn, and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="take MetaQA's films, not the shipped example")
    parser.add_argument("--num", type=int, default=48, help="questions")
    parser.add_argument("--edges", type=int, default=1000, help="of a question's graph, at most")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--times", type=int, default=1, help="how often each loop runs")
    parser.add_argument("--precision", default="bf16", choices=["bf16", "no"])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--loop", choices=list(LOOPS), help=argparse.SUPPRESS)
    parser.add_argument("--llm", help=argparse.SUPPRESS)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.loop:
        work(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        language_model(Path(folder) / "llm")
        arguments = [*sys.argv[1:], "--llm", str(Path(folder) / "llm"), "--work", folder]
        rows = {
            loop: [run(options, loop, arguments) for _ in range(options.times)] for loop in LOOPS
        }
    report(options, rows)


def report(options: argparse.Namespace, rows: dict[str, list[dict]]) -> None:
    """Print both loops side by side, and the ratios."""
    first = {loop: [r["preparing"] + r["epochs"][0] for r in of] for loop, of in rows.items()}
    later = {loop: [s for r in of for s in r["epochs"][1:]] for loop, of in rows.items()}
    about = rows["ours"][0]
    print(
        f"{about['questions']} questions, each with a graph of {about['nodes']:.0f} nodes and"
        f" {about['edges']:.0f} edges on average; {options.threads} threads, {options.precision}"
    )
    for loop, of in rows.items():
        print(
            f"{loop:10} preparing {np.median([r['preparing'] for r in of]):7.1f} s"
            f"   first epoch with it {np.median(first[loop]):7.1f} s"
            f"   later {np.median(later[loop]):6.1f} s"
            f"   peak {np.median([r['memory_bytes'] for r in of]) / 2**20:6.0f} MiB"
            f"   padded tokens {np.median([r['num_tokens'] for r in of]):9,.0f}"
        )
    ratios = {
        "first epoch": float(np.median(first["published"]) / np.median(first["ours"])),
        "later epochs": float(np.median(later["published"]) / np.median(later["ours"])),
    }
    for what, ratio in ratios.items():
        print(f"{what}: {ratio:.2f} times as fast")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"ratios": ratios, "runs": rows, **asdict(Provenance())}, indent=1)
        (options.out / "loop_speed.json").write_text(f"{text}\n", "utf-8")


if __name__ == "__main__":
    main()
