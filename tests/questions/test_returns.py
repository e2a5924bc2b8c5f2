"""Paths there and back: what they leave out, how they are said, what they are mistaken for."""

from itertools import pairwise

import numpy as np
import pytest

from graphllm.graph import TextualGraph
from graphllm.graph.folding import fold
from graphllm.query.execute import execute
from graphllm.query.plan import Entities, Follow, NodePlan, Step, Subtract, Values
from graphllm.questions import WEIGHTS, Wrong, generate, negatives, sampler_of, schemas
from graphllm.questions.asking import Asker, of_several
from graphllm.questions.chains import chain, possessive
from graphllm.questions.own import lexicon_of
from graphllm.questions.speaker import MARK, Speaker
from graphllm.questions.walks import links, read_return, there_and_back, turned
from graphllm.retrieval.schema import GraphSchema
from graphllm.retrieval.verbalize import Verbalizer

X = Entities(("Where Rivers End",))
WROTE, ISSUED = Step("author"), Step("publisher")
TRIPLES = [
    ("Where Rivers End", "author", "Ada Bex"), ("The Lark", "author", "Ada Bex"),
    ("Grey Hours", "author", "Ada Bex"), ("Salt", "author", "Orlo Quill"),
    ("Where Rivers End", "publisher", "Morna Press"), ("The Lark", "publisher", "Tarvik"),
    ("Grey Hours", "publisher", "Velm House"), ("Salt", "publisher", "Morna Press"),
    ("Ada Bex", "birthplace", "Ulm"), ("Orlo Quill", "birthplace", "Bex"),
]  # fmt: skip


@pytest.fixture(scope="module")
def library():
    return TextualGraph.from_triples(TRIPLES)


@pytest.fixture(scope="module")
def drawn():
    """Questions there and back over a few graphs, and the graph of each."""
    rng = np.random.default_rng(3)
    made = [generate(schemas()[i], rng, num_nodes=50) for i in (3, 17, 45)]
    found = []
    for built in made:
        sampler = sampler_of(built, rng, dirt=0.0)
        found += [(built, q) for q in (sampler.draw("return") for _ in range(11)) if q]
    return found


def test_what_is_gone_out_from_is_left_out(library):
    found = execute(there_and_back(X, WROTE), library).nodes
    assert {library.names[n] for n in found.tolist()} == {"The Lark", "Grey Hours"}


def test_only_a_walk_back_by_the_same_relation_is_a_return():
    assert read_return(there_and_back(X, WROTE)) == (
        X, Follow(X, WROTE), Follow(Follow(X, WROTE), turned(WROTE)))  # fmt: skip
    there = Follow(X, WROTE)
    assert read_return(Subtract(Follow(there, turned(ISSUED)), X)) is None
    assert read_return(Subtract(Follow(there, WROTE), X)) is None
    other = Entities(("Salt",))
    assert read_return(Subtract(Follow(there, turned(WROTE)), other)) is None
    assert read_return(Follow(there, turned(WROTE))) is None


def test_links_pass_through_a_return():
    plan = Follow(there_and_back(X, WROTE), ISSUED)
    assert [link.follow.step for link in links(plan)] == [WROTE, turned(WROTE), ISSUED]
    assert [link.others for link in links(plan)] == [False, True, False]
    assert links(X) == []


def test_negatives_of_a_return_are_what_it_is_mistaken_for(library):
    plan = Follow(there_and_back(X, WROTE), ISSUED)
    found = {n.plan: n.wrong for n in negatives(plan, library, np.random.default_rng(0), limit=6)}
    assert found[Follow(X, ISSUED)] is Wrong.RETURN  # without it
    assert found[there_and_back(X, WROTE)] is Wrong.PREFIX  # without what follows
    assert Follow(Subtract(Follow(X, WROTE), X), ISSUED) in found  # there, and not back
    off = Follow(Subtract(Follow(Follow(X, WROTE), Step("birthplace")), X), ISSUED)
    assert off in found  # on by another relation, where it should come back


def test_a_path_has_the_return_as_a_negative(library):
    found = {n.plan for n in negatives(Follow(X, WROTE), library, np.random.default_rng(0))}
    assert Follow(there_and_back(X, ISSUED), WROTE) in found


def test_returns_are_of_every_shape_and_name_their_start(drawn):
    plans = [question.plan for _, question in drawn]
    assert sum(isinstance(plan, Subtract) and bool(read_return(plan)) for plan in plans) > 5
    assert sum(isinstance(plan, Follow) for plan in plans) > 10
    assert any(isinstance(plan, Values) for plan in plans)
    for built, question in drawn:
        assert len(question.mentions) == 1, question.question
        [own] = question.mentions
        if isinstance(question.plan, Subtract):
            names = {fold(answer) for answer in question.answers}
            assert fold(built.graph.names[built.graph.find_key(own.keys[0])]) not in names


def test_texts_of_returns_differ_from_those_of_their_negatives(drawn):
    rng = np.random.default_rng(0)
    for built, question in drawn[::7]:
        verbalizer = Verbalizer(GraphSchema(built.graph))
        gold = verbalizer.text(question.plan, {})
        texts = [
            verbalizer.text(n.plan, {}) for n in negatives(question.plan, built.graph, rng, limit=6)
        ]
        assert sum(text != gold for text in texts) >= 4, gold


def test_returns_are_said_in_many_ways(drawn):
    made, question = next((b, q) for b, q in drawn if isinstance(q.plan, Subtract))
    asker = Asker(made.lexicon, made.graph, np.random.default_rng(0))
    said = " | ".join(asker.core(question.plan, 2).direct for _ in range(60))
    for words in (" other ", " else ", "the same "):
        assert words in said, words


def test_chains_of_nouns(library):
    lexicon = lexicon_of(library)
    plan = Follow(Follow(X, WROTE), Step("birthplace"))
    seen = set()
    for seed in range(40):
        made = chain(Speaker(lexicon, library, np.random.default_rng(seed)), plan)
        name = f"{MARK}\ue100"
        seen.add(made.nominal.definite(plural=False).text.replace(name, "X"))
        assert name in made.keywords
    assert seen >= {"X's author's birthplace", "the birthplace of the author of X",
                    "the birthplace of X's author"}  # fmt: skip


def test_three_nouns_in_a_row(library):
    lexicon = lexicon_of(library)
    plan = Follow(Follow(there_and_back(X, WROTE), WROTE), Step("birthplace"))
    assert len(links(plan)) == 4
    # A label says nothing of the way back: no noun, so the chain is said in sentences.
    assert chain(Speaker(lexicon, library, np.random.default_rng(0)), plan) is None


@pytest.mark.parametrize(
    ("phrase", "plural", "owner"),
    [("Ada", False, "Ada's"), ("the authors", True, "the authors'"),
     ("the boss", False, "the boss's"), ("the people", True, "the people's")],
)  # fmt: skip
def test_owners(phrase, plural, owner):
    assert possessive(phrase, plural=plural) == owner


@pytest.mark.parametrize(
    ("one", "several"),
    [("When was {x} built?", "When were {x} built?"), ("How old is {x}?", "How old are {x}?"),
     ("How many people does {x} employ?", "How many people do {x} employ?"),
     ("Does {x} enjoy protection?", "Do {x} enjoy protection?"),
     ("When did {x} open its doors?", "When did {x} open their doors?")],
)  # fmt: skip
def test_questions_for_several(one, several):
    assert of_several(one) == several


@pytest.mark.slow
def test_a_good_share_of_longer_paths_comes_back():
    rng = np.random.default_rng(0)
    weights = {name: float(WEIGHTS[name]) for name in ("path", "return")}
    longer = returns = 0
    for number in (8, 23, 38, 53):
        sampler = sampler_of(generate(schemas()[number], rng, num_nodes=60), rng)
        for question in sampler.questions(25, weights):
            steps = links(question.plan) if isinstance(question.plan, NodePlan) else []
            if len(steps) > 1:
                longer += 1
                returns += any(a.follow.step == turned(b.follow.step) for a, b in pairwise(steps))
    assert longer > 40
    assert 0.15 < returns / longer < 0.5
