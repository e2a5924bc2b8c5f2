"""Questions and relations of published data, from a folder that holds the datasets as downloaded.

Only training splits are read. Film and television are easily left out: every question and graph
says the domains that it draws on.
"""

import csv
import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphllm.errors import DataError
from graphllm.graph.builder import GraphBuilder
from graphllm.graph.folding import fold
from graphllm.graph.textual import TextualGraph
from graphllm.query.plan import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPath:
    """A question that people wrote, and the relations that lead to its answers.

    Attributes:
        question: As written.
        topic: The name the path begins at; empty when the data does not say.
        start, end: Where the question says it; both 0 when it is not found.
        path: The relations to walk.
        labels: The relations in words, where the data has them.
        answers: The answering names.
        domains: What it is about, by the first part of Freebase relations.
        source: The dataset.
    """

    question: str
    topic: str
    start: int
    end: int
    path: tuple[Step, ...]
    labels: tuple[str, ...]
    answers: tuple[str, ...]
    domains: frozenset[str]
    source: str


def webquestions(data: Path, *, without: Collection[str] = ()) -> Iterator[AskedPath]:
    """Yield WebQuestions (train) with the Freebase path that most annotators' answers support.

    Source: Berant et al. 2013; relation paths by the YodaQA project (CC-BY 4.0).

    Args:
        data: The folder of the datasets.
        without: Freebase domains left out: ``("film", "tv")``.

    Raises:
        DataError: The files are not there, or are not what they should be.
    """
    folder = data / "webquestions"
    asked = {row["qId"]: row for row in _json_rows(folder / "trainmodel.json")}
    for row in _json_rows(folder / "relpaths_trainmodel.json"):
        question = asked.get(str(row["qId"]))
        paths = row["relPaths"]
        if question is None or not isinstance(paths, list) or not paths:
            continue
        relations, _ = max(paths, key=lambda pair: pair[1])
        domains = frozenset(relation.split("/")[1] for relation in relations)
        if domains & set(without):
            continue
        answers = question["answers"]
        yield AskedPath(
            question=str(question["qText"]),
            topic="",
            start=0,
            end=0,
            path=tuple(map(Step, relations)),
            labels=tuple(relation.rpartition("/")[2].replace("_", " ") for relation in relations),
            answers=tuple(map(str, answers)) if isinstance(answers, list) else (),
            domains=domains,
            source="webquestions",
        )


# Words of Wikidata labels that speak of film and television.
_SCREEN = frozenset({"film", "tv", "television", "screenwriter", "cast", "director"})


def simple_questions(data: Path, *, without_film: bool = False) -> Iterator[AskedPath]:
    """Yield SimpleQuestions (train) mapped to Wikidata, one relation each.

    Source: Bordes et al. 2015; Diefenbach et al. 2017 (CC-BY 3.0).

    Args:
        data: The folder of the datasets.
        without_film: Leave out relations whose label speaks of film or television.

    Raises:
        DataError: The files are not there, or are not what they should be.
    """
    folder = data / "simplequestions_wikidata"
    backward = _asked_backward(folder / "train_qids.txt")
    with _opened(folder / "train_labels.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            try:
                topic, label, answer, question = row["e1"], row["p"], row["e2"], row["q"].strip()
            except (KeyError, AttributeError) as error:
                raise DataError(f"{folder}: expected columns e1, p, e2, q") from error
            is_film = bool(_SCREEN & set(label.lower().split()))
            if question not in backward or (is_film and without_film):
                continue
            start, end = find_mention(question, topic)
            yield AskedPath(
                question=question,
                topic=topic,
                start=start,
                end=end,
                path=(Step(label, backward[question]),),
                labels=(label,),
                answers=(answer,),
                domains=frozenset({"film"}) if is_film else frozenset(),
                source="simplequestions",
            )


def _asked_backward(path: Path) -> dict[str, bool]:
    """Return which questions walk their relation from object to subject: ``R19`` for ``P19``."""
    found = {}
    for line in _opened(path).read_text("utf-8").splitlines():
        parts = line.split("\t")
        if len(parts) == 4:
            found[parts[3].strip()] = parts[1].startswith("R")
    return found


def find_mention(question: str, name: str) -> tuple[int, int]:
    """Return where a question says a name, up to case and accents; ``(0, 0)`` when it does not.

    Examples:
        >>> find_mention("who is pat metheny signed with", "Pat Metheny")
        (7, 18)
    """
    words = fold(name).split()
    starts = [i for i, c in enumerate(question) if i == 0 or not question[i - 1].isalnum()]
    for start in starts:
        for end in range(start + 1, len(question) + 1):
            if (end == len(question) or not question[end].isalnum()) and words:
                said = fold(question[start:end]).split()
                if said == words:
                    return start, end
                if len(said) > len(words):
                    break
    return 0, 0


def fb15k237(data: Path, *, without: Collection[str] = ()) -> TextualGraph:
    """Return the graph of FB15k-237's training triples, with names.

    Source: Toutanova and Chen 2015 (Freebase, CC-BY).

    Args:
        data: The folder of the datasets.
        without: Freebase domains whose relations are left out.
    """
    folder = data / "fb15k237"
    lines = _opened(folder / "mid2name.txt").read_text("utf-8").splitlines()
    names = {mid: name.replace("_", " ") for mid, _, name in (li.partition("\t") for li in lines)}
    rows = _triples(folder / "train.txt")
    kept = [r for r in rows if not set(without) & {p.split("/")[1] for p in r[1].split(".")}]
    return _graph(kept, names, _freebase_types(kept))


def _freebase_types(rows: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """Return what a node mostly is by the relations that leave it: ``/music/artist/origin``."""
    counts: dict[str, Counter[str]] = {}
    for head, relation, _ in rows:
        counts.setdefault(head, Counter())[relation.split("/")[2]] += 1
    return {head: found.most_common(1)[0][0] for head, found in counts.items()}


def codex(data: Path) -> TextualGraph:
    """Return the graph of CoDEx-S's training triples whose ends have English names.

    Source: Safavi and Koutra 2020 (MIT).
    """
    folder = data / "codex_s"
    names = _json_table(folder / "entity_labels_PARTIAL.json")
    entries = _json_table(folder / "relations.json").items()
    labels = {key: str(e["label"]) for key, e in entries if isinstance(e, dict)}
    rows = _triples(folder / "train.txt")
    kept = [(h, labels.get(r, r), t) for h, r, t in rows if h in names and t in names]
    kinds = json.loads(_opened(folder / "entity_types.json").read_text("utf-8"))
    types = {key: str(listed[0]) for key, listed in kinds.items() if listed}
    return _graph(kept, {key: str(name) for key, name in names.items()}, types)


def conceptnet(data: Path) -> TextualGraph:
    """Return the graph of ConceptNet-100K's training triples.

    Source: Li et al. 2016 (CC BY-SA 4.0).
    """
    rows = _triples(data / "conceptnet100k" / "train.txt")
    return _graph([(head, relation, tail) for relation, head, tail in rows], {}, {})


def _graph(
    rows: Sequence[tuple[str, str, str]], names: dict[str, str], types: dict[str, str]
) -> TextualGraph:
    builder = GraphBuilder()
    for head, relation, tail in rows:
        builder.edge(head, relation, tail)
    for key, name in names.items():
        if key in builder:
            builder.node(key, name=name, type=types.get(key))
    return builder.build()


def _triples(path: Path) -> list[tuple[str, str, str]]:
    rows = []
    for number, line in enumerate(_opened(path).read_text("utf-8").splitlines(), start=1):
        parts = line.split("\t")
        if len(parts) < 3:
            raise DataError(f"{path}, line {number}: expected three columns, got {len(parts)}")
        rows.append((parts[0], parts[1], parts[2]))
    return rows


def _opened(path: Path) -> Path:
    if not path.is_file():
        raise DataError(f"{path} is not there; expected the dataset as it is downloaded")
    return path


def _json_rows(path: Path) -> list[dict[str, object]]:
    rows = json.loads(_opened(path).read_text("utf-8"))
    if not isinstance(rows, list):
        raise DataError(f"{path}: expected a list of records")
    return rows


def _json_table(path: Path) -> dict[str, object]:
    table = json.loads(_opened(path).read_text("utf-8"))
    if not isinstance(table, dict):
        raise DataError(f"{path}: expected a table")
    return table
