"""Questions over any graph, phrased from its own labels."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Int

from graphllm.graph.columns import Column, Kind
from graphllm.graph.folding import humanize
from graphllm.graph.view import GraphView
from graphllm.io.wide import singular
from graphllm.query.plan import Attribute
from graphllm.questions.clauses import Clause
from graphllm.questions.inflect import Noun, pluralize, read_verb, with_article
from graphllm.questions.label_questions import BASE, PEOPLE, past_of
from graphllm.questions.lexicon import Lexicon, MeasureSense, Sense
from graphllm.questions.question import BuiltQuestion
from graphllm.questions.sampling import Sampler
from graphllm.questions.schema import (
    AttributeWords,
    EdgeWords,
    KindWords,
    RelationWords,
    shared_attribute,
)
from graphllm.retrieval.english import PLACE_TYPES, SYMMETRIC, family, words
from graphllm.retrieval.labels import PREPOSITIONS, LabelForm, label_form

_RARE = 0.02  # share of a relation's edges below which a pair of types is left out
_YEARS = (1000, 2101)  # whole numbers that mostly lie here are years
_MOST_VALUES = 60  # texts with more different values are descriptions, not categories
_LONGEST_LABEL = 5  # words
_STATES = words(
    "based born buried headquartered located situated set found married known related connected "
    "linked similar close equal next opposite employed affiliated involved interested used made "
    "assigned derived descended"
)  # participles and adjectives that need "is" before their preposition
_LASTING = words(
    "owned led managed headed run operated used supplied employed supervised coached governed "
    "controlled maintained hosted required needed caused treated covered served represented"
)  # participles that mostly speak of the present
_WITHOUT_ARTICLE = frozenset({"part", "type", "kind"})
_OF_PEOPLE = ("born", "salary", "height_cm", "phone", "email", "nationality_text", "weight")
_OF_PLACES = ("population", "area", "opened", "visitors", "depth")
_OF_THINGS = ("price", "weight", "color", "rating", "founded", "length", "employees")
_BY_ITSELF = words("died opened closed started ended retired expired arrived departed happened")
_EVENTS = {
    "born": "date of birth", "died": "date of death", "founded": "founding date",
    "established": "founding date", "released": "release date", "published": "publication date",
    "built": "date of construction", "opened": "opening date", "created": "date of creation",
    "launched": "launch date", "hired": "hiring date", "shipped": "shipping date",
    "started": "start date", "ended": "end date", "closed": "closing date",
}  # fmt: skip
_EXTREMES_OF = {"born": ("youngest", "oldest"), "died": ("", "")}
_UNSAYABLE = frozenset({"", "of", "is", "has", "in", "to", "a", "instance", "id", "type", "label"})


def questions_for(
    view: GraphView,
    rng: np.random.Generator,
    num: int,
    *,
    glossary: Mapping[str, str] | None = None,
    dirt: float = 0.12,
) -> list[BuiltQuestion]:
    """Return up to ``num`` questions that ``view`` answers, or plausibly might.

    Relations and attributes whose labels do not read as English are left out.

    Args:
        glossary: Words for labels that say nothing: ``{"R17": "supplies"}``.
        dirt: Share of names that are misspelt.

    Examples:
        >>> from graphllm.graph import TextualGraph
        >>> rows = [("Rye", "grows on", "Fen"), ("Oat", "grows on", "Fen")]
        >>> graph = TextualGraph.from_triples(rows)
        >>> built = questions_for(graph, np.random.default_rng(1), 3)
        >>> len(built), all(question.question for question in built)
        (3, True)
    """
    lexicon = lexicon_of(view, glossary or {})
    if not (lexicon.senses or lexicon.measures):
        return []
    sampler = Sampler(
        view,
        lexicon,
        rng,
        untold=untold(view, lexicon),
        new_name=_Recombined(view, rng),
        dirt=dirt,
    )
    return list(sampler.questions(num))


def untold(view: GraphView, lexicon: Lexicon) -> list[tuple[str, AttributeWords]]:
    """Return attributes that people might ask for and no word of the graph speaks of, by kind."""
    labels = [*view.relations, *view.node_columns, *view.edge_columns]
    known = {family(word) for label in labels for word in humanize(label).split()}
    found = []
    for kind, called in (lexicon.kinds or {"": KindWords(nouns=())}).items():
        names = _OF_PEOPLE if called.is_person else _OF_PLACES if called.is_place else _OF_THINGS
        for name in names:
            attribute = shared_attribute(name)
            said = {family(word) for noun in attribute.words.nouns for word in noun.split()}
            said |= {family(word) for lab in attribute.range.labels for word in lab.split()}
            if not said & known:
                found.append((kind, attribute.words))
    return found


class _Recombined:
    """Makes new names from the words of those in a graph."""

    def __init__(self, view: GraphView, rng: np.random.Generator) -> None:
        self.view, self.rng = view, rng

    def __call__(self, kind: str) -> str:
        picked = [self.view.names[int(self.rng.integers(self.view.num_nodes))] for _ in range(2)]
        first, last = (name.split() or [""] for name in picked)
        half = max(1, len(first[0]) // 2)
        return " ".join([first[0][:half] + last[-1][len(last[-1]) // 2 :].lower(), *last[1:]])


def lexicon_of(view: GraphView, glossary: Mapping[str, str] | None = None) -> Lexicon:
    """Return words for everything in a graph whose label reads as English.

    Args:
        glossary: Words for labels that say nothing.
    """
    told = glossary or {}
    kinds = {label: _kind_words(label) for label in view.node_types}
    kind_ids = np.asarray(view.node_type_ids, dtype=np.int32)
    senses: dict[tuple[str, bool], tuple[Sense, ...]] = {}
    for number, label in enumerate(view.relations):
        words = relation_words(told.get(label, label))
        if words is None:
            continue
        edges = np.flatnonzero(np.asarray(view.relation_ids) == number)
        pairs = _pairs(view, edges)
        words = _counted(words, view, edges)
        for inverse in (False, True):
            senses[label, inverse] = tuple(
                Sense(
                    words=words,
                    backward=inverse and not words.symmetric,
                    source=tail if inverse else head,
                    target=head if inverse else tail,
                    twoway=words.symmetric,
                )
                for head, tail in pairs
            )
    return Lexicon(
        kinds=kinds,
        kind_ids=kind_ids,
        types={label: label for label in view.node_types},
        senses=senses,
        measures=_measures(view),
        edge_values=_edge_values(view, senses),
    )


def last_words(label: str) -> str:
    """Return the words of a label without the path that leads to it.

    Examples:
        >>> last_words("people.person.place_of_birth"), last_words("/music/artist/origin")
        ('place of birth', 'origin')
        >>> last_words("hasFather"), last_words("WORKS_FOR")
        ('father', 'works for')
    """
    own = label if "://" in label else label.rstrip("/").rpartition("/")[2].rpartition(".")[2]
    words = humanize(own or label).split()
    if len(words) > 1 and words[0] in ("has", "is"):
        words = words[1:]
    return " ".join(words)


def relation_words(label: str) -> RelationWords | None:
    """Return how to speak about a relation by its label; ``None`` when it does not read as words.

    Examples:
        >>> [clause.predicate("x").text for clause in relation_words("supplied_by").clauses]
        ['[is|are] supplied by x', '[supplies|supply] x']
    """
    words = last_words(label)
    parts = words.split()
    if words in _UNSAYABLE or len(parts) > _LONGEST_LABEL or any(c.isdigit() for c in words):
        return None
    symmetric = any(part in SYMMETRIC for part in parts)
    form = label_form(words)
    if form is LabelForm.PASSIVE and len(parts) > 1:
        return RelationWords(clauses=_passive(words.removesuffix(" by")), symmetric=symmetric)
    if form is LabelForm.ACTIVE:
        return _active(parts, symmetric=symmetric)
    if parts[-1] in PREPOSITIONS:
        return None
    noun = _noun(words)
    return RelationWords(
        clauses=(Clause.read(f"h has t as its {noun.singular}"),),
        tail_nouns=(noun,),
        symmetric=symmetric,
        is_noun=True,
    )


def _noun(words: str) -> Noun:
    one = singular(words)
    return Noun(one, words if one != words else pluralize(one))


def _passive(participle: str) -> tuple[Clause, ...]:
    past = past_of(participle)
    verb = read_verb(f"{past}~{BASE[past]}" if past in BASE else past or "does")
    if participle in _LASTING and past:
        now = f"{pluralize(verb.base)}~{verb.base}"  # verbs and nouns take their "s" alike
        return (Clause.read(f"h is {participle} by t"), Clause.read(f"t {now} h"))
    clauses = [Clause.read(f"h was {participle} by t")]
    if past:
        clauses.append(Clause.read(f"t {past}~{verb.base} h"))
    return tuple(clauses)


def _active(parts: list[str], *, symmetric: bool) -> RelationWords:
    first, last = parts[0], parts[-1]
    rest = " ".join(parts)
    if last not in PREPOSITIONS:
        verb = f"{first}~{BASE[first]}" if first in BASE else first
        said = [f"h {verb} t"]
        if first.endswith("ed"):
            said.append(f"t was {first} by h")
        return RelationWords(clauses=tuple(map(Clause.read, said)), symmetric=symmetric)
    if last == "of" and len(parts) > 1 and not first.endswith(("ed", "en")):
        noun = " ".join(parts[:-1])
        if noun in _WITHOUT_ARTICLE:
            return RelationWords(clauses=(Clause.read(f"h is {noun} of t"),))
        said = [f"h is {with_article(noun)} of t"]
        return RelationWords(clauses=tuple(map(Clause.read, said)), head_nouns=(_noun(noun),))
    is_past = first in BASE and first not in _STATES
    is_present = first.endswith("s") and singular(first) != first
    if is_past or (is_present and len(parts) > 1):
        verb = f"{first}~{BASE[first]}" if is_past else first
        said = [f"h {' '.join([verb, *parts[1:]])} t"]
    else:
        said = [f"h {'was' if first == 'born' else 'is'} {rest} t"]
    return RelationWords(clauses=tuple(map(Clause.read, said)), symmetric=symmetric)


def _kind_words(label: str) -> KindWords:
    words = humanize(label)
    one = singular(words) or words
    last = one.split()[-1] if one else ""
    plural = words if words != one else pluralize(one)
    return KindWords(
        nouns=(Noun(one or "thing", plural or "things"),),
        is_person=last in PEOPLE,
        is_place=last in PLACE_TYPES,
    )


def _pairs(view: GraphView, edges: Int[np.ndarray, "n"]) -> list[tuple[str, str]]:
    """Return the types that a relation stands between, the usual ones first."""
    types = ["", *view.node_types]
    heads = np.asarray(view.node_type_ids)[view.heads[edges]] + 1
    tails = np.asarray(view.node_type_ids)[view.tails[edges]] + 1
    pairs, counts = np.unique(np.stack([heads, tails], axis=1), axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    kept = [row for row in order.tolist() if counts[row] >= _RARE * len(edges)]
    return [(types[int(pairs[row, 0])], types[int(pairs[row, 1])]) for row in kept]


def _counted(words: RelationWords, view: GraphView, edges: Int[np.ndarray, "n"]) -> RelationWords:
    """Return the words with what the edges say of how many tails a head has."""
    heads, tails = view.heads[edges], view.tails[edges]
    return replace(
        words,
        one_tail=len(np.unique(heads)) == len(edges),
        one_head=len(np.unique(tails)) == len(edges),
    )


def _measures(view: GraphView) -> dict[str, tuple[MeasureSense, ...]]:
    found: dict[str, list[MeasureSense]] = {}
    for column in view.node_columns.values():
        words = attribute_words(column)
        if words is None:
            continue
        types = np.asarray(view.node_type_ids)[np.unique(column.ids)]
        names = [view.node_types[t] if t >= 0 else "" for t in np.unique(types).tolist()]
        for name in names:
            sense = MeasureSense(measure=Attribute(column.name), words=words)
            found.setdefault(name, []).append(sense)
    return {kind: tuple(senses) for kind, senses in found.items()}


def is_years(column: Column) -> bool:
    """Return whether whole numbers are mostly years."""
    if column.kind is not Kind.INTEGER or not len(column.ids):
        return False
    values = np.asarray(column.values)
    return bool(np.mean((values >= _YEARS[0]) & (values < _YEARS[1])) > 0.95)


def attribute_words(column: Column) -> AttributeWords | None:
    """Return how to ask for an attribute by its name and values; ``None`` for long texts."""
    noun = last_words(column.name)
    if noun in _UNSAYABLE or any(c.isdigit() for c in noun):
        return None
    is_time = column.kind is Kind.DATE or is_years(column)
    match column.kind:
        case Kind.BOOLEAN:
            return AttributeWords(nouns=(noun,), ask=(f"Is {{x}} {noun}?",), same=(f"is {noun}",))
        case Kind.TEXT:
            different = len({str(column.value(row)) for row in range(len(column.ids))})
            same = (f"has the {noun} {{v}}",) if different <= _MOST_VALUES else ()
            return AttributeWords(nouns=(noun,), same=same)
        case _ if is_time and noun.split()[-1].endswith(("ed", "born")):
            return _event(noun)
        case _ if is_time:
            return AttributeWords(
                nouns=(noun,),
                more=(f"has a {noun} after {{v}}",),
                less=(f"has a {noun} before {{v}}",),
                same=(f"has the {noun} {{v}}",),
                is_time=True,
            )
        case _:
            return AttributeWords(
                nouns=(noun,),
                more=(f"has a {noun} above {{v}}", f"has a {noun} of more than {{v}}"),
                less=(f"has a {noun} below {{v}}", f"has a {noun} of less than {{v}}"),
                same=(f"has a {noun} of exactly {{v}}",),
                adds=True,
            )


def _event(participle: str) -> AttributeWords:
    """Return the words for a point in time that a participle names: "founded", "died"."""
    alone = participle in _BY_ITSELF
    said = participle if alone else f"was {participle}"
    ask = f"did {{x}} {read_verb(participle).base}" if alone else f"was {{x}} {participle}"
    most, least = _EXTREMES_OF.get(participle, (f"most recently {participle}", ""))
    return AttributeWords(
        nouns=(_EVENTS.get(participle, f"date {said}"),),
        ask=(f"When {ask}?", f"In what year {ask}?", f"What year {ask}?"),
        most=(most,) if most else (),
        least=(least or f"earliest {participle}",) if most else (),
        more=(f"{said} after {{v}}",),
        less=(f"{said} before {{v}}",),
        same=(f"{said} in {{v}}",),
        is_time=True,
    )


def _edge_values(
    view: GraphView, senses: Mapping[tuple[str, bool], tuple[Sense, ...]]
) -> dict[str, tuple[str, EdgeWords]]:
    """Return the first attribute of each relation's edges that can be said."""
    found: dict[str, tuple[str, EdgeWords]] = {}
    for column in view.edge_columns.values():
        noun = last_words(column.name)
        if noun in _UNSAYABLE or any(c.isdigit() for c in noun):
            continue
        is_time = column.kind is Kind.DATE or is_years(column)
        ask = ("When {s}?", "In what year {s}?") if is_time else ()
        plain = (f"What is the {noun} between {{h}} and {{t}}?",)
        words = EdgeWords(
            noun=noun,
            ask=ask or plain,
            more=("after {v}",) if is_time else (f"with a {noun} above {{v}}",),
            less=("before {v}",) if is_time else (f"with a {noun} below {{v}}",),
            same=("in {v}",) if is_time else (),
        )
        relations = np.unique(np.asarray(view.relation_ids)[np.unique(column.ids)])
        for relation in relations.tolist():
            label = view.relations[relation]
            if (label, False) in senses:
                found.setdefault(label, (column.name, words))
    return found
