"""Question suites by name, read from the layout in which each data set is published.

examples = load_suite("metaqa-2hop", Path("data"), split="dev").examples
"""

import os
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

from graphllm.errors import ConfigError, DataError
from graphllm.evaluate.examples import Chain, Example, Suite
from graphllm.evaluate.explagraphs import explagraphs
from graphllm.evaluate.grailqa import grailqa
from graphllm.evaluate.layout import choose_split, find_file, read_lines
from graphllm.evaluate.rog import rog
from graphllm.evaluate.scenegraphs import scenegraphs
from graphllm.evaluate.scenes import described_scenes, scenes
from graphllm.evaluate.webqsp import webqsp_subgraphs
from graphllm.query.plan import Step

# the word a question type uses for the far end of each relation of MetaQA's films
METAQA_RELATIONS = {
    "actor": "starred_actors",
    "director": "directed_by",
    "genre": "has_genre",
    "imdbrating": "has_imdb_rating",
    "imdbvotes": "has_imdb_votes",
    "language": "in_language",
    "tag": "has_tags",
    "tags": "has_tags",
    "writer": "written_by",
    "year": "release_year",
}


def load_suite(name: str, data_dir: Path | None = None, split: str | None = None) -> Suite:
    """Read the suite called ``name``, or make it.

    Args:
        data_dir: The folder that holds the data sets, each in a folder of its own as it is
            published (``metaqa/``, ``explagraphs/``, ``RoG-webqsp/`` ...); when ``None``, what the
            variable ``GRAPHLLM_DATA`` says. Invented scenes need none.
        split: ``"test"`` (the default) and ``"dev"`` for MetaQA and the WebQSP subgraphs, which may
            also have a made ``"train"``, beside which ``"dev"`` is ``"val"``; ``"test"``, ``"val"``
            and ``"train"`` for GraphQA, CWQ and the scenes; ``"dev"`` and ``"train"`` for GrailQA;
            PathQuestion has only ``"all"``.

    Raises:
        ConfigError: No such suite or split, or no data folder was named.
        DataError: A file is missing or not in its format.
    """
    if name not in SUITES:
        raise ConfigError(f"unknown suite {name!r}; there are {', '.join(SUITES)}")
    if name in MADE:
        return SUITES[name](name, Path(), split)
    if data_dir is None:
        if not os.environ.get("GRAPHLLM_DATA"):
            raise ConfigError("where is the data? Give --data DIR, or set GRAPHLLM_DATA")
        data_dir = Path(os.environ["GRAPHLLM_DATA"])
    return SUITES[name](name, data_dir, split)


def metaqa_chain(question_type: str) -> Chain:
    """Return the relations of a MetaQA question type.

    Every relation leaves a film, so a step that starts elsewhere walks against it.

    Examples:
        >>> [(step.relation, step.inverse) for step in metaqa_chain("actor_to_movie_to_year")]
        [('starred_actors', True), ('release_year', False)]
    """
    words = question_type.split("_to_")
    if len(words) < 2:
        raise DataError(f"unknown question type {question_type!r}; expected e.g. movie_to_year")
    steps = []
    for here, there in pairwise(words):
        end = there if here == "movie" else here
        if "movie" not in (here, there) or end not in METAQA_RELATIONS:
            raise DataError(f"unknown question type {question_type!r}: no step {here} to {there}")
        steps.append(Step(METAQA_RELATIONS[end], inverse=here != "movie"))
    return tuple(steps)


def _metaqa(hops: int, name: str, data_dir: Path, split: str | None) -> Suite:
    split = choose_split(name, split, ["test", "dev"])
    folder = f"{hops}-hop"
    find = partial(find_file, data_dir, ["metaqa", "MetaQA", "."], "MetaQA")
    questions = find([f"{folder}/qa_{split}.txt", f"{folder}/vanilla/qa_{split}.txt"])
    types = find([f"{folder}/qa_{split}_qtype.txt", f"{folder}/vanilla/qa_{split}_qtype.txt"])
    lines, type_lines = read_lines(questions), read_lines(types)
    if len(lines) != len(type_lines):
        raise DataError(f"{questions} has {len(lines)} lines but {types} has {len(type_lines)}")
    examples = tuple(
        _metaqa_example(questions, number, line, question_type.strip())
        for number, (line, question_type) in enumerate(zip(lines, type_lines, strict=True), 1)
    )
    return Suite(
        name=name,
        split=split,
        examples=examples,
        graph_path=find(["kb.txt"]),
        never_returns=True,
    )


def _metaqa_example(path: Path, number: int, line: str, question_type: str) -> Example:
    question, tab, answers = line.partition("\t")
    before, opening, rest = question.partition("[")
    topic, closing, after = rest.partition("]")
    if not (tab and answers and opening and closing):
        raise DataError(
            f"{path}, line {number}: expected 'question with [topic]<TAB>answer|answer',"
            f" got {line[:80]!r}"
        )
    return Example(
        id=number,
        question=f"{before}{topic}{after}".strip(),
        gold=tuple(dict.fromkeys(answers.split("|"))),
        topic=topic,
        chain=metaqa_chain(question_type),
    )


def _pathquestion(file: str, kb: str, name: str, data_dir: Path, split: str | None) -> Suite:
    split = choose_split(name, split, ["all"])
    find = partial(find_file, data_dir, ["pathquestion", "PathQuestion", "."], "PathQuestion")
    path = find([file])
    examples = tuple(
        _pathquestion_example(path, number, line) for number, line in enumerate(read_lines(path), 1)
    )
    return Suite(name=name, split=split, examples=examples, graph_path=find([kb]))


def _pathquestion_example(path: Path, number: int, line: str) -> Example:
    columns = line.split("\t")
    hops = columns[-1].partition("#<end>")[0].split("#")
    answer = f"{hops[-1]}("
    if len(columns) != 3 or len(hops) % 2 == 0 or not columns[1].startswith(answer):
        raise DataError(
            f"{path}, line {number}: expected 'question<TAB>answer(answer/...)<TAB>"
            f"subject#relation#...#answer', got {line[:80]!r}"
        )
    gold = columns[1].removeprefix(answer).removesuffix(")").removesuffix("/").split("/")
    return Example(
        id=number,
        question=columns[0].strip(),
        gold=tuple(dict.fromkeys(gold)),
        topic=hops[0],
        chain=tuple(Step(relation) for relation in hops[1::2]),
    )


MADE = frozenset(["scenes", "scenes-200", "scenes-2000", "scenes-20000", "scenes-described"])
"""Suites that are made, and need no data."""

Loader = Callable[[str, Path, str | None], Suite]

SUITES: dict[str, Loader] = {
    "metaqa-1hop": partial(_metaqa, 1),
    "metaqa-2hop": partial(_metaqa, 2),
    "metaqa-3hop": partial(_metaqa, 3),
    "pathquestion-2h": partial(_pathquestion, "PQ-2H.txt", "2H-kb.txt"),
    "pathquestion-3h": partial(_pathquestion, "PQ-3H.txt", "3H-kb.txt"),
    "pql-2h": partial(_pathquestion, "PQL-2H.txt", "PQL2-KB.txt"),
    "pql-3h": partial(_pathquestion, "PQL-3H.txt", "PQL3-KB.txt"),
    "webqsp-subgraphs": partial(webqsp_subgraphs, ""),
    "webqsp-subgraphs-refined": partial(webqsp_subgraphs, "_refined"),
    "graphqa-explagraphs": explagraphs,
    "graphqa-scenegraphs": scenegraphs,
    "graphqa-webqsp": partial(rog, "RoG-webqsp"),
    "cwq": partial(rog, "RoG-cwq"),
    "grailqa": grailqa,
    "scenes": partial(scenes, 0),
    "scenes-200": partial(scenes, 200),
    "scenes-2000": partial(scenes, 2_000),
    "scenes-20000": partial(scenes, 20_000),
    "scenes-described": described_scenes,
}
