"""The numbers of one run, with their standard errors; and whether two runs differ."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from graphllm.errors import DataError
from graphllm.evaluate.bootstrap import PairedBootstrap, paired_bootstrap
from graphllm.evaluate.metrics import Mean, abstention, latency, mean, risk_coverage, score
from graphllm.evaluate.predictions import Prediction, read_predictions
from graphllm.evaluate.provenance import Provenance

SCHEMA = "graphllm.report/1"
PREDICTIONS = "predictions.jsonl"
REPORT = "report.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one run over one suite measured.

    Attributes:
        suite: The suite's name.
        split: Its split.
        seed: Draws the sample when there is a limit.
        limit: How many questions were asked for; ``None`` for all.
        graph_hash: The content hash of the graph that was asked.
        about: The system's settings, as its caller describes them.
        means: Averages over the questions they apply to, by name.
        areas: Areas under the risk-coverage curve; see ``areas``.
        latency: ``p50_s`` and ``p95_s`` of the questions asked.
        provenance: What made the numbers.
        folder: Where the report and the predictions lie; ``None`` when not saved.
    """

    suite: str
    split: str
    seed: int
    limit: int | None
    graph_hash: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    means: Mapping[str, Mean]
    areas: Mapping[str, float]
    latency: Mapping[str, float]
    provenance: Provenance = field(default_factory=Provenance)
    folder: Path | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain data; a number that is not defined is ``None``."""
        return {
            "schema": SCHEMA,
            "suite": self.suite,
            "split": self.split,
            "seed": self.seed,
            "limit": self.limit,
            "n": self.means["hits_at_1"].n,
            "graph_hash": self.graph_hash,
            "about": dict(self.about),
            "means": {name: _defined(m._asdict()) for name, m in self.means.items()},
            "areas": _defined(self.areas),
            "latency": _defined(self.latency),
            **asdict(self.provenance),
        }

    def table(self) -> str:
        """Return the report as text for a terminal of 80 columns."""
        head = f"{self.suite} ({self.split}), {self.means['hits_at_1'].n} questions"
        rows = [("", "value", "std.err.", "n")]
        rows += [
            (name, f"{m.value:.4f}", f"{m.standard_error:.4f}", str(m.n))
            for name, m in self.means.items()
        ]
        rows += [(name, f"{value:.4f}", "", "") for name, value in self.areas.items()]
        rows += [(name, f"{value:.4f}", "", "") for name, value in self.latency.items()]
        made = f"seed {self.seed}, commit {self.provenance.commit or 'not a checkout'}"
        return "\n".join([head, *_aligned(rows), made])


def measure(predictions: Sequence[Prediction]) -> dict[str, Mean]:
    """Return the averages; a question counts where its metric is defined.

    ``linking`` is the share of questions whose first linked entity is the topic; ``path`` the
    share whose chain of relations is the gold one, and ``path_where_right`` the same among those
    whose first answer is right. ``abstention_precision`` is the share of the declined questions
    that have no answer, ``abstention_recall`` the share of those without an answer that it
    declined; both only where some have none. ``errors`` were refused with an error.
    """
    values = {
        name: mean(np.array(list(found.values()), dtype=np.float64))
        for name, found in per_question(predictions).items()
    }
    abstained = np.array([p.predicted.abstained for p in predictions], dtype=np.bool_)
    answerable = np.array([bool(p.example.gold) for p in predictions], dtype=np.bool_)
    declined = abstention(abstained, answerable)
    values["coverage"] = declined.coverage
    if not answerable.all():
        values["abstention_precision"] = declined.precision
        values["abstention_recall"] = declined.recall
    values["errors"] = mean(np.array([bool(p.error) for p in predictions], dtype=np.bool_))
    return {name: value for name, value in values.items() if value.n}


def per_question(predictions: Sequence[Prediction]) -> dict[str, dict[int, float]]:
    """Return each metric's value for each question it is defined for, by question id."""
    scores = {p.example.id: score(p.predicted.entities, p.example.gold) for p in predictions}
    values = {
        name: {question: getattr(s, name) for question, s in scores.items()}
        for name in ("hits_at_1", "exact_set", "precision", "recall", "f1")
    }
    values["linking"] = {
        p.example.id: float(p.predicted.linked[:1] == (p.example.topic,))
        for p in predictions
        if p.example.topic is not None
    }
    values["path"] = {
        p.example.id: float(p.predicted.chain == p.example.chain)
        for p in predictions
        if p.example.chain is not None
    }
    values["path_where_right"] = {
        question: is_gold
        for question, is_gold in values["path"].items()
        if values["hits_at_1"][question]
    }
    return values


def areas(predictions: Sequence[Prediction]) -> dict[str, float]:
    """Return how well confidence ranks right answers before wrong ones.

    ``aurc`` is the area under the risk-coverage curve of Hits@1; ``aurc_ideal`` is what the best
    possible confidence would have with the same answers.
    """
    confidence, is_right = confidence_and_right(predictions)
    return {
        "aurc": risk_coverage(confidence, is_right).aurc,
        "aurc_ideal": risk_coverage(is_right.astype(np.float64), is_right).aurc,
    }


class Ranked(NamedTuple):
    """What a risk-coverage curve is drawn from, one of each per question."""

    confidence: Float[np.ndarray, "n"]
    is_right: np.ndarray


def confidence_and_right(predictions: Sequence[Prediction]) -> Ranked:
    """Return confidences, declined questions last, and whether each first answer is right.

    A declined question, and one that has no answer, is never right: the curve asks what the risk
    would be if the system had to speak.
    """
    confidence = np.array(
        [-math.inf if p.predicted.abstained else p.predicted.confidence for p in predictions],
        dtype=np.float64,
    )
    is_right = np.array(
        [
            bool(p.example.gold) and score(p.predicted.entities, p.example.gold).hits_at_1 > 0
            for p in predictions
        ],
        dtype=np.bool_,
    )
    return Ranked(confidence, is_right)


def seconds(predictions: Sequence[Prediction]) -> dict[str, float]:
    """Return the latency of the questions."""
    return latency(np.array([p.seconds for p in predictions], dtype=np.float64))._asdict()


def compare(
    first: Path, second: Path, rng: np.random.Generator, *, resamples: int = 10_000
) -> dict[str, PairedBootstrap]:
    """Compare two saved runs, metric by metric, on the questions that both have answered.

    Args:
        first: The folder of the run to compare with.
        second: The folder of the run that may be better; differences are second minus first.

    Raises:
        DataError: A folder holds no run, or the runs asked different questions.
    """
    runs = [_read_run(folder) for folder in (first, second)]
    texts = [{p.example.id: p.example.question for p in run} for run in runs]
    common = sorted(texts[0].keys() & texts[1].keys())
    if not common:
        raise DataError(f"{first} and {second} have no question in common")
    for question in common:
        if texts[0][question] != texts[1][question]:
            raise DataError(
                f"question {question} is {texts[0][question]!r} in {first}, but"
                f" {texts[1][question]!r} in {second}: these are runs over different suites"
            )
    before, after = (per_question(run) for run in runs)
    compared = {}
    for name, values in after.items():
        ids = sorted(values.keys() & before[name].keys())
        if ids and name != "path_where_right":  # its questions are not the same in both runs
            a, b = (np.array([v[i] for i in ids]) for v in (before[name], values))
            compared[name] = paired_bootstrap(a, b, rng, resamples=resamples)
    return compared


def comparison_table(compared: Mapping[str, PairedBootstrap]) -> str:
    """Return the comparison as text."""
    rows = [("", "difference", "95 % interval", "p", "n")]
    rows += [
        (
            name,
            f"{c.difference:+.4f}",
            f"{c.low:+.4f} .. {c.high:+.4f}",
            f"{c.p_value:.4f}",
            str(c.n),
        )
        for name, c in compared.items()
    ]
    return "\n".join(_aligned(rows))


def save_report(report: Report, folder: Path) -> None:
    """Write ``report.json`` into ``folder``."""
    text = json.dumps(report.to_dict(), ensure_ascii=False, indent=2)
    (folder / REPORT).write_text(text + "\n", encoding="utf-8")


def _read_run(folder: Path) -> list[Prediction]:
    path = folder / PREDICTIONS
    if not path.is_file():
        raise DataError(f"{folder} holds no run: there is no {PREDICTIONS} in it")
    return read_predictions(path)


def _defined(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
