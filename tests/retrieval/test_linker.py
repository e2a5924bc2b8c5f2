"""Names are found in questions as written, folded, misspelt, and by what points back."""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphllm.answer import Turn
from graphllm.graph import GraphBuilder
from graphllm.index import Names
from graphllm.retrieval.english import tokenize
from graphllm.retrieval.linker import Linker, Match, Span, name_like_spans, weight

NODES = {
    "k-film": "Paris",
    "k-city": "Paris",
    "k-small": "paris",
    "k-texas-film": "Paris, Texas",
    "k-texas": "Texas",
    "k-dollar": "$",
    "k-band": "AC/DC",
    "k-doc": "What's Up, Doc?",
    "k-71": "'71",
    "k-dan": "Dan O'Bannon",
    "k-acute": "Amélie",
    "k-bare": "Amelie",
    "k-poet": "Molière",
    "k-chris": "Christopher Nolan",
    "k-lee": "Christopher Lee",
    "k-hague": "The Hague",
    "k-rings": "The Lord of the Rings: The Two Towers",
    "k-towers": "The Two Towers",
    "k-cjk": "千と千尋",
}
IDS = {key: node for node, key in enumerate(NODES)}


@pytest.fixture(scope="module")
def linker():
    builder = GraphBuilder()
    for key, name in NODES.items():
        builder.node(key, name=name, aliases=["Chris Nolan"] if key == "k-chris" else [])
    builder.edge("k-chris", "knows", "k-lee")
    graph = builder.build()
    names = Names.build(graph)
    yield Linker(graph, names)
    names.close()


def linked(linker, question, history=()):
    """Return, per mention, its text, its nodes by key and how they match."""
    keys = list(NODES)
    return [
        (m.text, {keys[node] for node in m.nodes}, m.match)
        for m in linker.link(question, history).mentions
    ]


def test_as_written_goes_before_folded(linker):
    assert linked(linker, "who wrote Amelie")[0] == ("Amelie", {"k-bare"}, Match.EXACT)
    assert linked(linker, "who wrote Amélie")[0] == ("Amélie", {"k-acute"}, Match.EXACT)
    assert linked(linker, "who wrote AMELIE")[0] == ("AMELIE", {"k-acute", "k-bare"}, Match.FOLDED)
    assert linked(linker, "where is paris")[0] == ("paris", {"k-small"}, Match.EXACT)


def test_folded_goes_before_misspelt(linker):
    assert linked(linker, "who is moliere?")[0] == ("moliere", {"k-poet"}, Match.FOLDED)
    assert linked(linker, "who is Moliére?")[0][2] is Match.FOLDED
    assert linked(linker, "who is Moliere Nolan") == [("Moliere", {"k-poet"}, Match.FOLDED)]


def test_a_misspelt_name_is_found_where_nothing_else_is(linker):
    assert linked(linker, "who knows Cristopher Nolan?")[0] == (
        "Cristopher Nolan",
        {"k-chris"},
        Match.FUZZY,
    )
    assert linked(linker, "who knows christofer nolan")[0][1] == {"k-chris"}


def test_a_misspelt_name_is_found_beside_another_name(linker):
    found = linked(linker, "did Cristopher Nolan live in Texas")
    texas = ("Texas", {"k-texas"}, Match.EXACT)
    assert found == [("Cristopher Nolan", {"k-chris"}, Match.FUZZY), texas]
    assert linked(linker, "did christofer nolan live in Texas") == [texas]


def crowded(*names):
    builder = GraphBuilder()
    for number, name in enumerate(names):
        builder.node(str(number), name=name)
    builder.edge("0", "knows", "1")
    graph = builder.build()
    return Linker(graph, Names.build(graph))


def test_words_like_of_the_are_no_names_beside_one():
    linker = crowded("Carla Rossi", "the", "Of", "who", "Of the", "The", "It")
    found = [m.text for m in linker.link("who is the sister of the man Carla Rossi").mentions]
    assert found == ["Carla Rossi"]
    assert [m.text for m in linker.link("who starred in It with Carla Rossi").mentions] == [
        "Carla Rossi",
        "It",
    ]
    assert linker.link("who is of the man").mentions


def test_a_misspelt_name_may_be_that_of_several():
    linker = crowded("Maria Olsen", "Maria Olsen", "Mario Olsson", "Maria Olsen")
    best = linker.link("who knows Maria Olesn").mentions[0]
    assert (best.nodes, best.match) == ((0, 1, 3), Match.FUZZY)


def test_better_matches_have_higher_quality(linker):
    exact, folded, fuzzy = (
        linker.link(f"who is {name}?").mentions[0].quality
        for name in ("Christopher Nolan", "christopher nolan", "Kristopher Nolan")
    )
    assert 1 >= exact > folded > fuzzy > 0


def test_half_a_name_may_mean_any_that_has_it(linker):
    named = [nodes for _, nodes, _ in linked(linker, "who knows Christopher?")]
    assert named == [{"k-chris"}, {"k-lee"}]


def test_homonyms_are_kept_apart_later(linker):
    assert linked(linker, "who directed Paris?")[0] == ("Paris", {"k-film", "k-city"}, Match.EXACT)


def test_the_longest_name_comes_first(linker):
    texts = [text for text, _, _ in linked(linker, "who directed Paris, Texas?")]
    assert texts[0] == "Paris, Texas"
    assert set(texts) == {"Paris, Texas", "Paris", "Texas"}
    longest = linked(linker, "who made The Lord of the Rings: The Two Towers")[0]
    assert longest == ("The Lord of the Rings: The Two Towers", {"k-rings"}, Match.EXACT)


@pytest.mark.parametrize(
    ("question", "text", "key"),
    [
        ("Who likes $ most?", "$", "k-dollar"),
        ("Who plays in AC/DC?", "AC/DC", "k-band"),
        ("who plays in ac dc", "ac dc", "k-band"),
        ("Who directed What's Up, Doc?", "What's Up, Doc", "k-doc"),
        ("Did he like What's Up, Doc?, and why?", "What's Up, Doc", "k-doc"),
        ("Who directed Whats Up Doc?", "Whats Up Doc", "k-doc"),
        ("Who starred in '71?", "71", "k-71"),
        ("Is Dan O\u2019Bannon alive?", "Dan O\u2019Bannon", "k-dan"),
        ("Dan O'Bannon's films", "Dan O'Bannon", "k-dan"),
        ("where is Hague", "Hague", "k-hague"),
        ("千と千尋", "千と千尋", "k-cjk"),
        ("who is Chris Nolan", "Chris Nolan", "k-chris"),
        ("who is k-hague", "k-hague", "k-hague"),
    ],
)
def test_names_with_signs_aliases_and_keys(linker, question, text, key):
    best = linked(linker, question)[0]
    assert (best[0], best[1]) == (text, {key})


def test_an_alias_weighs_less_than_the_name(linker):
    alias = linker.link("who is chris nolan").mentions[0]
    name = linker.link("who is christopher nolan").mentions[0]
    assert alias.match is name.match is Match.FOLDED
    assert alias.quality < name.quality


def test_near_misses_are_told_where_nothing_is_named(linker):
    seeds = linker.link("who is Christian Nolte?")
    assert "Christopher Lee" in seeds.near_misses
    assert linker.link("who is Christopher Nolan?").near_misses == ()
    assert linker.link("who is Xq Zzyzx?").near_misses == ()


NOLAN = Turn(question="who made it?", entities=("Christopher Nolan",), focus=("k-texas-film",))
BOTH = Turn(
    question="who?", entities=("Christopher Nolan", "Christopher Lee"), focus=("k-texas-film",)
)


def pointed_at(linker, question, *history):
    """Return the nodes that pronouns point at, best first."""
    keys = list(NODES)
    return [
        [keys[node] for node in m.nodes]
        for m in linker.link(question, history).mentions
        if m.match is Match.HISTORY
    ]


def test_a_singular_pronoun_is_the_single_answer_or_else_what_was_asked_about(linker):
    unsaid = Turn(question="Nolan?", entities=NOLAN.entities, focus=NOLAN.focus)
    assert pointed_at(linker, "where was he born?", unsaid) == [["k-chris"], ["k-texas-film"]]
    assert pointed_at(linker, "where was he born?", NOLAN) == [["k-chris"]]  # the film is an "it"
    assert pointed_at(linker, "who wrote it?", BOTH) == [["k-texas-film"]]


def test_a_plural_pronoun_is_all_answers(linker):
    assert pointed_at(linker, "where were they born?", BOTH) == [["k-chris", "k-lee"]]
    nothing = Turn(question="who?", focus=("k-texas-film",))
    assert pointed_at(linker, "what are their names?", nothing) == [["k-texas-film"]]


def test_the_last_turn_counts(linker):
    assert pointed_at(linker, "who is she?", BOTH, NOLAN)[0] == ["k-chris"]


def test_pronouns_point_at_nothing_without_a_history(linker):
    assert pointed_at(linker, "who wrote it?") == []
    assert pointed_at(linker, "who wrote it?", Turn(question="?", focus=("gone",))) == []


HOSTILE = [
    "Paris " * 1700,
    "a" * 10_000,
    "\x00\x01\x1b[2J\x7f",
    "?!?! ... ,,, ---",
    "\u0301\u0302",  # accents alone fold to nothing
    "\u200b\u202e",
    "\ud800 lone surrogate",
    '\'; DROP TABLE form; -- "*" NEAR(a b)',
    "%_%",
    "",
]


@pytest.mark.parametrize("question", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_input_links_to_something_or_nothing_in_time(linker, question):
    start = time.process_time()
    seeds = linker.link(question)
    assert time.process_time() - start < 5
    assert len(seeds.mentions) <= 12
    assert all(m.nodes and 0 <= m.quality <= 1 for m in seeds.mentions)
    json.dumps([m.text for m in seeds.mentions])


@given(st.text(max_size=80))
@example("it \x00 Paris")
@example(":\x1b\x00")
def test_mentions_stand_in_the_question_and_name_nodes(linker, question):
    seeds = linker.link(question, [NOLAN])
    for mention in seeds.mentions:
        assert 0 <= mention.span.first < mention.span.last <= len(seeds.tokens)
        assert mention.text in question
        assert set(mention.nodes) <= set(IDS.values())


@given(st.sampled_from(sorted(NODES.values())), st.sampled_from(["who is {}?", "{}", "{} and {}"]))
def test_every_name_is_found_as_written(linker, name, frame):
    found = linker.link(frame.replace("{}", f" {name} ")).mentions
    named = {NODES[key] for m in found for key, node in IDS.items() if node in m.nodes}
    assert name in named


def test_linking_twice_gives_the_same(linker):
    question = "Did Christopher Nolan see Paris, Texas in Paris?"
    assert linker.link(question) == linker.link(question)


def test_stretches_that_look_like_names():
    assert name_like_spans(tokenize("does Bo know Ada Lovelace")) == [Span(1, 2), Span(3, 5)]
    assert name_like_spans(tokenize("")) == []


def test_names_weigh_more_than_common_words():
    tokens = tokenize("does the girl know Ada of Ulm")
    name, common, function = (weight(s, tokens) for s in (Span(4, 7), Span(2, 3), Span(0, 2)))
    assert name > common > function > 0


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("who knows christpoher nolan beside Texas?", "Christopher Nolan"),
        ("What is Texsa?", "Texas"),
        (
            "Who made The Lord of the Rinsg: The Two Towers?",
            "The Lord of the Rings: The Two Towers",
        ),
        ("Christofher Lee films", "Christopher Lee"),
        ("who is the sister of mollière?", "Molière"),
    ],
)
def test_a_slip_hides_no_name(linker, question, name):
    best = linker.link(question).mentions
    assert [linker.view.names[n] for m in best for n in m.nodes if m.quality > 0.85][:1] == [name]


def test_a_number_that_is_another_is_no_slip():
    linker = crowded("Engine 4711", "Order 4712")
    assert linker.link("where is Engnie 4711?").mentions[0].nodes == (0,)
    assert all(m.quality < 0.85 for m in linker.link("where is Engnie 4713?").mentions)


def test_a_slip_that_may_mean_several_is_less_sure():
    linker = crowded("Marlon", "Marion", "Peter")
    unsure = linker.link("who knows Maron").mentions
    assert {m.nodes for m in unsure[:2]} == {(0,), (1,)}
    assert unsure[0].quality < linker.link("who knows Petter").mentions[0].quality


def test_part_of_a_name_may_be_misspelt():
    linker = crowded("Albert Einstein", "Niels Bohr")
    mention = linker.link("Who taught Einstien?").mentions[0]
    assert (mention.nodes, mention.match) == ((0,), Match.PARTIAL)


def test_forms_of_english_words_are_no_slips():
    linker = crowded("River", "Stable", "Ada")
    assert [m.nodes for m in linker.link("which rivers are stables of Ada").mentions] == [(2,)]


def test_names_of_several_words_read_as_if_written_with_capitals(linker):
    texts = [[t.text for t in linker.link(q).tokens] for q in ("is CHRISTOPHER nolan in?",)]
    assert texts == [["is", "Christopher", "Nolan", "in"]]
