"""Clauses between a head and a tail, and the questions and relative clauses they turn into.

A schema writes ``h supplies t`` once; from it come "Who supplies Arbel?", "Which firms does Arbel
supply?", "the firms that Arbel supplies", "firms supplying Arbel" and "Does Arbel supply Morna?".
``[is|are]`` in a text stands for the form that agrees with a noun not yet chosen.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from graphllm.errors import DataError
from graphllm.questions.inflect import Verb, participle, read_verb

_ALTERNATIVE = re.compile(r"\[([^\[\]|]*)\|([^\[\]|]*)\]")
_PLACE_PREPOSITION = re.compile(r"(?:^| )(in|at|on) ?$")
_MOVABLE = frozenset({"in", "at", "to", "from", "for", "with", "on", "by", "of"})
_POSSESSIVE = re.compile(r"\bits\b")
_REFLEXIVE = re.compile(r"\bitself\b")


class Phrase(NamedTuple):
    """A noun phrase and its number."""

    text: str
    plural: bool = False


def agree(text: str, *, plural: bool) -> str:
    """Choose between ``[singular|plural]`` alternatives.

    Examples:
        >>> agree("that [is|are] based in Ulm", plural=True)
        'that are based in Ulm'
    """
    return _ALTERNATIVE.sub(lambda found: found[2] if plural else found[1], text)


def _agreeing(text: str) -> str:
    """Return text with its pronouns left open: "buys its paper from"."""
    return _REFLEXIVE.sub("[itself|themselves]", _POSSESSIVE.sub("[its|their]", text))


def either(singular: str, plural: str) -> str:
    """Return text for ``agree``; the same text needs no choice."""
    return singular if singular == plural else f"[{singular}|{plural}]"


@dataclass(frozen=True, slots=True)
class Predicate:
    """A verb and what follows it, said of a subject that is still open.

    Attributes:
        verb: The verb.
        rest: What follows; it may hold alternatives that agree with the subject.
    """

    verb: Verb
    rest: str

    @classmethod
    def read(cls, text: str) -> "Predicate":
        """Return the predicate of a text that begins with its verb: "has more than 5 rooms"."""
        verb, _, rest = text.partition(" ")
        return cls(read_verb(verb), _agreeing(rest))

    def of_person(self) -> "Predicate":
        """Return it as said of a person: "their", never "its"."""
        return Predicate(self.verb, self.rest.replace("[its|their]", "their"))

    @property
    def text(self) -> str:
        """The predicate as it follows its subject."""
        return f"{either(self.verb.singular, self.verb.plural)} {self.rest}".rstrip()

    @property
    def negated(self) -> str:
        """The predicate with "not"."""
        helper = either(self.verb.helper.singular, self.verb.helper.plural)
        said = self.rest if self.verb.is_auxiliary else f"{self.verb.base} {self.rest}"
        return f"{helper} not {said}".rstrip()

    @property
    def reduced(self) -> str:
        """The predicate right after its noun: "based in Ulm", "with 5 rooms", "supplying Ulm"."""
        if self.verb.base == "be":
            names_it = self.rest.startswith(("the ", "a ", "an ", "one ", "not "))
            return f"that {self.text}" if names_it else self.rest
        if self.verb.base == "have":
            return f"with {self.rest}"
        if self.verb.is_auxiliary or self.verb.singular == self.verb.plural:
            return f"that {self.text}"
        return f"{participle(self.verb)} {self.rest}".rstrip()

    def asked_of(self, subject: Phrase) -> str:
        """Return the yes-or-no question, without capital and mark."""
        helper = self.verb.helper.form(plural=subject.plural)
        base = "" if self.verb.is_auxiliary else f"{self.verb.base} "
        return agree(f"{helper} {subject.text} {base}{self.rest}".rstrip(), plural=subject.plural)


@dataclass(frozen=True, slots=True)
class Clause:
    """A sentence with a subject and an object, each the head or the tail of a relation.

    Attributes:
        subject: ``"h"`` or ``"t"``.
        verb: The verb.
        before: Between verb and object.
        after: After the object.
    """

    subject: str
    verb: Verb
    before: str
    after: str

    @classmethod
    def read(cls, text: str) -> "Clause":
        """Return the clause that a schema writes.

        Raises:
            DataError: It is not subject, verb, and one object.

        Examples:
            >>> Clause.read("t buys its paper from h").predicate("Arbel").text
            '[buys|buy] [its|their] paper from Arbel'
        """
        words = text.split()
        slots = [word for word in words if word in ("h", "t")]
        if len(words) < 3 or words[0] not in ("h", "t") or sorted(slots) != ["h", "t"]:
            raise DataError(f"clause {text!r}: expected like 'h supplies t' or 't is owned by h'")
        at = words.index("t" if words[0] == "h" else "h")
        before = _agreeing(" ".join(words[2:at]))
        return cls(words[0], read_verb(words[1]), before, _agreeing(" ".join(words[at + 1 :])))

    def of_person(self) -> "Clause":
        """Return it with a person as its subject: "their", never "its"."""
        before, after = (p.replace("[its|their]", "their") for p in (self.before, self.after))
        return Clause(self.subject, self.verb, before, after)

    def predicate(self, obj: str) -> Predicate:
        """Return what the clause says of its subject."""
        return Predicate(self.verb, " ".join(filter(None, [self.before, obj, self.after])))

    def gap(self, subject: Phrase, extra: str = "") -> str:
        """Return the clause without its object: "Arbel supplies", for "the firms that ..."."""
        words = [subject.text, self.verb.form(plural=subject.plural), self.before, self.after]
        return agree(" ".join(filter(None, [*words, extra])), plural=subject.plural)

    def fronted_gap(self, subject: Phrase) -> str | None:
        """Return "at which the ships call", where a preposition can be moved to the front."""
        *others, last = self.before.split(" ")
        if last not in _MOVABLE or self.after:
            return None
        words = [subject.text, self.verb.form(plural=subject.plural), *others]
        return f"{last} which {agree(' '.join(words), plural=subject.plural)}"

    def asked_for_object(self, subject: Phrase, *, where: bool = False) -> str:
        """Return "does Arbel supply", for "which firms ...?".

        Args:
            where: Without the preposition that "where" stands for.
        """
        before = _PLACE_PREPOSITION.sub("", self.before) if where else self.before
        return Predicate(self.verb, " ".join(filter(None, [before, self.after]))).asked_of(subject)

    def asked_with_preposition(self, subject: Phrase) -> tuple[str, str] | None:
        """Return "at" and "does Arbel call", where the object stands after a preposition."""
        *others, last = self.before.split(" ")
        if last not in _MOVABLE or self.after:
            return None
        return last, Predicate(self.verb, " ".join(others)).asked_of(subject)

    @property
    def says_where(self) -> bool:
        """Whether the object stands after "in", "at" or "on", at the end."""
        return not self.after and _PLACE_PREPOSITION.search(self.before) is not None

    def statement(self, subject: Phrase, obj: str) -> str:
        """Return the whole sentence."""
        said = f"{subject.text} {self.predicate(obj).text}"
        return agree(said, plural=subject.plural)
