"""From evidence to the probability that an answer is right, and from a tolerated error to a limit.

A calibration is fitted by ``pipelines/planner/calibrate.py`` on questions that were built over
invented graphs, and ships as JSON.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from graphllm.errors import ConfigError, DataError
from graphllm.retrieval.evidence import Evidence

FORMAT = "graphllm.calibration/1"
SHIPPED = "calibration.json"
_FURTHEST = 30.0  # of a logit, so that no power overflows
_MOST_STEPS = 50
_CLOSE_ENOUGH = 1e-9


class Term(NamedTuple):
    """How one kind of evidence counts: ``weight * (x - mean) / scale``."""

    weight: float
    mean: float
    scale: float


class Limit(NamedTuple):
    """The least probability with which to answer, so that at most this share is wrong."""

    max_error: float
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Gives the probability that an answer is right, by logistic regression.

        p = 1 / (1 + exp(-(bias + sum of weight * (x - mean) / scale)))

    Evidence that is missing counts as its mean, that is, not at all.

    Attributes:
        bias: The logit of an average reading.
        terms: One for each kind of evidence.
        limits: By tolerated error, ascending; those that held-out questions did not bear out are
            left out.
        about: How it was made.
    """

    bias: float
    terms: Mapping[str, Term]
    limits: tuple[Limit, ...] = ()
    about: Mapping[str, object] = field(default_factory=dict)

    def probability(self, evidence: Evidence) -> float:
        """Return the probability that the answer of a reading is right."""
        logit = self.bias + sum(
            term.weight * (evidence[name] - term.mean) / term.scale
            for name, term in self.terms.items()
            if name in evidence
        )
        return 1 / (1 + math.exp(-max(-_FURTHEST, min(_FURTHEST, logit))))

    def limit(self, max_error: float) -> float:
        """Return the least probability with which to answer when ``max_error`` is tolerated.

        Between two errors that were measured, the smaller one's limit holds, which is stricter.

        Raises:
            ConfigError: It is no share, or smaller than any that was measured.
        """
        check_max_error(max_error)
        measured = [limit.max_error for limit in self.limits]
        place = bisect_right(measured, max_error)
        if not place:
            least = f"; the least that is calibrated is {measured[0]:g}" if measured else ""
            raise ConfigError(f"no limit is known to keep the error below {max_error:g}{least}")
        return self.limits[place - 1].probability

    def to_json(self) -> str:
        """Return the text that ``from_json`` reads back."""
        record = {"format": FORMAT, **asdict(self)}
        record["terms"] = {name: term._asdict() for name, term in self.terms.items()}
        record["limits"] = [limit._asdict() for limit in self.limits]
        return json.dumps(record, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "calibration") -> "Calibration":
        """Return the calibration that a text holds.

        Args:
            where: What errors call it.

        Raises:
            DataError: It is not what ``to_json`` writes.
        """
        try:
            record = json.loads(text)
            if record["format"] != FORMAT:
                raise DataError(f"{where}: expected format {FORMAT}, got {record['format']!r}")
            return cls(
                bias=float(record["bias"]),
                terms={name: Term(**term) for name, term in record["terms"].items()},
                limits=tuple(Limit(**limit) for limit in record["limits"]),
                about=record["about"],
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{where}: not a calibration ({error!r}); fit it again") from error


def check_max_error(max_error: float) -> None:
    """Check that a tolerated error is a share.

    Raises:
        ConfigError: It is not above 0 and below 1.
    """
    if not 0 < max_error < 1:
        raise ConfigError(
            f"max_error is the share of answers that may be wrong, above 0 and below 1;"
            f" got {max_error:g}"
        )


@lru_cache(maxsize=1)
def shipped_calibration() -> Calibration:
    """Return the calibration that ships with graphllm."""
    text = (files("graphllm") / "weights" / SHIPPED).read_text("utf-8")
    return Calibration.from_json(text, SHIPPED)


def fit(
    evidence: Sequence[Evidence], is_right: Bool[np.ndarray, "n"], *, ridge: float = 10.0
) -> Calibration:
    """Return the calibration under which the labels are likeliest; it has no limits yet.

    Source: logistic regression by iteratively reweighted least squares (Newton's method), as in
    Hastie et al. 2009, section 4.4.1. It minimises
    ``-sum(y log p + (1 - y) log(1 - p)) + ridge / 2 * |weights|^2`` over standardised evidence;
    the bias is not shrunk.

    Args:
        ridge: Keeps weights small where little is known of them; 10 is best on domains left out.

    Raises:
        DataError: All of the labels are the same, or there is none.
    """
    if len(evidence) != len(is_right) or len(set(is_right.tolist())) < 2:
        raise DataError(f"expected right answers and wrong ones, got {len(is_right)} of a kind")
    names = list(dict.fromkeys(name for one in evidence for name in one))
    table = np.array([[one.get(n, math.nan) for n in names] for one in evidence], dtype=np.float64)
    means = np.nanmean(table, axis=0)
    table = np.where(np.isnan(table), means, table)
    scales = table.std(axis=0)
    told = scales > _CLOSE_ENOUGH  # what is always the same tells nothing
    x = (table[:, told] - means[told]) / scales[told]
    weights = _newton(np.hstack([np.ones((len(x), 1)), x]), is_right.astype(np.float64), ridge)
    kept = [name for name, tells in zip(names, told.tolist(), strict=True) if tells]
    terms = zip(weights[1:].tolist(), means[told].tolist(), scales[told].tolist(), strict=True)
    return Calibration(
        bias=float(weights[0]),
        terms={name: Term(*term) for name, term in zip(kept, terms, strict=True)},
    )


def _newton(
    x: Float[np.ndarray, "n num_weights"], y: Float[np.ndarray, "n"], ridge: float
) -> Float[np.ndarray, "num_weights"]:
    """Return the minimum of the penalised loss; the first column is the bias."""
    shrink = np.full(x.shape[1], ridge)
    shrink[0] = 0.0
    weights = np.zeros(x.shape[1])
    for _ in range(_MOST_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -_FURTHEST, _FURTHEST)))
        slope = x.T @ (p - y) + shrink * weights
        curvature = (x.T * (p * (1 - p))) @ x + np.diag(shrink + _CLOSE_ENOUGH)
        step = np.linalg.solve(curvature, slope)
        weights -= step
        if np.abs(step).max() < _CLOSE_ENOUGH:
            break
    return weights
