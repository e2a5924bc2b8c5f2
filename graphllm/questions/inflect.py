"""English word forms: plurals, articles, and the forms of a verb that a clause needs."""

import re
from typing import NamedTuple

_IRREGULAR_PLURALS = {
    "alumnus": "alumni", "analysis": "analyses", "axis": "axes", "bacterium": "bacteria",
    "basis": "bases", "child": "children", "crisis": "crises", "criterion": "criteria",
    "deer": "deer", "echo": "echoes", "fish": "fish", "foot": "feet", "fungus": "fungi",
    "genus": "genera", "goose": "geese", "half": "halves", "headquarters": "headquarters",
    "hero": "heroes", "knife": "knives", "larva": "larvae", "leaf": "leaves", "life": "lives",
    "livestock": "livestock", "loaf": "loaves", "man": "men", "medium": "media",
    "mouse": "mice", "nucleus": "nuclei", "offspring": "offspring", "ox": "oxen",
    "people": "people", "person": "people", "phenomenon": "phenomena", "potato": "potatoes",
    "quiz": "quizzes", "scarf": "scarves", "self": "selves", "series": "series",
    "sheep": "sheep", "shelf": "shelves", "species": "species", "spouse": "spouses",
    "staff": "staff", "synthesis": "syntheses", "thief": "thieves", "tomato": "tomatoes",
    "tooth": "teeth", "torpedo": "torpedoes", "wife": "wives", "wolf": "wolves",
    "woman": "women", "works": "works", "craft": "craft", "aircraft": "aircraft",
    "spacecraft": "spacecraft", "crew": "crews", "kin": "kin",
}  # fmt: skip
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
    irregular = _IRREGULAR_PLURALS.get(word.lower())
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
# Simple past and base form; a verb in -ed is worked out.
_IRREGULAR = {
    "became": "become", "began": "begin", "bore": "bear", "bought": "buy", "broke": "break",
    "brought": "bring", "built": "build", "came": "come", "caught": "catch", "chose": "choose",
    "cut": "cut", "dealt": "deal", "did": "do", "drew": "draw", "drove": "drive", "dug": "dig",
    "fed": "feed", "fell": "fall", "flew": "fly", "fought": "fight", "found": "find",
    "gave": "give", "got": "get", "grew": "grow", "had": "have", "held": "hold", "hit": "hit",
    "kept": "keep", "knew": "know", "laid": "lay", "led": "lead", "left": "leave",
    "lent": "lend", "lost": "lose", "made": "make", "met": "meet", "paid": "pay", "put": "put",
    "ran": "run", "rode": "ride", "rose": "rise", "said": "say", "sang": "sing", "sank": "sink",
    "sat": "sit", "saw": "see", "sent": "send", "set": "set", "shot": "shoot", "sold": "sell",
    "spent": "spend", "spoke": "speak", "stood": "stand", "stole": "steal", "struck": "strike",
    "swore": "swear", "taught": "teach", "threw": "throw", "told": "tell", "took": "take",
    "understood": "understand", "went": "go", "won": "win", "wore": "wear", "wove": "weave",
    "wrote": "write", "bred": "breed", "bound": "bind", "slew": "slay", "swam": "swim",
    "oversaw": "oversee", "overthrew": "overthrow", "succeeded": "succeed", "exceeded": "exceed",
    "undertook": "undertake", "underwent": "undergo", "forgave": "forgive", "beat": "beat",
    "fled": "flee", "cast": "cast", "split": "split", "spun": "spin", "hung": "hang",
    "created": "create", "provided": "provide", "divided": "divide", "decided": "decide",
    "traded": "trade", "included": "include", "concluded": "conclude", "tasted": "taste",
    "typed": "type", "wasted": "waste", "excluded": "exclude", "presided": "preside",
    "resided": "reside", "collided": "collide", "piped": "pipe", "wiped": "wipe",
    "graduated": "graduate", "heard": "hear", "phoned": "phone", "rang": "ring",
    "slept": "sleep", "swept": "sweep", "overcame": "overcome", "taped": "tape", "roped": "rope", "preyed": "prey", "withdrew": "withdraw", "upheld": "uphold", "read": "read", "wound": "wind", "shut": "shut",
}  # fmt: skip
_THIRD_PERSONS = {"has": "have", "does": "do", "goes": "go", "dies": "die", "lies": "lie",
                  "ties": "tie", "undergoes": "undergo"}  # fmt: skip
_VOWEL = "aeiou"
# Ends of a stem that lost its "e" before "-ed": "located", "managed", "produced", "inspired".
_LOST_E = re.compile(
    r"(?:[^aeiou][aeiou](?:t|k|z)|[aeiou](?:g|c|v|s|nc)|[^aeou]it|dg|ng|rg|lg|[rnl][cvs]|ps|u|"
    r"[^aeiou]l|[aeiou]{1}bl|quir|[hpfrs]ir|[aeiou]?os|ur|or|[^aeiou][aiu][rnmlpb]|[^aeiou]o[lk]|"
    r"od|[aeiou]ud|[aeiou]id|ad)$"
)
_KEEP = frozenset((
    "abort abut access act address adjoin administer admit affair affect afraid aid air alert "
    "allow alter anchor anger annex answer appeal appear appoint assess assign attack attend "
    "attract audit author await award ban bank bar bat bead bear beat belong blanket bleed "
    "blur board boat boil bolster book border borrow braid breed bring broker budget buffer "
    "call cancel center chair chart cheat clear coat collect colour comet comfort command "
    "commit conceal conduct confer confirm conifer connect conquer consider construct contain "
    "control convert cool cost count counter cover credit cross crown curl deal defeat defend "
    "defer deliver demand depart depend deploy deposit desert design despair detail develop "
    "differ direct discover discuss doctor down drop earn eat edit elect employ empower "
    "encounter enrol enroll enter equip escort exceed exhibit expand explain export express "
    "extract fail farm fasten favor favour feed filter fish fit flavour float floor flow "
    "flower focus foil follow fool form foster foul found fuel fund gain govern grant greet "
    "grow guard hail hammer hang happen harbour harm haul head heal hear heat hinder honor "
    "honour host hum hunt hurl impair import incur infer inform inherit inspect install "
    "instruct intend interpret interview invent join kill knit label labour land lead learn "
    "level limit link listen load lower maid mail maintain man map mar market master meet "
    "mentor merit minister model monitor moor mount murder muster need neglect number object "
    "obtain occur offer oil omit open order overflow own paint pair park part pass pat patent "
    "patrol perform permit pilot pin plan plant plunder point pool possess post pour power "
    "predict prefer present press prevent print process profit protect pull quest raid rail "
    "rank reach react record recruit recur refer reform regard register reject remember "
    "render renew rent repair repeat report represent respect respond restrict retail return "
    "reveal review reward rival roast rocket sail scan scar school screw seal seat seed "
    "select send shelter ship shop show sign signal slaughter sort span spearhead speed spoil "
    "sponsor spread spur stair star start steal stem stir stop storm subject submit succeed "
    "suffer suit support suspect swallow talk target test thread threaten ticket tool top "
    "tour tower trad trail train transfer transform transmit transport trap travel treat "
    "trumpet tunnel turn tutor unveil veil view visit walk wander war warn water weather weed "
    "whirl work "
    ).split()
)  # fmt: skip


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
    if form in _IRREGULAR:
        return Verb(form, form, _IRREGULAR[form])
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
    if stem in _KEEP:
        return stem
    if stem.endswith("i"):
        return f"{stem[:-1]}y"
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsfz":
        return stem[:-1]
    if stem[:-1] in _KEEP and stem[-1] == stem[-2]:  # controlled, cancelled
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
    doubles = short or base in {"begin", "transmit", "admit", "refer", "control", "permit", "commit"}
    return f"{base}{base[-1]}ing" if doubles and not base.endswith("k") else f"{base}ing"
