"""What the planner knows of English: word families, a small thesaurus, and the words that steer.

General knowledge of the language, written by hand; nothing here names a dataset.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from graphllm.graph.folding import fold

# A date or number, a word with inner dots and apostrophes, a possessive, or a sign alone ("$").
_TOKEN = re.compile(
    r"\d{4}-\d\d-\d\d|\d{1,3}(?:,\d{3})+(?:\.\d+)?|[^\W_]+(?:[.'\u2019][^\W_]+)*|['\u2019]s\b|(?<!\S)[^\w\s]+(?!\S)"
)


class Token(NamedTuple):
    """A word of a question: its place in the text, as written and folded."""

    start: int
    end: int
    text: str
    folded: str


def words(text: str) -> frozenset[str]:
    """Return the words of a list written as one text."""
    return frozenset(text.split())


def tokenize(question: str) -> list[Token]:
    """Return the words of a question with their offsets; possessive ``'s`` and hyphens split off.

    Examples:
        >>> [t.text for t in tokenize("Who co-starred in Ada's films?")]
        ['Who', 'co', 'starred', 'in', 'Ada', "'s", 'films']
    """
    tokens = []
    for match in _TOKEN.finditer(question):
        text, start = match.group(), match.start()
        possessive = re.search(r"['\u2019]s$", text)
        if possessive and possessive.start() > 0:
            cut = possessive.start()
            tokens.append(_token(text[:cut], start))
            tokens.append(_token(text[cut:], start + cut))
        else:
            tokens.append(_token(text, start))
    return tokens


def _token(text: str, start: int) -> Token:
    return Token(start, start + len(text), text, "s" if text in ("'s", "\u2019s") else fold(text))


# Words that carry no meaning of their own for choosing a relation.
FUNCTION_WORDS = words("""
    a an the of in on at by to for from with and or as into onto upon than that this these those
    is are was were be been being am do does did done doing has have had having can could will would
    shall should may might must it its he him his she her they them their theirs i me my we us our
    you your who whom whose which what where when why how there here please tell give show list find
    get name names named called know let like want some any all each every both also too other
    another together same share shares shared sharing common co s not no only just about more most
    less least much many few then so if but out up down over under between during per ever
    yes very such own one ones thing things anything something listed fall falls falling under
    kind kinds sort sorts type types exactly see look me word words considered belong belongs
    go went gone goes come came comes""")


# Function words that still hint at a relation when a relation's label or its synonyms use them.
HINT_WORDS = words("about type types kind kinds sort sorts where when who whom whose")

# Function words that are a relation where the graph has one of that name: "Ada knows Bo".
NAMING_VERBS = words("know like own show list call belong belongs come came go went")

# The speaker asks for others that have the same thing: the path goes there and comes back.
RETURN_TRIGGERS = words(
    "share shares shared sharing same also too together common co other others else another "
    "fellow alongside mutual jointly"
)

# Verbs that may mean anything: they count where a relation's label has them.
LIGHT_VERBS = words("make makes made making use used uses using take takes took taken get gets got")

COPULAS = words("is are was were be been do does did has have had")
PERSON_WORDS = words("who whom whose person people")
TIME_WORDS = words("when date dates year years day month time decade century")
PLACE_WORDS = words("where place places location locations")

IRREGULAR = {
    form: base
    for base, forms in {
        "write": "wrote written writes writing writer writers",
        "act": "actor actors actress actresses acted acting acts",
        "direct": "director directors directed directing directs direction",
        "bear": "born birth births birthplace birthdate bore bears",
        "die": "died dies death deaths dying dead deceased",
        "wed": "wedding weddings wedded",
        "marry": "married marries marriage marriages marrying",
        "child": "children childs kids",
        "win": "won wins winner winners winning",
        "teach": "taught teaches teacher teachers teaching",
        "sing": "sang sung singer singers sings singing song songs",
        "speak": "spoke spoken speaks speaking speaker speakers",
        "sell": "sold sells selling seller sellers sale sales",
        "buy": "bought buys buyer buyers buying",
        "lead": "led leads leader leaders leading leadership",
        "hold": "held holds holder holders holding",
        "build": "built builds builder builders building",
        "find": "found finds finding finder",
        "establish": "established establishes establishment founded founder founders founding",
        "discover": "discovered discovers discovery discoveries discoverer discoverers",
        "invent": "invented invents invention inventions inventor inventors",
        "produce": "produced produces producer producers production productions producing",
        "compose": "composed composes composer composers composition compositions composing",
        "own": "owner owners owned owns ownership",
        "employ": "employed employs employer employers employment employee employees",
        "study": "studied studies studying",
        "student": "students",
        "advise": "advised advises advisor advisors adviser advisers",
        "know": "knew known knows",
        "grow": "grew grown grows growing growth",
        "begin": "began begun begins beginning start started starts",
        "end": "ended ends ending finish finished",
        "run": "ran runs running runner",
        "star": "starred stars starring costar costarred costars",
        "publish": "published publishes publisher publishers publication publications",
        "locate": "located location locations locates",
        "reside": "resided resides residence residences resident residents",
        "live": "lived lives living",
        "rule": "ruled rules ruler rulers ruling",
        "govern": "governed governs governor governors government",
        "nation": "national nationality nationalities nations",
        "profess": "profession professions professional",
        "religion": "religious religions",
        "ethnic": "ethnicity ethnicities",
        "educate": "educated education educational",
        "person": "people persons",
        "describe": "described describes description descriptions describing",
        "organize": "organization organizations organisation organisations organized",
        "ship": "shipped ships shipper shippers shipping shipment",
        "supply": "supplied supplies supplier suppliers",
        "manage": "managed manages manager managers management",
        "report": "reported reports reporting",
        "choose": "chose chosen choice",
        "draw": "drew drawn draws",
        "give": "gave given",
        "name": "names named",
        "rate": "rated rates rating ratings",
        "vote": "voted votes voting voter voters",
    }.items()
    for form in forms.split()
}

_SUFFIXES = (
    "ations", "ation", "ators", "ator", "ments", "ment", "ions", "ion", "ings", "ing", "ers",
    "ors", "er", "or", "ists", "ist", "ies", "ied", "es", "ed", "s", "y", "e",
)  # fmt: skip


@lru_cache(maxsize=65536)
def family(word: str) -> str:
    """Return what related forms of a folded word have in common.

    Examples:
        >>> family("director") == family("directed"), family("wrote") == family("writers")
        (True, True)
        >>> family("cities") == family("city"), family("genre") == family("gender")
        (True, False)
    """
    if word in IRREGULAR:
        word = IRREGULAR[word]
    for suffix in _SUFFIXES:
        stem = word[: -len(suffix)]
        if word.endswith(suffix) and len(stem) >= 3 and any(v in stem for v in "aeiouy"):
            stem = stem[:-1] if len(stem) > 4 and stem[-1] == stem[-2] else stem
            return stem[:-1] if len(stem) > 3 and stem[-1] in "iy" else stem
    return word


# Groups of words that people use for one relation; the families of their members are compared.
_THESAURUS = """

actor actress cast star starring act play appear feature performer perform role portray
director direct filmmaker helm
write author writer novelist screenwriter scriptwriter screenplay script story pen playwright
compose composer music score
sing singer vocalist song track music
album record release
genre category style type kind sort
tag keyword topic theme subject about describe description
language tongue speak spoken
rating rate score stars review
votes vote popularity popular famous known
year date when time day
release premiere publish debut appear launch issue come
birth born bear birthplace birthdate
death die deceased died kill
place location where locate situated site
country nation nationality citizen citizenship state
city town municipality
parent mother father mom dad mum mama papa mommy daddy parentage
child children son daughter kid offspring heir
spouse wife husband marry married partner couple wed darling consort
sibling brother sister
gender sex male female
profession occupation job work career vocation living trade
religion faith belief church worship
ethnicity race ethnic descent
education school university college alma study graduate attend educate institution
employer work company employ job
teach teacher advisor mentor supervisor professor tutor advise
student pupil disciple protege advisee
found founder establish create start
invent inventor invention create
discover discoverer discovery find
win winner award prize honour honor receive recipient
member membership belong part
lead leader head chief president boss
own owner possess belong property
capital seat
population inhabitants people residents
area size extent surface
height tall high elevation
length long duration runtime milliseconds seconds minutes
produce producer make manufacturer maker
publish publisher imprint
supply supplier vendor provider
customer client buyer
order purchase buy
price cost
currency money
border neighbour neighbor adjacent
river stream flow
cause reason because why
field discipline subject area research specialty
book novel work title
character role
team club squad play
position role play
influence inspire
bury burial grave tomb cemetery
live reside residence home
manager report boss supervisor
employee staff worker
airline carrier operate
airport airfield
"""


PERSON_TYPES = words("person people human individual scientist actor author")
PLACE_TYPES = words(
    "place city town village country nation state region province continent county district "
    "location island river lake mountain sea planet moon airport building"
)
CONTAINMENT = frozenset(
    ("located in", "in", "part of", "within", "contained by", "is in", "is part of", "country",
     "state", "region", "continent", "province", "located", "lies in", "belongs to")
)  # fmt: skip
# Relations that hold both ways, whichever way the source wrote them down.
SYMMETRIC = words(
    "spouse married marriage partner sibling siblings friend friends neighbor neighbour border "
    "borders adjacent colleague twin interacts"
)

AGENT_ENDINGS = ("er", "or", "ist", "ent", "ant")


_OPPOSITES = tuple(
    (frozenset(map(family, one.split())), frozenset(map(family, other.split())))
    for one, other in (
        ("born birth", "died death buried"),
        ("started begin founded opened", "ended dissolved closed"),
        ("bought buy", "sold sell"),
        ("first earliest", "last latest"),
        ("wife female mother daughter sister", "husband male father son brother"),
        ("import", "export"),
        ("grandfather grandmother grandparent uncle aunt", "father mother parent"),
        ("grandchild grandson granddaughter nephew niece cousin", "child son daughter"),
        ("sibling brother sister cousin", "parent child spouse father mother son daughter"),
    )
)


def opposed(word: str, other: str) -> bool:
    """Return whether two folded words are opposites, however near their meanings.

    Examples:
        >>> opposed("die", "born"), opposed("birth", "born")
        (True, False)
    """
    one, two = family(word), family(other)
    return any((one in a and two in b) or (one in b and two in a) for a, b in _OPPOSITES)


def is_person_noun(word: str) -> bool:
    """Return whether a folded noun names people by what they do: "physicists", "painter".

    Examples:
        >>> is_person_noun("chemists"), is_person_noun("cities"), is_person_noun("river")
        (True, False, False)
    """
    noun = word.removesuffix("s")
    return noun in PERSON_TYPES or (
        len(noun) > 5 and noun.endswith(("ist", "cian", "eer", "or", "ter", "ler", "ner", "her"))
    )


_CONVERSES = """
parent mother father mom dad mum mama papa ancestor | child son daughter kid offspring heir
advise advisor teacher mentor supervisor professor tutor | student pupil disciple protege advisee
employer company | employee staff worker
manager boss supervisor report | subordinate report
predecessor before | successor after
owner | property possession
supplier vendor | customer client buyer
"""

CONVERSES: tuple[tuple[frozenset[str], frozenset[str]], ...] = tuple(
    (
        frozenset(family(w) for w in left.split()),
        frozenset(family(w) for w in right.split()),
    )
    for left, _, right in (line.partition("|") for line in _CONVERSES.strip().splitlines())
)


@lru_cache(maxsize=1)
def thesaurus() -> dict[str, frozenset[int]]:
    """Return, for each word family, the thesaurus groups it stands in."""
    groups: dict[str, set[int]] = {}
    for number, line in enumerate(_THESAURUS.strip().splitlines()):
        for word in line.split():
            groups.setdefault(family(word), set()).add(number)
    return {word: frozenset(numbers) for word, numbers in groups.items()}


def synonyms(left: str, right: str) -> bool:
    """Return whether two folded words share a thesaurus group.

    Examples:
        >>> synonyms("mother", "parents"), synonyms("mother", "children")
        (True, False)
    """
    nothing: frozenset[int] = frozenset()
    groups = thesaurus()
    return bool(groups.get(family(left), nothing) & groups.get(family(right), nothing))


@lru_cache(maxsize=65536)
def is_converse(word: str, other: str) -> bool:
    """Return whether two words name the two ends of one relation: a student and an advisor.

    Examples:
        >>> is_converse("parent", "daughter"), is_converse("parent", "mother")
        (True, False)
    """
    ends = (family(word), family(other))
    return ends[0] != ends[1] and any(
        (ends[0] in left and ends[1] in right) or (ends[1] in left and ends[0] in right)
        for left, right in CONVERSES
    )


# What people call a thing, and words that the relations of such a thing tend to have.
_TYPICAL = """
film movie picture flick: direct actor star cast release genre screenplay write produce imdb runtime
book novel: author write publish isbn genre page
song track single: artist album compose sing lyrics genre release performer
album record: artist song track label release genre
person people individual human: born birth die spouse parent child gender nationality job
city town: population mayor country located area
country nation state: capital population currency language border continent president
company firm business organization: founded ceo industry headquarters employee owner subsidiary
product item good: price supplier category quantity unit stock discontinued
order purchase: customer ship freight required order product employee
customer client: contact company phone fax city order
employee staff worker: hire report title boss extension salary
paper article publication: author cite journal venue year keyword abstract
airport: iata icao latitude longitude timezone altitude
team club: player coach league stadium
university school college: student founded campus located
drug medicine: treat disease interact dose target
gene protein: interact express encode function
game: platform developer publish genre release
"""


@lru_cache(maxsize=1)
def _typical() -> dict[str, frozenset[str]]:
    table: dict[str, frozenset[str]] = {}
    for line in _TYPICAL.strip().splitlines():
        nouns, _, properties = line.partition(":")
        families = frozenset(family(word) for word in properties.split())
        table.update({family(noun): families for noun in nouns.split()})
    return table


def typical_properties(noun: str) -> frozenset[str]:
    """Return word families that the properties of such a thing tend to have; empty if unknown.

    Examples:
        >>> family("directed") in typical_properties("movies"), typical_properties("quark")
        (True, frozenset())
    """
    return _typical().get(family(noun), frozenset())
