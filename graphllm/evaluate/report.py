"""The numbers of one run, with their standard errors."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from graphllm.evaluate.metrics import Mean, defined
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
        curve: The risk when only the most confident share is answered, by share.
        usage: What a language model was asked for, in all and per question; empty without one.
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
    curve: Mapping[str, float] = field(default_factory=dict)
    usage: Mapping[str, float] = field(default_factory=dict)
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
            "means": {name: m.to_dict() for name, m in self.means.items()},
            "areas": defined(self.areas),
            "risk_at_coverage": defined(self.curve),
            "usage": dict(self.usage),
            "latency": defined(self.latency),
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
        rows += [(name, f"{count:,.0f}", "", "") for name, count in self.usage.items()]
        rows += [(name, f"{value:.4f}", "", "") for name, value in self.latency.items()]
        risks = " ".join(f"{risk:.2f}" for risk in self.curve.values())
        made = f"seed {self.seed}, commit {self.provenance.commit or 'not a checkout'}"
        return "\n".join([head, *aligned(rows), f"risk at 10, 20 .. 100 %  {risks}", made])


def save_report(report: Report, folder: Path) -> None:
    """Write ``report.json`` into ``folder``."""
    text = json.dumps(report.to_dict(), ensure_ascii=False, indent=2)
    (folder / REPORT).write_text(text + "\n", encoding="utf-8")


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return one line per row, its first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
