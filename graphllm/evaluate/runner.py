"""Ask every question of a suite, keep what was said, and report."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np

from graphllm.errors import ConfigError, GraphLLMError, LanguageModelError
from graphllm.evaluate.examples import Example, Predicted, PublishedPrompt, Suite
from graphllm.evaluate.measure import areas, curve, measure, seconds, usage
from graphllm.evaluate.predictions import Prediction, read_predictions, write_predictions
from graphllm.evaluate.provenance import Provenance
from graphllm.evaluate.report import PREDICTIONS, Report, save_report
from graphllm.graph.view import GraphView

SETTINGS = "run.json"


class Query(NamedTuple):
    """What a system is given.

    Attributes:
        question: The question.
        view: Its graph, where each question has its own.
        prompt: What the published system of the suite reads, where the suite says it.
    """

    question: str
    view: GraphView | None = None
    prompt: PublishedPrompt | None = None


Answerer = Callable[[str], Predicted]
System = Callable[[Sequence[Query]], list[Predicted]]
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
    it stopped. A ``GraphLLMError`` on one question counts as declining it, but for a language
    model that fails: that says nothing of the question, so it stops the run, as a bug does.

    Args:
        answer: The system: a question in, its answer out.
        limit: Ask a random sample of this size, drawn with ``seed``; all when ``None``.
        out: A folder for ``predictions.jsonl``, ``report.json`` and ``run.json``.
        graph_hash: The content hash of the graph that ``answer`` asks.
        about: Settings of the system, kept in the report.
        progress: Called with the number of questions done and of all questions.

    Raises:
        ConfigError: ``out`` holds a run with other settings, or ``limit`` is below 1.
        LanguageModelError: The language model of the system failed.
    """
    return run_system(
        suite,
        lambda queries: [answer(query.question) for query in queries],
        limit=limit,
        seed=seed,
        out=out,
        graph_hash=graph_hash,
        about=about,
        progress=progress,
    )


def run_system(
    suite: Suite,
    system: System,
    *,
    batch_size: int = 1,
    limit: int | None = None,
    seed: int = 0,
    out: Path | None = None,
    graph_hash: str = "",
    about: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Do what ``run`` does with a system that takes several questions at once, or their graphs.

    Args:
        system: Queries in, one answer for each out, in their order. A query has a graph where
            each question of ``suite`` has its own.
        batch_size: How many questions it is given at most; the time of each is its part of the
            time of all.
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
    predictions = _ask_all(chosen, system, batch_size, done, out, progress)
    report = Report(
        suite=suite.name,
        split=suite.split,
        seed=seed,
        limit=limit,
        graph_hash=graph_hash,
        about=dict(about or {}),
        means=measure(predictions),
        areas=areas(predictions),
        curve=curve(predictions),
        usage=usage(predictions),
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
    system: System,
    batch_size: int,
    done: list[Prediction],
    out: Path | None,
    progress: Progress | None,
) -> list[Prediction]:
    asked = {prediction.example.id for prediction in done}
    predictions = list(done)
    left = [example for example in suite.examples if example.id not in asked]
    file = (out / PREDICTIONS).open("a", encoding="utf-8") if out else None
    try:
        for start in range(0, len(left), batch_size):
            found = _ask_batch(left[start : start + batch_size], suite.graph_of, system)
            predictions += found
            if file:
                file.writelines(f"{prediction.to_json()}\n" for prediction in found)
                file.flush()
            if progress:
                progress(len(predictions), len(suite))
    finally:
        if file:
            file.close()
    return predictions


def _ask_batch(
    batch: Sequence[Example], graph_of: Callable[[Example], GraphView] | None, system: System
) -> list[Prediction]:
    """Ask some questions at once; where that is refused, each by itself."""
    views = [graph_of(example) if graph_of else None for example in batch]
    queries = [Query(e.question, view, e.prompt) for e, view in zip(batch, views, strict=True)]
    start = perf_counter()
    try:
        answers = system(queries)
    except LanguageModelError:
        raise
    except GraphLLMError as problem:
        if len(batch) > 1:
            return [p for example in batch for p in _ask_batch([example], graph_of, system)]
        answers = [Predicted(entities=(), confidence=0.0, abstained=True)]
        return _taken(batch, answers, perf_counter() - start, error=str(problem))
    return _taken(batch, answers, perf_counter() - start)


def _taken(
    batch: Sequence[Example], answers: Sequence[Predicted], total_s: float, *, error: str = ""
) -> list[Prediction]:
    return [
        Prediction(example=example, predicted=answer, seconds=total_s / len(batch), error=error)
        for example, answer in zip(batch, answers, strict=True)
    ]


def ask(example: Example, answer: Answerer) -> Prediction:
    """Ask one question and take the time."""
    return _ask_batch([example], None, lambda queries: [answer(queries[0].question)])[0]
