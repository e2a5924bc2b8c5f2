"""Shares of right answers with their standard errors, and of pairs the difference."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Share(NamedTuple):
    """A share, its standard error, and of how many."""

    share: float
    standard_error: float
    n: int


def share_of(oks: Sequence[bool]) -> Share:
    """Return the share of ``oks`` that are true, with the standard error of a proportion."""
    share = float(np.mean(oks))
    return Share(share, float(np.sqrt(share * (1 - share) / len(oks))), len(oks))


def difference(before: Sequence[bool], after: Sequence[bool]) -> Share:
    """Return the mean of ``after`` minus ``before`` over the same questions.

    The standard error is that of paired differences: questions that stay as they are add none.
    """
    changes = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    spread = changes.std(ddof=1) if len(changes) > 1 else 0.0
    return Share(float(changes.mean()), float(spread / np.sqrt(len(changes))), len(changes))


def line(what: str, share: Share) -> str:
    """Return one row of a table."""
    return f"{what:32} {share.share:6.3f} +- {share.standard_error:.3f}  (n {share.n})"


def write_json(path: Path | None, shares: Mapping[str, Share], **about: str | int) -> None:
    """Write the shares, and what they are of, where a path is given."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {what: share._asdict() for what, share in shares.items()}
    path.write_text(json.dumps({**about, "shares": rows}, indent=2) + "\n", encoding="utf-8")
