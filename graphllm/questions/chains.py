"""Chains of nouns, and paths that come back: "X's author's other books", "with the same doctor"."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from graphllm.query.plan import Entities, NodePlan
from graphllm.questions.clauses import Phrase, Predicate, agree
from graphllm.questions.core import Core
from graphllm.questions.inflect import Noun, with_article
from graphllm.questions.lexicon import Sense
from graphllm.questions.nominal import Nominal
from graphllm.questions.walks import Link, Return, links, read_return
from graphllm.retrieval.english import words

if TYPE_CHECKING:
    from graphllm.questions.speaker import Speaker

_ROLE, _LABEL = 0.6, 0.2  # shares of nouns that say what something is to another; the rest, a kind
_OTHERS = 0.6  # of those that come back, said to be others
_MADE = words(
    "written painted composed directed designed created published recorded produced invented "
    "developed sung illustrated authored drawn sculpted released issued brewed"
)  # "books by X", but not "students by X"


class Chain(NamedTuple):
    """A chain of steps as nouns.

    Attributes:
        nominal: "the publisher of X's author's other books".
        keywords: "X author books publisher".
    """

    nominal: Nominal
    keywords: str


def possessive(phrase: str, *, plural: bool = False) -> str:
    """Return a phrase as an owner.

    Examples:
        >>> possessive("the authors", plural=True), possessive("the boss")
        ("the authors'", "the boss's")
    """
    return f"{phrase}'" if plural and phrase.endswith("s") else f"{phrase}'s"


def roles(sense: Sense) -> Sequence[Noun]:
    """Return what the end of a step is to its beginning: "author" of a book."""
    return sense.words.head_nouns if sense.backward else sense.words.tail_nouns


def source_roles(sense: Sense) -> Sequence[Noun]:
    """Return what the beginning of a step is to its end."""
    return sense.words.tail_nouns if sense.backward else sense.words.head_nouns


def nouns(speaker: "Speaker", sense: Sense) -> Sequence[Noun]:
    """Return the nouns that can name a step: what its end is, is labelled, or is of a kind."""
    labelled = sense.words.head_labels if sense.backward else sense.words.tail_labels
    drawn = speaker.rng.random()
    if labelled and drawn > 1 - _LABEL:
        return labelled
    kinds = speaker.kind_words(sense.target).nouns if _is_only_way(speaker, sense) else ()
    found = roles(sense)
    return found if found and (drawn < _ROLE or not kinds) else kinds


def _is_only_way(speaker: "Speaker", sense: Sense) -> bool:
    """Whether no other step joins two kinds, so that the kind's noun says which is meant."""
    if sense.target not in speaker.lexicon.kinds or sense.source == sense.target:
        return False
    found = [s for of in speaker.lexicon.senses.values() for s in of]
    return sum(s.source == sense.source and s.target == sense.target for s in found) == 1


def chain(speaker: "Speaker", plan: NodePlan) -> Chain | None:
    """Return a chain of two steps or more as nouns; ``None`` where a step has none."""
    walked = links(plan)
    if len(walked) < 2:
        return None
    senses = [speaker.sense(link.follow.source, link.follow.step) for link in walked]
    chosen: list[Noun] = []
    for sense in senses:
        options = () if sense is None else nouns(speaker, sense)
        if not options:
            return None
        chosen.append(speaker.pick(options))
    start = walked[0].follow.source
    assert isinstance(start, Entities)  # noqa: S101 - for the type checker
    name, last = speaker.mention(start.keys), senses[-1]
    assert last is not None  # noqa: S101 - for the type checker
    several = [
        _is_several(speaker, link, sense) for link, sense in zip(walked, senses, strict=True)
    ]
    said = [
        f"other {n.form(plural=many)}" if link.others and speaker.chance(_OTHERS) else
        n.form(plural=many)
        for n, many, link in zip(chosen, several, walked, strict=True)
    ]  # fmt: skip
    person = speaker.kind_words(last.target).is_person
    nominal = Nominal(noun=chosen[-1], kind=last.target, is_person=person, plural=several[-1])
    if said[-1].startswith("other "):
        nominal = replace(nominal, before="other")
    by = _by(last) if several[-1] or speaker.chance(0.5) else ""
    put = _owned(speaker, nominal, name, said, several, by)
    return Chain(put, _typed(speaker, name, [n.singular for n in chosen[:-1]], said[-1]))


def _is_several(speaker: "Speaker", link: Link, sense: Sense | None) -> bool:
    """Whether to speak of what a step reaches in the plural."""
    if sense is not None and not sense.leads_to_one and speaker.chance(0.3):
        return True
    return speaker.size(link.reached) > 1


def _by(sense: Sense) -> str:
    """Return "by" where the end of a step is what its beginning made."""
    made = any(
        c.subject == ("h" if sense.backward else "t")
        and c.before.endswith(" by")
        and c.before.split(" ")[0] in _MADE
        for c in sense.words.clauses
    )
    return "by" if made else ""


def _owned(
    speaker: "Speaker",
    nominal: Nominal,
    name: str,
    said: Sequence[str],
    several: Sequence[bool],
    by: str,
) -> Nominal:
    """Return the last noun with those before it: some with "'s", the rest with "of"."""
    num_owners = speaker.pick((0, 1, len(said) - 1, len(said), len(said)))
    phrase, plural = name, False
    for i, noun in enumerate(said[:-1]):
        owned = f"{possessive(phrase, plural=plural)} {noun}"
        phrase = owned if i < num_owners else f"the {noun} of {phrase}"
        plural = several[i]
    if num_owners == len(said):
        return replace(nominal, owner=possessive(phrase, plural=plural))
    preposition = by if by and speaker.chance(0.6) else "of"
    return replace(nominal, after=f" {preposition} {phrase}")


def _typed(speaker: "Speaker", name: str, before: Sequence[str], last: str) -> str:
    """Return a chain as people type it into a search box."""
    forward = " ".join([*before, last])
    backward = [last, *reversed(before)]
    return speaker.pick(
        (
            f"{name} {forward}",
            f"{name} {forward}",
            f"{name}'s {forward}",
            f"{' '.join(backward)} {name}",
            f"{' of '.join(backward)} of {name}",
            f"{name}: {forward}",
            f"{name} {', '.join([*before, last])}",
        )
    )


# There and back


def shared_nouns(speaker: "Speaker", sense: Sense) -> Sequence[Noun]:
    """Return what two things share that both take a step: an author, or a doctor."""
    if roles(sense) and speaker.chance(0.75):
        return roles(sense)
    target = sense.target
    known = target in speaker.lexicon.kinds
    return speaker.kind_words(target).nouns if known else roles(sense)


def ways_to_share(noun: str, name: str) -> tuple[str, ...]:
    """Return predicates of what shares something with a name; each begins with its verb."""
    a_noun = with_article(noun)
    return (
        f"[has|have] the same {noun} as {name}",
        f"[has|have] the same {noun} as {name}",
        f"[shares|share] {a_noun} with {name}",
        f"[shares|share] the {noun} of {name}",
        f"[has|have] {a_noun} in common with {name}",
    )


def same_as(speaker: "Speaker", found: Return) -> Predicate | None:
    """Return "works for the same company as X"; ``None`` where no clause says so."""
    first = speaker.sense(found.start, found.there.step)
    back = speaker.sense(found.back.source, found.back.step)
    if first is None or back is None:
        return None
    kinds = speaker.kind_words(first.target).nouns if first.target in speaker.lexicon.kinds else ()
    options = [*kinds, *roles(first)]
    if not options:
        return None
    same = Phrase(f"the same {speaker.pick(options).singular}")
    said = [p for p in speaker.predicates(back, same) if p.rest.endswith(same.text)]
    if not said:
        return None
    chosen = speaker.pick(said)
    return Predicate(chosen.verb, f"{chosen.rest} as {speaker.mention(found.start.keys)}")


def sharing(speaker: "Speaker", found: Return) -> str:
    """Return a predicate of what shares something with a name; empty where none says so."""
    first = speaker.sense(found.start, found.there.step)
    same = same_as(speaker, found) if speaker.chance(0.5) else None
    if same is not None:
        return same.text
    options = () if first is None else shared_nouns(speaker, first)
    if not options:
        return ""
    ways = ways_to_share(speaker.pick(options).singular, speaker.mention(found.start.keys))
    return speaker.pick(ways)


def returned(speaker: "Speaker", found: Return) -> Nominal | None:
    """Return "clinics that share a doctor with X", "co-authors of X"; ``None`` without words."""
    back = speaker.sense(found.back.source, found.back.step)
    if back is None:
        return None
    if speaker.chance(0.25) and (fellow := _fellow(speaker, found, back)) is not None:
        return fellow
    base = speaker.of_kind(back.target)
    if back.target not in speaker.lexicon.kinds or not (said := sharing(speaker, found)):
        return None
    if speaker.chance(0.35):
        base = replace(base, before="other")
    if said.startswith("[has|have] "):
        with_it = f"with {said.removeprefix('[has|have] ')}"
        return replace(base, after=f" {speaker.pick((with_it, f'{base.pronoun} {said}'))}")
    if said.startswith("[shares|share] "):
        sharing_it = f"sharing {said.removeprefix('[shares|share] ')}"
        return replace(base, after=f" {speaker.pick((sharing_it, f'{base.pronoun} {said}'))}")
    return replace(base, after=f" {base.pronoun} {said}")


def _fellow(speaker: "Speaker", found: Return, back: Sense) -> Nominal | None:
    """Return "co-authors of X", "fellow members of X"."""
    is_person = speaker.kind_words(back.target).is_person
    options = [n for n in roles(back) if " " not in n.singular and "-" not in n.singular]
    if not options or not is_person:
        return None
    role = speaker.pick(options)
    prefix = "co-" if speaker.chance(0.5) else "fellow "
    noun = Noun(f"{prefix}{role.singular}", f"{prefix}{role.plural}")
    nominal = Nominal(noun=noun, kind=back.target, is_person=True)
    name = speaker.mention(found.start.keys)
    if speaker.chance(0.5):
        return replace(nominal, owner=possessive(name))
    return replace(nominal, after=f" of {name}")


def ask_return(speaker: "Speaker", plan: NodePlan, *, plural: bool) -> Core | None:
    """Return "what else did the author of X write"; ``None`` where it has no such words."""
    found = read_return(plan)
    back = None if found is None else speaker.sense(found.back.source, found.back.step)
    if found is None or back is None or back.target not in speaker.lexicon.kinds:
        return None
    if speaker.chance(0.5):
        return _ask_else(speaker, found, back, plural=plural)
    said = sharing(speaker, found)
    if not said:
        return None
    other = speaker.chance(0.4)
    word, as_plural = _asking(speaker, back, other=other, plural=plural)
    text = f"{word} {agree(said, plural=as_plural)}"
    base = replace(speaker.of_kind(back.target), before="other" if other else "")
    wanted = f"{base.bare(plural=plural)} {base.pronoun} {agree(said, plural=plural)}"
    same = agree(said, plural=True).partition(" ")[2]
    keywords = f"{base.bare(plural=plural)} {same}"
    return Core(text, text, f"the {wanted}", keywords, plural)


def _ask_else(speaker: "Speaker", found: Return, back: Sense, *, plural: bool) -> Core | None:
    subject = speaker.phrase(found.there)
    base = replace(speaker.of_kind(back.target), before="other")
    thing = base.bare(plural=plural)
    word, as_plural = _asking(speaker, back, other=True, plural=plural)
    gaps = speaker.gaps(back, subject)
    said = [p for p in speaker.predicates(back, subject) if " as [" not in p.rest]
    keywords = _searched(speaker, found, thing)
    if gaps and (not said or speaker.chance(0.6)):
        gap = speaker.pick(gaps)
        wanted = f"the {thing}{speaker.relative(base, gap)}"
        return Core(f"{word} {gap.asked()}", f"{word} {gap.stated()}", wanted, keywords, plural)
    if not said:
        return None
    chosen = speaker.pick(said)
    text = f"{word} {agree(chosen.text, plural=as_plural)}"
    wanted = f"the {thing} {base.pronoun} {agree(chosen.text, plural=plural)}"
    return Core(text, text, wanted, keywords, plural)


def _searched(speaker: "Speaker", found: Return, thing: str) -> str:
    """Return "other books author of X" as people type it; empty where nothing is called so."""
    first = speaker.sense(found.start, found.there.step)
    options = () if first is None else shared_nouns(speaker, first)
    if not options:
        return ""
    noun, name = speaker.pick(options).singular, speaker.mention(found.start.keys)
    ways = (f"{thing} {noun} of {name}", f"{name} {noun} {thing}", f"{thing} {name} {noun}",
            f"{name}'s {noun} {thing}", f"same {noun} as {name}")  # fmt: skip
    return speaker.pick(ways)


def _asking(
    speaker: "Speaker", sense: Sense, *, other: bool, plural: bool
) -> tuple[str, bool]:  # fmt: skip
    """Return "who else", "which other books", and whether a verb after it is plural."""
    words = speaker.kind_words(sense.target)
    noun = speaker.pick(words.nouns).form(plural=plural)
    if not other:
        return (("who", False) if words.is_person and speaker.chance(0.6) else
                (f"{speaker.pick(('which', 'which', 'what'))} {noun}", plural))  # fmt: skip
    if speaker.chance(0.5):
        return ("who else" if words.is_person else "what else"), False
    return f"{speaker.pick(('which', 'what'))} other {noun}", plural
