"""Predictions as JSON lines: one question a line, appended as they come, so a run can go on."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from graphllm.answer import Usage
from graphllm.errors import DataError
from graphllm.evaluate.examples import Chain, Compared, Example, Predicted, Published
from graphllm.evaluate.hallucination import Named
from graphllm.query.plan import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What was asked, what was said, how long it took.

    Attributes:
        error: The message when the system refused the question with an error; else ``""``.
    """

    example: Example
    predicted: Predicted
    seconds: float
    error: str = ""

    def to_json(self) -> str:
        """Return one line, without its end."""
        example, predicted = self.example, self.predicted
        record = {
            "id": example.id,
            "question": example.question,
            "gold": list(example.gold),
            "in_graph": example.in_graph,
            "compared": str(example.compared),
            "label": example.label,
            "published": example.published and str(example.published),
            "kind": example.kind,
            "entities": list(predicted.entities),
            "topic": example.topic,
            "linked": list(predicted.linked),
            "gold_chain": _chain_to_json(example.chain),
            "chain": _chain_to_json(predicted.chain),
            "plan": predicted.plan,
            "confidence": predicted.confidence,
            "abstained": predicted.abstained,
            "text": predicted.text,
            "named": predicted.named and predicted.named._asdict(),
            "usage": asdict(predicted.usage),
            "seconds": round(self.seconds, 6),
            "error": self.error,
        }
        return json.dumps(record, ensure_ascii=False)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Prediction":
        """Return the prediction that ``to_json`` wrote; the published prompt is not kept."""
        return cls(
            example=Example(
                id=record["id"],
                question=record["question"],
                gold=tuple(record["gold"]),
                topic=record["topic"],
                chain=_chain_from_json(record["gold_chain"]),
                in_graph=record.get("in_graph", True),  # runs of old have one graph, and no model
                compared=Compared(record.get("compared", Compared.AS_WRITTEN)),
                label=record.get("label", ""),
                published=Published(record["published"]) if record.get("published") else None,
                kind=record.get("kind", ""),
            ),
            predicted=Predicted(
                entities=tuple(record["entities"]),
                confidence=record["confidence"],
                abstained=record["abstained"],
                plan=record["plan"],
                linked=tuple(record["linked"]),
                chain=_chain_from_json(record["chain"]),
                text=record.get("text", ""),
                named=Named(**record["named"]) if record.get("named") else None,
                usage=Usage(**record.get("usage", {})),
            ),
            seconds=record["seconds"],
            error=record["error"],
        )


def read_predictions(path: Path) -> list[Prediction]:
    """Return the predictions in a file; a last line that was cut off while writing is left out.

    Raises:
        DataError: Another line is not a prediction.
    """
    lines = path.read_text(encoding="utf-8").split("\n")
    found = []
    # a whole line ends with a line end, so what follows the last one is cut off, or nothing
    for number, line in enumerate(lines[:-1], 1):
        try:
            found.append(Prediction.from_record(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path}, line {number}: not a saved prediction ({error}); delete the file to"
                " start again"
            ) from error
    return found


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write all of a file anew."""
    text = "".join(f"{prediction.to_json()}\n" for prediction in predictions)
    path.write_text(text, encoding="utf-8")


def _chain_to_json(chain: Chain | None) -> list[list[str | bool]] | None:
    return None if chain is None else [[step.relation, step.inverse] for step in chain]


def _chain_from_json(steps: list[list[Any]] | None) -> Chain | None:
    return None if steps is None else tuple(Step(relation, inverse) for relation, inverse in steps)
