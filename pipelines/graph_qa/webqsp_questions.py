"""Make questions to train on for the WebQSP subgraphs, which are published for dev and test alone.

    python webqsp_questions.py --data DIR --out MADE
    python train.py webqsp_subgraphs.toml --data MADE --out run

MADE is a folder of data sets that holds nothing but these subgraphs: ``train`` is made of questions
of WebQuestions (train) and SimpleQuestions (train) whose topic and answers FB15k-237 joins, each
over a few of its facts, and of most dev questions in both published forms; ``val``, to stop on, is
the rest of dev; ``test`` is the published one, unread. A made graph looks like the published ones:
about five facts, drawn from those of the topic and of the answers and those of the relation that
joins them, and names without any fact. No question of dev or test is in what is made.
"""

import argparse
import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphllm.errors import DataError, GraphLLMError
from graphllm.evaluate.layout import json_object, read_lines
from graphllm.graph import GraphView
from graphllm.graph.folding import fold
from graphllm.graph.view import edges_of
from graphllm.questions.inventories import fb15k237, simple_questions

FOLDER = "webqsp_retrieved"
ASKED = ("trainmodel", "val", "devtest")  # which together are the train split of WebQuestions
FACTS, LONE = 5, 2.5  # of a published graph; on average
WITHHELD = 0.12  # share of questions whose answers are kept from the graph
PROVEN = 0.5  # of graphs with an answer, those that hold a fact joining it to the topic
MOST_ANSWERS = 4
LONGEST_NAME = 6  # words
MOST_AROUND = 60  # facts of a node that are drawn from


class Asked(NamedTuple):
    """A question, what it is about, and its answers, as nodes, with the edges between them."""

    question: str
    topics: tuple[int, ...]
    answers: tuple[int, ...]
    gold: tuple[str, ...]
    proof: tuple[int, ...]


class Walks:
    """Finds what questions are about in a graph, and what joins it to their answers."""

    def __init__(self, view: GraphView) -> None:
        self.view = view
        self.named = defaultdict(list)
        for node, name in enumerate(view.names):
            self.named[fold(name)].append(node)

    def around(self, node: int) -> np.ndarray:
        """Return all edges of a node."""
        here = np.array([node], dtype=np.int32)
        return np.concatenate([edges_of(self.view, here, inverse=way) for way in (False, True)])

    def ends(self, edge: int) -> tuple[int, int]:
        """Return head and tail of an edge."""
        return int(self.view.heads[edge]), int(self.view.tails[edge])

    def topics(self, question: str) -> tuple[int, ...]:
        """Return the nodes of the longest name that stands in a question."""
        words = fold(question).split()
        for length in range(min(LONGEST_NAME, len(words)), 0, -1):
            spans = (
                " ".join(words[i : i + length]) for i in range(len(words) - length + 1)
            )  # fmt: skip
            found = [node for span in spans for node in self.named.get(span, ())]
            if found:
                return tuple(found)
        return ()

    def asked(self, question: str, gold: Sequence[str]) -> Asked | None:
        """Return a question whose topic an edge joins to an answer; ``None`` where none does."""
        answers = {node for name in gold for node in self.named.get(fold(name), ())}
        topics = [node for node in self.topics(question) if node not in answers]
        if not answers or not topics:
            return None
        edges = [edge for topic in topics for edge in self.around(topic).tolist()]
        proof = [edge for edge in edges if answers & set(self.ends(edge))]
        if not proof:
            return None
        joined = {end for edge in proof for end in self.ends(edge)} & answers
        return Asked(question, tuple(topics), tuple(sorted(joined)), tuple(gold), tuple(proof))


def web_questions(data: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield WebQuestions (train) with their answers."""
    for part in ASKED:
        path = data / "webquestions" / f"{part}.json"
        try:
            rows = json.loads(path.read_text("utf-8"))
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}; see benchmarks/README.md") from None
        for row in rows:
            yield row["qText"].rstrip("?. "), row["answers"]


class Drawn:
    """Draws a graph like the published ones for a question."""

    def __init__(self, walks: Walks, rng: np.random.Generator) -> None:
        self.walks, self.view, self.rng = walks, walks.view, rng
        by_relation = np.argsort(self.view.relation_ids, kind="stable")
        sizes = np.bincount(self.view.relation_ids, minlength=len(self.view.relations))
        self._alike = np.split(by_relation, np.cumsum(sizes)[:-1])

    def graph(self, asked: Asked) -> dict[str, object]:
        """Return a line of the published layout."""
        right = set(asked.answers)
        shown = self.rng.permutation(asked.answers)[: int(self.rng.integers(1, MOST_ANSWERS + 1))]
        if self.rng.random() < WITHHELD:
            shown = shown[:0]
        kept = set(shown.tolist())
        edges = self._edges(asked, kept, right - kept)
        lone = self._lone(asked, edges, right)
        return self._line(asked, edges, lone)

    def _edges(self, asked: Asked, kept: set[int], hidden: set[int]) -> list[int]:
        """Return edges, first those of each answer that is shown."""
        ends = self.walks.ends
        first = []
        for answer in sorted(kept):
            proof = [edge for edge in asked.proof if answer in ends(edge)]
            others = self._some(answer) if self.rng.random() >= PROVEN else proof
            first.append(int(self.rng.choice(others or proof)))
        relation = int(self.view.relation_ids[self.rng.choice(asked.proof)])
        pool = self._some(int(self.rng.choice(asked.topics)))
        pool += self.rng.choice(self._alike[relation], 4).tolist()
        pool += [edge for answer in sorted(kept) for edge in self._some(answer)[:2]]
        pool += [edge for node in self._further(asked) for edge in self._some(node)[:2]]
        found = dict.fromkeys([*first, *self.rng.permutation(np.array(pool)).tolist()])
        wrong = set(asked.proof) - set(first)
        allowed = [e for e in found if hidden.isdisjoint(ends(e)) and e not in wrong]
        return self.rng.permutation(np.array(allowed[:FACTS], dtype=np.int64)).tolist()

    def _some(self, node: int) -> list[int]:
        edges = self.rng.permutation(self.walks.around(node))
        return edges[:MOST_AROUND].tolist()

    def _further(self, asked: Asked) -> list[int]:
        """Return a few nodes beside a topic."""
        edges = self._some(int(self.rng.choice(asked.topics)))[:4]
        return [end for edge in edges for end in self.walks.ends(edge)]

    def _lone(self, asked: Asked, edges: Sequence[int], right: set[int]) -> list[int]:
        """Return nodes without edges, the topic among them where it has none."""
        there = {end for edge in edges for end in self.walks.ends(edge)}
        near = [*asked.topics, *self._further(asked)]
        lone = [n for n in dict.fromkeys(near) if n not in there and n not in right]
        return lone[: int(self.rng.poisson(LONE))]

    def _line(self, asked: Asked, edges: Sequence[int], lone: Sequence[int]) -> dict[str, object]:
        nodes: dict[int, str] = {}
        stated = []
        for number, edge in enumerate(edges):
            head, tail = self.walks.ends(edge)
            steps = [dotted(one) for one in self.view.relations[
                int(self.view.relation_ids[edge])].split("./")]  # fmt: skip
            nodes |= {head: self._name(head), tail: self._name(tail)}
            if len(steps) == 1:
                stated.append([head, steps[0], tail])
                continue
            between = self.view.num_nodes + number  # a statement of Freebase, which has no name
            nodes[between] = f"m.0{int(self.rng.integers(10**6, 10**7)):x}"
            stated += [[head, steps[0], between], [between, steps[1], tail]]
        nodes |= {node: self._name(node) for node in lone}
        gold = list(dict.fromkeys(name.lower() for name in asked.gold))
        return {
            "id": -1, "question": fold_question(asked.question), "answers": gold,
            "nodes": [[node, nodes[node]] for node in sorted(nodes)], "edges": stated[: FACTS + 2],
        }  # fmt: skip

    def _name(self, node: int) -> str:
        return self.view.names[node].lower()


def dotted(relation: str) -> str:
    """Return a relation of FB15k-237 as RoG writes it.

    Examples:
        >>> dotted("/people/person/nationality")
        'people.person.nationality'
    """
    return relation.strip("/").replace("/", ".")


def fold_question(question: str) -> str:
    """Return a question as WebQSP has it: in lower case, without the mark at its end."""
    return " ".join(question.lower().rstrip("?. ").split())


def made(
    data: Path, num_simple: int, draws: int, forbidden: set[str], seed: int
) -> list[dict[str, object]]:
    """Return questions over made graphs, in an order drawn with ``seed``."""
    rng = np.random.default_rng(seed)
    walks = Walks(fb15k237(data))
    drawn = Drawn(walks, rng)
    simple = [(one.question, [one.answers[0]]) for one in simple_questions(data)]
    rng.shuffle(simple)
    sources = ((web_questions(data), None, draws), (simple, num_simple, 1))
    lines = []
    for asked, most, times in sources:
        for one in taken(walks, asked, most, forbidden):
            lines += [drawn.graph(one) for _ in range(times)]
    rng.shuffle(lines)
    return lines


def taken(
    walks: Walks, asked: Iterable[tuple[str, list[str]]], most: int | None, forbidden: set[str]
) -> Iterator[Asked]:
    """Yield the first questions that can be walked, each once."""
    seen = set(forbidden)
    for question, gold in asked:
        if most == 0:
            return
        found = None if fold(question) in seen else walks.asked(question, gold)
        if found is not None:
            seen.add(fold(question))
            most = None if most is None else most - 1
            yield found


def published(data: Path, part: str, kind: str = "") -> list[dict[str, object]]:
    """Return the lines of a published file."""
    path = data / FOLDER / f"{part}_attn_subgraph{kind}.jsonl"
    return [json_object(line, f"{path}, line {n}") for n, line in enumerate(read_lines(path), 1)]


def write(path: Path, lines: Iterable[dict[str, object]]) -> int:
    """Write lines, and return how many."""
    texts = [json.dumps(line, ensure_ascii=False) + "\n" for line in lines]
    path.write_text("".join(texts), "utf-8")
    return len(texts)


def main() -> None:
    """Make the folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of data sets")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--simple", type=int, default=2000, help="of SimpleQuestions, at most")
    parser.add_argument("--draws", type=int, default=2, help="graphs of a question of WebQuestions")
    parser.add_argument("--held-back", type=int, default=85, help="dev questions to stop on")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = options.out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    try:
        dev = {kind: published(options.data, "val", kind) for kind in ("", "_refined")}
        known = [*dev[""], *published(options.data, "test")]
        forbidden = {fold(str(line["question"])) for line in known}
        lines = made(options.data, options.simple, options.draws, forbidden, options.seed)
        order = np.random.default_rng(options.seed).permutation(len(dev[""])).tolist()
        held = set(order[: options.held_back])
        adds = [rows[i] for rows in dev.values() for i in order if i not in held]
        for kind, rows in dev.items():
            stop_on = [row for i, row in enumerate(rows) if i in held]
            num_train = write(folder / f"train_attn_subgraph{kind}.jsonl", [*lines, *adds])
            num_val = write(folder / f"val_attn_subgraph{kind}.jsonl", stop_on)
            name = f"test_attn_subgraph{kind}.jsonl"
            shutil.copyfile(options.data / FOLDER / name, folder / name)
    except (GraphLLMError, OSError) as error:
        sys.exit(str(error))
    print(f"{num_train} questions to train on ({len(lines)} made), {num_val} to stop on")


if __name__ == "__main__":
    main()
