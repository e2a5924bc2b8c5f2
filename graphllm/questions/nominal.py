"""Noun phrases that questions are made of: "the two oldest ships owned by Arbel"."""

from dataclasses import dataclass, replace

from graphllm.questions.clauses import Phrase, Predicate, agree
from graphllm.questions.inflect import Noun, with_article


@dataclass(frozen=True, slots=True)
class Nominal:
    """A noun with what stands around it, in either number.

    Attributes:
        noun: The head.
        kind: Kind of the nodes it denotes; empty when they are of none.
        is_person: Asked for by "who".
        before: Adjectives.
        owner: A possessive that stands for the article: "Arbel's".
        after: Modifiers, with alternatives that agree with the noun.
        plural: Whether it denotes several; ``None`` when either number will do.
    """

    noun: Noun
    kind: str = ""
    is_person: bool = False
    before: str = ""
    owner: str = ""
    after: str = ""
    plural: bool | None = None

    def bare(self, *, plural: bool) -> str:
        """Return it without article or owner."""
        words = f"{self.before} {self.noun.form(plural=plural)}{self.after}".strip()
        return agree(words, plural=plural)

    def definite(self, *, plural: bool) -> Phrase:
        """Return it with "the", or its owner."""
        return Phrase(f"{self.owner or 'the'} {self.bare(plural=plural)}", plural)

    def indefinite(self) -> str:
        """Return it with "a" or "an"."""
        bare = self.bare(plural=False)
        return f"{self.owner} {bare}" if self.owner else with_article(bare)

    def modified(self, predicate: Predicate, *, reduced: bool = False, link: str = "") -> "Nominal":
        """Return it with one more relative clause.

        Args:
            reduced: As "based in Ulm" instead of "that is based in Ulm".
            link: What goes before, when it is modified already: " and", " but".
        """
        said = predicate.reduced if reduced else f"{self.pronoun} {predicate.text}"
        return replace(self, after=f"{self.after}{link} {said}")

    @property
    def pronoun(self) -> str:
        """The relative pronoun: "who" or "that"."""
        return "who" if self.is_person else "that"
