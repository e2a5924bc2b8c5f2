"""The plan scorer of one graph, adapted to it; a small file says which weights are in force.

    {"format": "graphllm-adapted-planner", "version": 1, "weights": "planner-1f0c....safetensors",
     "report": {...}}

The weights are named by what they hold and never changed, so that who reads them while others are
put in force reads whole ones.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from graphllm.errors import DataError
from graphllm.index.generations import write_atomically
from graphllm.retrieval.scorer import OTHER, PlanScorer
from graphllm.text.lora import read_lora

_FORMAT, _VERSION = "graphllm-adapted-planner", 1
_MEND = "run `graphllm train planner --graph FILE --remove` to go back to the shipped weights"


def adapted_scorer(pointer: Path) -> PlanScorer | None:
    """Return the scorer whose weights are in force; ``None`` where there are none.

    Nor where ``GRAPHLLM_SCORER`` names weights: they are for every graph.

    Args:
        pointer: ``Kept.planner`` of the graph.

    Raises:
        DataError: A file is damaged or missing; the message says how to go on.
    """
    if os.environ.get(OTHER) or not pointer.is_file():
        return None
    weights = pointer.parent / str(_read(pointer)["weights"])
    try:
        return PlanScorer.load(weights)
    except DataError as error:
        raise DataError(f"{error}; {_MEND}") from error


def adapted_report(pointer: Path) -> dict[str, Any] | None:
    """Return what was measured when the weights were put in force, or ``None`` where none are."""
    return dict(_read(pointer)["report"]) if pointer.is_file() else None


def put_in_force(pointer: Path, weights: Path, report: Mapping[str, Any]) -> None:
    """Move the file ``weights`` beside ``pointer``, and use it from the next start on.

    Args:
        weights: In the folder of ``pointer``, under any name.
        report: What was measured of it; plain data.
    """
    kept = pointer.with_name(f"{pointer.stem}-{read_lora(weights).id}.safetensors")
    weights.replace(kept)
    named = {"format": _FORMAT, "version": _VERSION, "weights": kept.name, "report": dict(report)}
    write_atomically(pointer, f"{json.dumps(named)}\n".encode())
    _sweep(pointer, kept)


def remove_adapted(pointer: Path) -> bool:
    """Go back to the weights that ship; return whether there were others."""
    was_there = pointer.is_file()
    pointer.unlink(missing_ok=True)
    _sweep(pointer, None)
    return was_there


def _sweep(pointer: Path, kept: Path | None) -> None:
    for old in pointer.parent.glob(f"{pointer.stem}-*.safetensors"):
        if old != kept:
            with suppress(OSError):  # Windows keeps what another process has open
                old.unlink()


def _read(pointer: Path) -> dict[str, Any]:
    try:
        raw = json.loads(pointer.read_bytes())
        if raw["format"] != _FORMAT or raw["version"] > _VERSION:
            raise ValueError(raw["format"])
        if Path(raw["weights"]).name != raw["weights"] or not isinstance(raw["report"], dict):
            raise ValueError(raw["weights"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{pointer}: not what graphllm writes there; {_MEND}") from error
    return dict(raw)
