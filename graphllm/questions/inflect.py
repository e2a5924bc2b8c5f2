"""English word forms: plurals, articles, and the forms of a verb that a clause needs.

What no rule gives is in ``english.toml``.
"""

import re
import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple


class _Forms(NamedTuple):
    past: dict[str, str]
    plural: dict[str, str]
    keep_stem: frozenset[str]


@lru_cache(maxsize=1)
def _forms() -> _Forms:
    table = tomllib.loads((files("graphllm.questions") / "english.toml").read_text("utf-8"))
    return _Forms(table["past"], table["plural"], frozenset(table["keep_stem"]))


_OF_PHRASE = re.compile(r" (of|in|at|for|to|on|by|from|with|against) ")


class Noun(NamedTuple):
    """A noun, perhaps of several words, in both numbers."""

    singular: str
    plural: str

    @classmethod
    def read(cls, text: str) -> "Noun":
        """Return the noun that a schema writes: ``"city"``, or ``"person/persons"``.

        Examples:
            >>> Noun.read("head of state").plural, Noun.read("person/persons").plural
            ('heads of state', 'persons')
        """
        singular, _, plural = text.partition("/")
        return cls(singular, plural or pluralize(singular))

    def form(self, *, plural: bool) -> str:
        """Return the form for one or for several."""
        return self.plural if plural else self.singular


def pluralize(noun: str) -> str:
    """Return the plural of a noun; of its first part when a phrase follows.

    Examples:
        >>> [pluralize(n) for n in ("ferry", "dish", "sister city", "chief of staff", "woman")]
        ['ferries', 'dishes', 'sister cities', 'chiefs of staff', 'women']
    """
    phrase = _OF_PHRASE.search(noun)
    if phrase is not None:
        return pluralize(noun[: phrase.start()]) + noun[phrase.start() :]
    *before, last = noun.split(" ")
    return " ".join([*before, _plural_word(last)])


def _plural_word(word: str) -> str:
    irregular = _forms().plural.get(word.lower())
    if irregular is not None:
        return irregular if word.islower() else irregular.capitalize()
    if word.lower().endswith(("man", "woman")) and word.lower() not in ("human", "talisman"):
        return f"{word[:-2]}en"
    if word.endswith("y") and word[-2:-1].lower() not in "aeiou":
        return f"{word[:-1]}ies"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    return f"{word}s"


# Sounds decide, and these words sound otherwise than they are spelt.
_AN = ("hour", "heir", "honest", "honour", "honor")
_A = ("uni", "use", "user", "euro", "one", "once", "ukulele", "ufo", "utility", "utensil", "ewe")


def with_article(noun: str) -> str:
    """Return the noun with "a" or "an".

    Examples:
        >>> with_article("airport"), with_article("university"), with_article("hourly rate")
        ('an airport', 'a university', 'an hourly rate')
    """
    word = noun.lower()
    vowel = word.startswith(_AN) or (word[:1] in "aeiou" and not word.startswith(_A))
    return f"{'an' if vowel else 'a'} {noun}"


class Verb(NamedTuple):
    """The forms of a verb in one tense.

    Attributes:
        singular: "supplies"; "supplied"; "is".
        plural: "supply"; "supplied"; "are".
        base: "supply"; for an auxiliary its singular.
        is_auxiliary: Goes before its subject in a question, by itself.
    """

    singular: str
    plural: str
    base: str
    is_auxiliary: bool = False

    @property
    def helper(self) -> "Verb":
        """The auxiliary that a question or a "not" needs: "does", "did", or the verb itself."""
        if self.is_auxiliary:
            return self
        return DID if self.singular == self.plural else DOES

    def form(self, *, plural: bool) -> str:
        """Return the form for one or for several."""
        return self.plural if plural else self.singular


DOES = Verb("does", "do", "do", is_auxiliary=True)
DID = Verb("did", "did", "do", is_auxiliary=True)
_AUXILIARIES = {
    "is": Verb("is", "are", "be", is_auxiliary=True),
    "was": Verb("was", "were", "be", is_auxiliary=True),
    "can": Verb("can", "can", "can", is_auxiliary=True),
    "must": Verb("must", "must", "must", is_auxiliary=True),
    "may": Verb("may", "may", "may", is_auxiliary=True),
    "will": Verb("will", "will", "will", is_auxiliary=True),
}
_THIRD_PERSONS = {"has": "have", "does": "do", "goes": "go", "dies": "die", "lies": "lie",
                  "ties": "tie", "undergoes": "undergo"}  # fmt: skip
# Ends of a stem that lost its "e" before "-ed": "located", "managed", "produced", "inspired".
_LOST_E = re.compile(
    r"""(?:[^aeiou][aeiou](?:t|k|z) | [aeiou](?:g|c|v|s|nc) | [^aeou]it | [drnl]g | [rnl][cvs]
    | ps | u | [^aeiou]l | [aeiou]bl | quir | [hpfrs]ir | [aeiou]?os | ur | or
    | [^aeiou][aiu][rnmlpb] | [^aeiou]o[lk] | od | [aeiou]ud | [aeiou]id | ad)$""",
    re.VERBOSE,
)


def read_verb(word: str) -> Verb:
    """Return the verb of which ``word`` is the third person or the simple past.

    A schema may give the base form itself: ``"bore~bear"``.

    Examples:
        >>> read_verb("supplies").plural, read_verb("founded").base, read_verb("located").base
        ('supply', 'found', 'locate')
        >>> read_verb("is").plural, read_verb("wrote").base
        ('are', 'write')
    """
    if word in _AUXILIARIES:
        return _AUXILIARIES[word]
    form, _, base = word.partition("~")
    if base:
        return Verb(form, base if _is_third_person(form, base) else form, base)
    if form in _forms().past:
        return Verb(form, form, _forms().past[form])
    if form.endswith("ed") and form not in ("feed", "need"):
        return Verb(form, form, _base_of_past(form))
    if form.endswith("s"):
        base = _THIRD_PERSONS.get(form) or _base_of_third(form)
        return Verb(form, base, base)
    return Verb(form, form, form)


def _is_third_person(form: str, base: str) -> bool:
    return form.endswith("s") and form.removesuffix("s") in (base, f"{base[:-1]}ie", f"{base}e")


def _base_of_third(form: str) -> str:
    if form.endswith("ies"):
        return f"{form[:-3]}y"
    if form.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return form[:-2]
    return form[:-1]


def _base_of_past(form: str) -> str:
    stem = form[:-2]
    if stem in _forms().keep_stem:
        return stem
    if stem.endswith("i"):
        return f"{stem[:-1]}y"
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsfz":
        return stem[:-1]
    if stem[:-1] in _forms().keep_stem and stem[-1] == stem[-2]:  # controlled, cancelled
        return stem[:-1]
    return f"{stem}e" if _LOST_E.search(stem) else stem


def participle(verb: Verb) -> str:
    """Return the "-ing" form.

    Examples:
        >>> [participle(read_verb(v)) for v in ("supplies", "makes", "runs", "visits", "lies")]
        ['supplying', 'making', 'running', 'visiting', 'lying']
    """
    base = verb.base
    if base.endswith("ie"):
        return f"{base[:-2]}ying"
    if base.endswith("e") and not base.endswith(("ee", "oe", "ye")):
        return f"{base[:-1]}ing"
    short = re.fullmatch(r"[^aeiou]*[aeiou][bdgklmnprt]", base) is not None
    doubles = short or base in {
        "begin",
        "transmit",
        "admit",
        "refer",
        "control",
        "permit",
        "commit",
    }
    return f"{base}{base[-1]}ing" if doubles and not base.endswith("k") else f"{base}ing"
