"""Lessons as people type them, and what they change in linking and planning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.errors import ConfigError
from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.graph.taught import Alias, Meaning, Taught
from graphllm.index import Names
from graphllm.retrieval.affinity import Affinity
from graphllm.retrieval.labels import LabelForm, label_form, turned
from graphllm.retrieval.lessons import read_lesson
from graphllm.retrieval.linker import Linker, Match
from graphllm.retrieval.schema import GraphSchema
from tests.retrieval.worlds import encoder


def graph():
    builder = GraphBuilder()
    builder.node("q1", name="International Business Machines", attributes={"a7": 3})
    builder.edge("q1", "R17", "Bolt AG")
    builder.edge("Bolt AG", "located in", "Graz")
    builder.edge("Bolt AG", "/org/seat", "Graz")
    builder.edge("Bolt AG", "/firm/seat", "Graz")
    return builder.build()


GRAPH = graph()
NAMES = Names.build(GRAPH)


def read(text):
    return read_lesson(text, GRAPH, NAMES)


@pytest.mark.parametrize(
    ("text", "lesson"),
    [
        ('R17 means "supplies"', Meaning("R17", "supplies")),
        ("r17 means supplies goods to", Meaning("R17", "supplies goods to")),
        ('"R17" means \'supplies\'', Meaning("R17", "supplies")),
        ('~R17 means "supplied by"', Meaning("R17", "supplied by", inverse=True)),
        ('~ "R17" means “supplied by”.', Meaning("R17", "supplied by", inverse=True)),
        ("located_in means is part of", Meaning("located in", "is part of")),
        ('a7 means "number of plants"', Meaning("a7", "number of plants")),
        ("R17 means is what means nothing", Meaning("R17", "is what means nothing")),
        ('"IBM" is "International Business Machines"', "IBM"),
        ("International Business Machines is IBM", "IBM"),
        ('IBM is "q1"', "IBM"),
        ('"The one that is big" is international business machines', "The one that is big"),
    ],
    ids=lambda x: str(x)[:40],
)  # fmt: skip
def test_what_is_taught(text, lesson):
    found = read(text)
    if isinstance(lesson, str):
        assert isinstance(found, Alias)
        assert (found.alias, found.keys) == (lesson, ("q1",))
    else:
        assert found == lesson


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "teaches nothing; say R17 means"),
        ("R17", "teaches nothing"),
        ("R17means supplies", "teaches nothing"),
        ('R18 means "x"', "no relation or attribute is called 'R18'; did you mean 'R17'"),
        ('zebra means "x"', "no relation or attribute is called 'zebra'$"),
        ('seat means "seat"', "several relations: '/org/seat', '/firm/seat'"),
        ('R17 means ""', "must mean something in words"),
        ('R17 means "123 - !"', "must mean something in words"),
        (f'R17 means "{"very " * 9}long"', "at most 8 words"),
        (f'R17 means "{"x" * 100}"', "80 characters"),
        ('R17 means "supplies" and more', "goes on after the quotes"),
        ('~a7 means "plants"', "an attribute, which has no other direction"),
        ('~R17 means "located in"', "cannot be turned round; say what R17 means from head to tail"),
        ('~"IBM" is "Bolt AG"', "~ stands before a relation"),
        ('"IBM" is "Bolt GA"', "neither 'IBM' nor 'Bolt GA' is a name .* mean 'Bolt AG'"),
        ('"bolt ag" is "Bolt AG"', "is a name of 'Bolt AG' in this graph already"),
        ('"?!" is "Bolt AG"', "a name has letters or digits"),
        (f'"{"x" * 300}" is "Bolt AG"', "at most 200 characters"),
        ("R17 means \x1b[31mred", r"characters that cannot be shown"),
        ("R17 means two\nlines", "characters that cannot be shown"),
        ("\udcff is Bolt AG", "characters that cannot be shown"),
    ],
    ids=lambda x: ascii(x)[:40],
)
def test_what_cannot_be_taught_says_why(text, says):
    with pytest.raises(ConfigError, match=says) as raised:
        read(text)
    assert "\x1b" not in str(raised.value)
    assert "\n" not in str(raised.value)


@given(st.text(max_size=60), st.sampled_from(["{}", "R17 means {}", "{} is Bolt AG", "~R17 {}"]))
def test_any_text_is_a_lesson_or_an_error(text, form):
    try:
        lesson = read(form.format(text))
    except ConfigError:
        return
    if not set("\"'`") <= set(text):  # with all three kinds of quotes there is none to put it in
        assert read(str(lesson)) == lesson


@pytest.mark.parametrize("phrase", ['A"', "owner's", '"A', "so `called`"])
def test_a_phrase_that_holds_quotes_is_read_again(phrase):
    lesson = Meaning("R17", phrase)
    assert read(str(lesson)) == lesson


def test_a_phrase_turned_round_says_the_same_and_turning_twice_leads_back():
    for label in ("supplied by", "supplier of", "supplier", "treats"):
        assert turned(label) != label
        assert label_form(turned(turned(label))) is label_form(label)
    assert label_form(turned("treats")) is LabelForm.PASSIVE
    assert turned("located in") == ""


def taught(*lessons):
    return Taught(dict(enumerate(lessons, start=1)))


def test_a_taught_phrase_comes_first_and_the_label_stays_a_phrase():
    lessons = taught(
        Meaning("R17", "supplies"),
        Meaning("R17", "suppliedBy", inverse=True),
        Meaning("a7", "size"),
    )
    schema = GraphSchema(GRAPH, lessons)
    assert schema.phrases[0] == ("supplies", "supplied", "r17")
    assert schema.labels == ("supplies", "located in", "seat", "seat", "size")
    assert schema.wording == {"R17": "supplies", "a7": "size"}


def test_what_was_taught_of_a_relation_that_is_gone_changes_nothing():
    schema = GraphSchema(GRAPH, taught(Meaning("R99", "supplies")))
    assert schema.labels == GraphSchema(GRAPH).labels


def test_every_phrase_counts_fully():
    """Each phrase gives the affinity that a graph with only that label gives."""
    lessons = taught(Meaning("R17", "supplies"), Meaning("R17", "mentor"))
    affinity = Affinity(GraphSchema(GRAPH, lessons), encoder())
    for word in ("supplies", "supplier", "mentor", "vendor", "teacher"):
        alone = []
        for phrase in ("supplies", "mentor"):
            triples = [("q1", phrase, "b"), ("b", "located in", "g"), ("b", "seat", "g")]
            schema = GraphSchema(TextualGraph.from_triples(triples))
            alone.append(Affinity(schema, encoder()).relations(word)[0])
        assert affinity.relations(word)[0] >= max(alone) - 0.05, word
    assert affinity.phrase("mentors", 0) == "mentor"
    assert affinity.phrase("supplier", 0) == "supplies"
    assert affinity.phrase("zebra", 0) == "supplies"
    assert Affinity(GraphSchema(GRAPH), encoder()).relations("mentor")[0] < 0.5


def test_a_relation_that_means_containment_is_one():
    assert GraphSchema(GRAPH).containments == [1]
    assert GraphSchema(GRAPH, taught(Meaning("R17", "part of"))).containments == [0, 1]
    assert GraphSchema(GRAPH, taught(Meaning("R17", "married to"))).is_symmetric(0)


def linked(text, *lessons):
    linker = Linker(GRAPH, NAMES, taught=taught(*lessons))
    return {(m.text, m.match, m.nodes) for m in linker.link(text).mentions}


def test_an_alias_names_its_node_as_written_and_folded():
    ibm = Alias("Big Blue", "International Business Machines", ("q1",))
    assert not linked("What does Big Blue make?")
    assert ("Big Blue", Match.EXACT, (0,)) in linked("What does Big Blue make?", ibm)
    assert ("big-blue", Match.FOLDED, (0,)) in linked("what does big-blue make?", ibm)


def test_an_alias_longer_than_every_name_is_found():
    name = "the very large firm that makes very many machines"
    found = linked(f"Who owns {name}?", Alias(name, "q1", ("q1",)))
    assert (name, Match.EXACT, (0,)) in found


def test_a_name_that_is_taught_for_another_node_means_both():
    found = linked("Where is Bolt AG?", Alias("Bolt AG", "q1", ("q1",)))
    assert any(nodes == (0, 1) for _, _, nodes in found)


def test_an_alias_of_what_is_gone_names_nothing():
    assert not linked("What does Big Blue make?", Alias("Big Blue", "x", ("gone",)))
