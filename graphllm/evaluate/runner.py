"""Ask every question of a suite, keep what was said, and report."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter

import numpy as np

from graphllm.errors import ConfigError, GraphLLMError
from graphllm.evaluate.examples import Example, Predicted, Suite
from graphllm.evaluate.measure import areas, measure, seconds
from graphllm.evaluate.predictions import Prediction, read_predictions, write_predictions
from graphllm.evaluate.provenance import Provenance
from graphllm.evaluate.report import PREDICTIONS, Report, save_report

SETTINGS = "run.json"

Answerer = Callable[[str], Predicted]
Progress = Callable[[int, int], None]


def run(
    suite: Suite,
    answer: Answerer,
    *,
    limit: int | None = None,
    seed: int = 0,
    out: Path | None = None,
    graph_hash: str = "",
    about: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Ask the questions of ``suite`` one by one and return what was measured.

    With ``out``, each prediction is saved as it comes, and a run that was broken off goes on where
    it stopped. A ``GraphLLMError`` on one question counts as declining it; anything else is a bug
    and stops the run.

    Args:
        answer: The system: a question in, its answer out.
        limit: Ask a random sample of this size, drawn with ``seed``; all when ``None``.
        out: A folder for ``predictions.jsonl``, ``report.json`` and ``run.json``.
        graph_hash: The content hash of the graph that ``answer`` asks.
        about: Settings of the system, kept in the report.
        progress: Called with the number of questions done and of all questions.

    Raises:
        ConfigError: ``out`` holds a run with other settings, or ``limit`` is below 1.
    """
    provenance = Provenance()
    chosen = suite.sample(limit, np.random.default_rng(seed))
    settings = {
        "suite": suite.name,
        "split": suite.split,
        "seed": seed,
        "limit": limit,
        "graph_hash": graph_hash,
        "commit": provenance.commit,
        "about": dict(about or {}),
    }
    done = _resume(out, settings) if out else []
    predictions = _ask_all(chosen, answer, done, out, progress)
    report = Report(
        suite=suite.name,
        split=suite.split,
        seed=seed,
        limit=limit,
        graph_hash=graph_hash,
        about=dict(about or {}),
        means=measure(predictions),
        areas=areas(predictions),
        latency=seconds(predictions),
        provenance=provenance,
        folder=out,
    )
    if out:
        save_report(report, out)
    return report


def _resume(out: Path, settings: Mapping[str, object]) -> list[Prediction]:
    """Return what an earlier run with the same settings has already asked."""
    out.mkdir(parents=True, exist_ok=True)
    kept, predictions = out / SETTINGS, out / PREDICTIONS
    if not kept.exists():
        if predictions.exists():
            raise ConfigError(f"{out} holds predictions of unknown settings; use another folder")
        kept.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        return []
    before = json.loads(kept.read_text(encoding="utf-8"))
    for name, value in settings.items():
        if before.get(name) != value:
            raise ConfigError(
                f"{out} holds a run with {name} {before.get(name)!r}, this one has {value!r};"
                " use another folder, or delete that one"
            )
    if not predictions.exists():
        return []
    done = read_predictions(predictions)
    write_predictions(predictions, done)  # without a last line that was cut off
    return done


def _ask_all(
    suite: Suite,
    answer: Answerer,
    done: list[Prediction],
    out: Path | None,
    progress: Progress | None,
) -> list[Prediction]:
    asked = {prediction.example.id for prediction in done}
    predictions = list(done)
    file = (out / PREDICTIONS).open("a", encoding="utf-8") if out else None
    try:
        for example in suite.examples:
            if example.id in asked:
                continue
            predictions.append(ask(example, answer))
            if file:
                file.write(f"{predictions[-1].to_json()}\n")
                file.flush()
            if progress:
                progress(len(predictions), len(suite))
    finally:
        if file:
            file.close()
    return predictions


def ask(example: Example, answer: Answerer) -> Prediction:
    """Ask one question and take the time."""
    start = perf_counter()
    error = ""
    try:
        predicted = answer(example.question)
    except GraphLLMError as problem:
        predicted = Predicted(entities=(), confidence=0.0, abstained=True)
        error = str(problem)
    return Prediction(
        example=example, predicted=predicted, seconds=perf_counter() - start, error=error
    )
