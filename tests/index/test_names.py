"""Names are found as written, folded and misspelt, and nothing a person types is a query."""

import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import DataError, IndexDamagedError
from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.graph.folding import fold
from graphllm.index.names import COMPARED, Names, _sharing


def films():
    builder = GraphBuilder()
    builder.node("q1", name="The Matrix", aliases=["Matrix, The", "Die Matrix"])
    builder.node("q2", name="Matrix")
    builder.node("q3", name="Amélie", aliases=["Le Fabuleux Destin d'Amélie Poulain"])
    builder.node("q4", name="Christopher Nolan")
    builder.node("q5", name="Christopher Lee")
    builder.node("q6", name="$")
    builder.node("q7", name="The Lord of the Rings: The Fellowship of the Ring")
    builder.node("q8", name="amelie")
    builder.edge("q4", "knows", "q5")
    return builder.build()


@pytest.fixture(params=["memory", "file"])
def names(request, tmp_path):
    path = tmp_path / "names.sqlite" if request.param == "file" else None
    found = Names.build(films(), path)
    yield found
    found.close()


def test_exact_keeps_case_and_accents(names):
    assert names.exact("Amélie").tolist() == [2]
    assert names.exact("amelie").tolist() == [7]
    assert names.exact("Die Matrix").tolist() == [0]
    assert names.exact("q4").tolist() == [3]
    assert names.exact("nobody").tolist() == []


def test_folded_ignores_case_accents_and_punctuation(names):
    assert names.folded("AMELIE").tolist() == [2, 7]
    assert names.folded("matrix the").tolist() == [0]
    assert names.folded("$").tolist() == [5]
    assert names.folded("???").tolist() == []


def test_a_name_without_its_article_comes_after_the_name_itself(names):
    assert names.folded("matrix").tolist() == [1]
    assert names.folded("matrix", articles=True).tolist() == [1, 0]
    assert names.exact("lord of the rings the fellowship of the ring").tolist() == []


def test_folded_many_leaves_out_what_names_nothing(names):
    found = names.folded_many(["matrix", "who directed", "christopher lee", "matrix"])
    assert {text: nodes.tolist() for text, nodes in found.items()} == {
        "matrix": [1],
        "christopher lee": [4],
    }
    assert names.max_words == 10


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Chistopher Nolan", "Christopher Nolan"),
        ("Nolan, Christopher", "Christopher Nolan"),
        ("fellowship of the ring", "The Lord of the Rings: The Fellowship of the Ring"),
        ("ameli", "Amélie"),
        ("fabuleux destin amelie", "Le Fabuleux Destin d'Amélie Poulain"),
    ],
)
def test_fuzzy_forgives(names, typed, meant):
    best = names.fuzzy(typed)[0]
    assert best.name == meant
    assert 0.5 < best.score < 1


def test_fuzzy_gives_each_node_once_by_its_best_spelling(names):
    found = names.fuzzy("the matrix", limit=3)
    assert found[0] == (0, "The Matrix", 1.0)
    assert len({match.node for match in found}) == len(found) <= 3


@pytest.mark.parametrize(
    "typed", ["", " ", '"', '") OR ("', "*", "NEAR(a b)", "a\0b", "\ud800", "'"]
)
def test_what_is_typed_is_never_a_query(names, typed):
    assert names.exact(typed).tolist() == []
    assert names.folded(typed).tolist() == []
    assert names.folded_many([typed]) == {}
    assert isinstance(names.fuzzy(typed), list)


def test_long_texts_are_told_apart_only_when_exact():
    long = "word " * 200
    names = Names.build(TextualGraph.from_triples([(long + "one", "r", long + "two")]))
    assert names.exact(long + "two").tolist() == [1]
    assert names.folded(long.upper() + "TWO").tolist() == [0, 1]
    assert names.max_words == 20


TEXTS = st.text(alphabet="aAbé '\"-_.*0", max_size=6)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=12), TEXTS)
@settings(max_examples=60, deadline=None)
def test_same_as_comparing_every_name(triples, asked):
    graph = TextualGraph.from_triples(triples)
    names = Names.build(graph)
    every = list(enumerate(graph.names))
    same = [node for node, name in every if name == asked and name.strip()]
    assert names.exact(asked).tolist() == same
    if fold(asked):
        folded = [node for node, name in every if fold(name) == fold(asked)]
        assert names.folded(asked).tolist() == folded
    for match in names.fuzzy(asked, limit=3):
        assert graph.names[match.node] == match.name
        assert 0 <= match.score <= 1


def test_of_many_nodes_of_one_name_as_many_are_read_as_asked_for():
    builder = GraphBuilder()
    for number in range(9):
        builder.node(f"k{number}", name="John Smith" if number % 2 else "A. Smith")
    names = Names.build(builder.build())
    found = names.folded_many(["john smith", "a smith", "nobody"], limit=3)
    assert {text: nodes.tolist() for text, nodes in found.items()} == {
        "john smith": [1, 3, 5],
        "a smith": [0, 2, 4],
    }
    assert names.folded_many(["smith"], articles=True)["smith"].tolist() == [0, 2, 4, 6, 8]
    assert names.folded_many(["smith"], limit=3) == {}


FORMS = st.sets(st.integers(0, 900), min_size=1, max_size=40).map(sorted)


@given(st.lists(FORMS, min_size=1, max_size=6), st.data())
def test_forms_that_share_the_rarest_trigrams_come_first(postings, data):
    weights = data.draw(
        st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=len(postings), max_size=len(postings))
    )
    totals = Counter()
    for forms, weight in zip(postings, weights, strict=True):
        totals.update(dict.fromkeys(forms, weight))
    found = _sharing([np.array(forms, dtype=np.int32) for forms in postings], np.array(weights))
    expected = sorted(totals, key=lambda form: (-totals[form], form))
    assert found.tolist() == expected[:COMPARED]


def test_a_misspelt_name_is_found_in_a_crowd():
    rng = np.random.default_rng(0)
    first, last = ("Ann", "Bob", "Carl", "Dora", "Emil"), ("Holm", "Berg", "Lund", "Ek", "Dahl")
    crowd = [f"{rng.choice(first)} {rng.choice(last)}{n:03d}" for n in range(1_000)]
    graph = TextualGraph.from_triples([(name, "knows", "Dora Kellerman") for name in crowd])
    names = Names.build(graph)
    assert names.fuzzy("Dora Kelerman")[0].name == "Dora Kellerman"
    assert names.fuzzy(crowd[7][:-4] + crowd[7][-3:])[0].score > 0.9


def test_threads_may_share(names):
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(names.fuzzy, ["christofer nolan"] * 200)
        assert [matches[0].node for matches in found] == [3] * 200


def test_a_damaged_file_is_reported_as_one(tmp_path):
    path = tmp_path / "names.sqlite"
    Names.build(films(), path).close()
    path.write_bytes(b"\0" * 4096 + path.read_bytes()[4096:])
    with pytest.raises(IndexDamagedError, match="build the index again"):
        Names.open(path).folded("matrix")
    with pytest.raises(DataError, match="no such file"):
        Names.open(tmp_path / "other.sqlite")


@pytest.mark.slow
def test_many_names_are_found_quickly(tmp_path):
    rng = np.random.default_rng(0)
    syllables = ["ka", "ro", "mi", "ten", "sul", "vor", "lin", "da", "pe", "qua", "zo", "ni"]
    triples = [
        (" ".join("".join(rng.choice(syllables, 3)) for _ in range(3)), "r", "x")
        for _ in range(20_000)
    ]
    names = Names.build(TextualGraph.from_triples(triples), tmp_path / "names.sqlite")
    asked = [fold(head) for head, _, _ in triples[:60]]
    names.folded_many(asked)
    began = time.process_time()
    assert len(names.folded_many(asked)) == 60
    assert time.process_time() - began < 0.05  # about 0.002; comparing with each takes 0.1
    for head, _, _ in triples[:20]:
        assert names.fuzzy(head[:4] + "x" + head[5:])[0].name == head
    names.close()


WORDS = st.text(alphabet="abcæ", min_size=3, max_size=7)


def slips_by_hand(word):
    """Return what one slip past the first letter makes of ``word``, letter by letter."""
    letters = "abcæ"
    found = set()
    for i in range(1, len(word) + 1):
        found |= {word[:i] + letter + word[i:] for letter in letters}
        if i < len(word):
            found.add(word[:i] + word[i + 1 :])
            found |= {word[:i] + letter + word[i + 1 :] for letter in letters}
        if i < len(word) - 1:
            found.add(word[:i] + word[i + 1] + word[i] + word[i + 2 :])
    return found - {word}


@given(st.lists(WORDS, min_size=1, max_size=12), st.lists(WORDS, max_size=5))
@settings(max_examples=60, deadline=None)
def test_slips_are_the_words_one_edit_away(words, asked):
    kept = {word for word in words if len(word) >= 4}
    names = Names.build(TextualGraph.from_triples([(" ".join(words[:9]), "r", w) for w in words]))
    wanted = {}
    for word in asked:
        near = tuple(sorted(kept & slips_by_hand(word)))
        if near and word not in kept and len(word) >= 4:
            wanted[word] = near
    assert names.slips(asked) == wanted
    names.close()


def test_an_index_without_words_knows_no_slips(tmp_path):
    path = tmp_path / "names.sqlite"
    Names.build(films(), path).close()
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE word; DELETE FROM fact WHERE name = 'words'")
    connection.close()
    names = Names.open(path)
    assert names.slips(["christpoher"]) == {}
    names.close()
