"""Built questions: answered as they say, marked where they say, the same with the same seed."""

import numpy as np
import pytest

from graphllm.errors import DataError
from graphllm.graph import TextualGraph
from graphllm.graph.builder import GraphBuilder
from graphllm.graph.columns import Kind, column_from_python, format_value
from graphllm.graph.folding import fold
from graphllm.query.execute import execute
from graphllm.query.plan import Count, Entities, Follow, Intersect, OfType, Step
from graphllm.query.text import parse_plan
from graphllm.questions import (
    WEIGHTS,
    BuiltQuestion,
    Refusal,
    Wrong,
    curriculum,
    from_lines,
    generate,
    lexicon_of,
    negatives,
    questions_for,
    sampler_of,
    schemas,
    to_lines,
)
from graphllm.questions.clauses import Phrase
from graphllm.questions.own import attribute_words, relation_words, untold


@pytest.fixture(scope="module")
def built():
    """A few graphs of different schemas, each with some questions."""
    return list(curriculum(np.random.default_rng(11), 7, 12, num_nodes=60))


def test_stated_answers_are_those_of_the_plan(built):
    for made, questions in built:
        names = made.graph.names
        for question in questions:
            if question.refusal in (Refusal.NO_ENTITY, Refusal.NO_RELATION):
                assert question.plan is None
                assert question.answers == ()
                continue
            result = execute(parse_plan(question.plan_text), made.graph)
            if question.refusal is Refusal.NO_EDGE:
                assert result.is_empty
            elif result.paths:
                ends = {
                    n
                    for e in result.edges
                    for n in made.graph.heads[[e]].tolist() + made.graph.tails[[e]].tolist()
                }
                assert set(question.answers) <= {names[n] for n in ends}
            elif result.groups:
                assert list(question.answers) == list(
                    dict.fromkeys(format_value(value) for value in result.groups)
                )
            elif len(result.nodes):
                assert list(question.answers) == list(
                    dict.fromkeys(names[n] for n in result.nodes.tolist())
                )
            else:
                assert list(question.answers) == list(
                    dict.fromkeys(format_value(value) for value in result.values)
                )


def test_spans_stand_where_the_names_are(built):
    clean = 0
    for made, questions in built:
        for question in questions:
            for start, end, keys in question.mentions:
                said = question.question[start:end]
                assert said
                assert said == said.strip()
                if question.noise or not keys:
                    continue
                node = made.graph.find_key(keys[0])
                called = {fold(made.graph.names[node]), *map(fold, made.graph.aliases(node))}
                assert fold(said) in called
                clean += 1
    assert clean > 40


def test_what_is_not_in_the_graph_is_named_by_no_node():
    rng = np.random.default_rng(8)
    made = generate(schemas()[30], rng, num_nodes=60)
    names = set(map(fold, made.graph.names))
    for question in sampler_of(made, rng).questions(5, {"no entity": 1.0}):
        assert question.refusal is Refusal.NO_ENTITY
        [unknown] = [m for m in question.mentions if not m.keys]
        assert fold(question.question[unknown.start : unknown.end]) not in names


def test_values_kept_as_nodes_are_walked_from():
    asked = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        made = generate(schemas()[5], rng, num_nodes=60)
        values = [step for step, s in made.lexicon.senses.items() if not s[0].source]
        if values:
            asked += sampler_of(made, rng).questions(30, {"path": 1.0})
            break
    inverse = [f'~"{relation}"' for relation, _ in values]
    assert any(label in question.plan_text for question in asked for label in inverse)


def test_all_kinds_of_question_come_up(built):
    rng = np.random.default_rng(5)
    sampler = sampler_of(generate(schemas()[10], rng, num_nodes=120), rng)
    found = {name for name in WEIGHTS if any(sampler.draw(name) for _ in range(8))}
    assert found >= WEIGHTS.keys() - {"no relation", "groups", "edge value", "condition", "most"}
    operations = {q.operation for _, questions in built for q in questions}
    assert len(operations) >= 14
    assert {q.hops for _, questions in built for q in questions} >= {0, 1, 2, 3}
    assert len({q.style for _, questions in built for q in questions}) == 5


def test_the_same_seed_gives_the_same_questions():
    def drawn(seed):
        made = curriculum(np.random.default_rng(seed), 1, 5, num_nodes=50)
        return [(graph.graph.content_hash, list(to_lines(questions))) for graph, questions in made]

    assert drawn(4) == drawn(4)
    assert drawn(4) != drawn(5)


def test_every_schema_comes_once_before_any_comes_again():
    kept = ("music", "law", "sports")
    without = {s.domain for s in schemas()} - set(kept)
    of_kept = [s.name for s in schemas() if s.domain in kept]
    made = curriculum(np.random.default_rng(0), len(of_kept), 0, num_nodes=50, without=without)
    assert sorted(b.schema.name for b, _ in made) == sorted(of_kept)


def test_a_domain_can_be_left_out():
    domains = {s.domain for s in schemas()}
    made = curriculum(np.random.default_rng(0), 3, 1, num_nodes=60, without=domains - {"music"})
    assert {built.schema.domain for built, _ in made} == {"music"}


def test_questions_survive_json(built):
    questions = [question for _, questions in built for question in questions]
    assert list(from_lines(to_lines(questions))) == questions


def test_a_wrong_line_is_named():
    with pytest.raises(DataError, match="line 2: not a line of a built question"):
        list(from_lines(["\n", '{"question": "?"}']))


def test_questions_differ_and_read_as_sentences(built):
    texts = [question.question for _, questions in built for question in questions]
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert text == " ".join(text.split())
        for mark in ("[", "]", "{", "}", "|", "~", " ?", " ,", "the the ", "\ue000"):
            assert mark not in text, text


def test_names_are_soiled_as_often_as_asked():
    rng = np.random.default_rng(2)
    made = generate(schemas()[20], rng, num_nodes=80)
    clean = list(sampler_of(made, rng, dirt=0.0).questions(15))
    soiled = list(sampler_of(made, rng, dirt=1.0).questions(15))
    assert not any(question.noise for question in clean)
    named = [question for question in soiled if question.mentions]
    assert len(named) > 5
    assert sum(bool(question.noise) for question in named) > len(named) / 2


def test_some_questions_name_nothing_and_their_plans_neither(built):
    asked = [question for _, questions in built for question in questions if not question.mentions]
    assert any(question.is_answerable for question in asked)
    for question in asked:
        assert "entities(" not in question.plan_text, question.question


def test_negatives_are_never_the_right_plan_in_form_and_answers(built):
    rng = np.random.default_rng(1)
    sorts = set()
    for made, questions in built:
        for question in questions[:3]:
            if question.plan is None:
                continue
            gold = execute(question.plan, made.graph)
            found = negatives(question.plan, made.graph, rng)
            assert len({n.plan for n in found}) == len(found) <= 12
            for wrong in found:
                assert wrong.plan != question.plan
                sorts.add(wrong.wrong)
                if type(wrong.plan) is type(question.plan):
                    result = execute(wrong.plan, made.graph)
                    assert (set(result.nodes), result.values, result.paths) != (
                        set(gold.nodes), gold.values, gold.paths)  # fmt: skip
    assert sorts >= set(Wrong) - {Wrong.ATTRIBUTE}


def test_negatives_of_a_path_by_hand():
    rows = [("Arbel", "owns", "Hare"), ("Hare", "calls at", "Ulm"), ("Hare", "flies", "Velm"),
            ("Morna", "owns", "Lark"), ("Lark", "calls at", "Bex")]  # fmt: skip
    graph = TextualGraph.from_triples(rows)
    plan = Follow(Follow(Entities(("Arbel",)), Step("owns")), Step("calls at"))
    found = {n.plan: n.wrong for n in negatives(plan, graph, np.random.default_rng(0), limit=50)}
    assert found[Follow(Entities(("Arbel",)), Step("owns"))] is Wrong.PREFIX
    assert found[Follow(plan.source, Step("flies"))] is Wrong.SIBLING
    assert found[Follow(plan, Step("calls at", inverse=True))] is Wrong.EXTENSION
    assert found[Follow(plan.source, Step("calls at", inverse=True))] is Wrong.DIRECTION
    assert found[Count(plan)] is Wrong.OPERATION


@pytest.fixture
def own_graph():
    builder = GraphBuilder()
    for number in range(12):
        facts = {"built": 1950 + 5 * number, "tonnage": 1000 * (number + 1)}
        name = f"Ship {'ABCDEFGHIJKL'[number]}arbel"
        builder.node(f"s{number}", name=name, type="Ship", attributes=facts)
        builder.node(
            f"l{number % 3}", name=f"{('Morna', 'Velm', 'Tarvik')[number % 3]} Lines", type="Line"
        )
        builder.edge(
            f"s{number}", "owned_by", f"l{number % 3}", attributes={"since": 1990 + number}
        )
        builder.node(
            f"p{number % 4}", name=("Ulm", "Bex", "Orlo", "Quill")[number % 4], type="Port"
        )
        builder.edge(f"s{number}", "CALLS_AT", f"p{number % 4}")
        builder.edge(f"s{number}", "R7", f"p{(number + 1) % 4}")
    return builder.build()


def test_own_graphs_are_asked_about_themselves(own_graph):
    questions = questions_for(own_graph, np.random.default_rng(3), 40, dirt=0.0)
    assert len(questions) == 40
    asked = " ".join(question.question for question in questions)
    for words in ("owned by", "call at", "tonnage"):
        assert words in asked, words
    assert "R7" not in asked
    for question in questions:
        if question.is_answerable:
            assert not execute(question.plan, own_graph).is_empty


def test_own_graphs_are_asked_for_what_they_do_not_say(own_graph):
    nouns = {noun for _, said in untold(own_graph, lexicon_of(own_graph)) for noun in said.nouns}
    assert nouns >= {"price", "weight", "rating"}
    assert not nouns & {"tonnage", "year of construction"}


@pytest.mark.parametrize(
    ("label", "question"),
    [("born", "When was {x} born?"), ("died", "When did {x} die?"),
     ("opened", "When did {x} open?"),
     ("founded", "When was {x} founded?")],
)  # fmt: skip
def test_points_in_time_are_asked_for_by_their_verb(label, question):
    column = column_from_python(label, [0, 1], [1900, 1950], Kind.INTEGER)
    assert attribute_words(column).ask[0] == question


@pytest.mark.parametrize(
    ("label", "sentence"),
    [("works_for", "A works for B"), ("directed_by", "A was directed by B"),
     ("ownedBy", "A is owned by B"), ("LOCATED_IN", "A is located in B"),
     ("born in", "A was born in B"),
     ("/people/person/spouse", "A has B as its spouse"), ("capital of", "A is a capital of B"),
     ("part_of", "A is part of B"), ("discovered", "A discovered B")],
)  # fmt: skip
def test_labels_become_sentences(label, sentence):
    clause = relation_words(label).clauses[0]
    assert clause.statement(Phrase("A"), "B") == sentence


@pytest.mark.parametrize("label", ["R17", "P31", "rel 5", "of", "is"])
def test_labels_that_say_nothing_have_no_words(label):
    assert relation_words(label) is None


def test_a_glossary_gives_words_to_opaque_labels(own_graph):
    told = {"R7": "repaired_at"}
    questions = questions_for(own_graph, np.random.default_rng(3), 40, glossary=told)
    assert any('"R7"' in question.plan_text for question in questions)
    assert any("repaired at" in question.question for question in questions)


def test_a_graph_of_bare_triples_is_asked_too():
    rows = [(f"Drug {a}", "treats", f"Illness {b}") for a in "ABCDEF" for b in "XYZ" if a != b]
    rows += [(f"Drug {a}", "supplied_by", f"Firm {'MN'[i % 2]}") for i, a in enumerate("ABCDEF")]
    questions = questions_for(TextualGraph.from_triples(rows), np.random.default_rng(0), 20)
    assert len(questions) == 20
    assert {q.operation for q in questions} >= {"path", "count"}


def test_a_graph_that_says_nothing_gives_no_questions():
    graph = TextualGraph.from_triples([("a", "R1", "b"), ("b", "R2", "c")])
    assert questions_for(graph, np.random.default_rng(0), 5) == []


def test_namesakes_are_asked_for_together():
    builder = GraphBuilder()
    for key in ("1", "2"):
        builder.node(key, name="Arbel")
        builder.edge(key, "supplies", f"firm {key}")
    questions = questions_for(builder.build(), np.random.default_rng(0), 4, dirt=0.0)
    starts = [
        m.keys for q in questions for m in q.mentions if "Arbel" in q.question[m.start : m.end]
    ]
    assert starts
    assert set(starts) <= {("1", "2")}


def test_record_of_a_question_by_hand():
    plan = Count(Intersect(OfType("Ship"), Follow(Entities(("a",)), Step("owns"))))
    question = BuiltQuestion(question="How many ships does A own?", mentions=(), plan=plan,
                             answers=("2",), operation="count", hops=1, style="plain")  # fmt: skip
    assert question.plan_text == 'count(intersect(type("Ship"), follow(entities("a"), "owns")))'
    assert question.is_answerable
    assert BuiltQuestion.from_json(question.to_json()) == question
