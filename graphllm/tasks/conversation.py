"""A chat with a graph: questions that may point back at earlier ones."""

from typing import TYPE_CHECKING

from graphllm.answer import Answer, Turn

if TYPE_CHECKING:
    from graphllm.tasks.graph_qa import GraphQA

REMEMBERED = 20  # turns; "it" is never further back


class Conversation:
    """Questions asked one after the other, so that "and who wrote it?" is understood.

    One conversation belongs to one person: unlike ``GraphQA`` it is not to be shared by threads.

    Attributes:
        answers: What was answered so far, oldest first.
    """

    def __init__(self, qa: "GraphQA") -> None:
        self._qa = qa
        self.answers: list[Answer] = []

    @property
    def history(self) -> tuple[Turn, ...]:
        """What the next question may point back at, oldest first."""
        return tuple(answer.turn() for answer in self.answers[-REMEMBERED:])

    def ask(self, question: str) -> Answer:
        """Answer ``question`` with the earlier ones in mind, and remember it."""
        answer = self._qa.ask(question, history=self.history)
        self.answers.append(answer)
        return answer

    def transcript(self) -> str:
        """Return the conversation as Markdown: each question, its answer and proof."""
        return "\n".join(
            f"## {_one_line(answer.question)}\n\n```\n{answer}\n```\n" for answer in self.answers
        )


def _one_line(text: str) -> str:
    return " ".join(text.split())
