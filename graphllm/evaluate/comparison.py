"""Whether two saved runs differ, metric by metric."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from graphllm.errors import DataError
from graphllm.evaluate.bootstrap import PairedBootstrap, paired_bootstrap
from graphllm.evaluate.measure import per_question
from graphllm.evaluate.predictions import Prediction, read_predictions
from graphllm.evaluate.report import PREDICTIONS, aligned


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
        ids = sorted(values.keys() & before.get(name, {}).keys())
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
    return "\n".join(aligned(rows))


def _read_run(folder: Path) -> list[Prediction]:
    path = folder / PREDICTIONS
    if not path.is_file():
        raise DataError(f"{folder} holds no run: there is no {PREDICTIONS} in it")
    return read_predictions(path)
