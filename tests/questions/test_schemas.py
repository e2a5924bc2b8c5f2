"""The schemas that ship: valid, different, and with words enough."""

from collections import Counter

import numpy as np
import pytest

from graphllm.errors import DataError
from graphllm.questions import read_schemas, schemas
from graphllm.questions.inflect import read_verb
from graphllm.questions.names import invent, recipes

SCHEMAS = schemas()
RELATIONS = [(schema, relation) for schema in SCHEMAS for relation in schema.relations]


def test_there_are_many_schemas_of_many_domains():
    assert len(SCHEMAS) >= 60
    assert len({schema.domain for schema in SCHEMAS}) >= 25
    assert len(RELATIONS) >= 400


def test_no_two_schemas_are_the_same():
    names = Counter((schema.domain, schema.name) for schema in SCHEMAS)
    shapes = Counter(frozenset((r.head, r.name, r.tail) for r in s.relations) for s in SCHEMAS)
    assert max(names.values()) == 1
    assert max(shapes.values()) == 1


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda s: s.name)
def test_every_relation_has_words_both_ways(schema):
    for relation in schema.relations:
        words = relation.words
        of_tails = sum(c.subject == "t" for c in words.clauses) + len(words.tail_nouns)
        towards_tails = len(words.clauses) + len(words.tail_nouns) + len(words.ask_tails)
        towards_heads = len(words.clauses) + len(words.head_nouns) + len(words.ask_heads)
        where = (schema.name, relation.name)
        assert any(c.subject == "h" for c in words.clauses), where
        assert of_tails >= 1, where
        assert towards_tails >= 3, where
        if not words.symmetric:
            assert towards_heads >= 3, where
            assert words.ask_heads, where
            assert len(relation.labels) + len(relation.back) >= 5, where
        assert len(set(relation.labels)) == len(relation.labels) >= 2, where
        assert all("{h}" in question for question in words.ask_tails), where
        assert all("{t}" in question for question in words.ask_heads), where


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda s: s.name)
def test_every_kind_is_used_and_can_be_named(schema):
    ends = {end for relation in schema.relations for end in (relation.head, relation.tail)}
    assert len(schema.relations) >= 5
    assert len(ends) >= 4
    for kind in schema.kinds.values():
        assert kind.names in recipes(), kind.name
        assert kind.words.nouns, kind.name
        assert kind.num >= 2, kind.name


def test_attributes_say_what_they_promise():
    found = {a.name: a for s in SCHEMAS for k in s.kinds.values() for a in k.attributes}
    assert len(found) >= 80
    for name, attribute in found.items():
        words = attribute.words
        assert words.nouns, name
        assert attribute.range.labels, name
        assert all("{x}" in question for question in words.ask), name
        assert all("{v}" in said for said in (*words.more, *words.less)), name
        assert bool(words.most) == bool(words.least), name
        assert attribute.range.low <= attribute.range.high, name
        if attribute.range.kind == "text":
            assert attribute.range.values, name


def test_no_schema_is_about_film():
    said = [n for s in SCHEMAS for n in (s.domain, s.name, *s.kinds)]
    said += [label for _, r in RELATIONS for label in (*r.labels, *r.back, r.name)]
    words = {word for text in said for word in text.replace("_", " ").lower().split()}
    assert not words & {
        "film",
        "films",
        "movie",
        "movies",
        "director",
        "actor",
        "actress",
        "cinema",
    }


@pytest.mark.parametrize(
    ("form", "base"),
    [("supplies", "supply"), ("owned", "own"), ("located", "locate"), ("wrote", "write"),
     ("stopped", "stop"), ("visited", "visit"), ("acquired", "acquire"), ("passes", "pass"),
     ("orbits", "orbit"), ("is", "be"), ("controlled", "control"), ("created", "create")],
)  # fmt: skip
def test_base_forms(form, base):
    assert read_verb(form).base == base


def test_names_differ_and_repeat_with_the_generator():
    first, second = np.random.default_rng(3), np.random.default_rng(3)
    names = [invent("person", first) for _ in range(200)]
    assert names == [invent("person", second) for _ in range(200)]
    assert len(set(names)) > 190
    with pytest.raises(DataError, match="no recipe 'unicorns'"):
        invent("unicorns", first)


BROKEN = """
domain = "d"
[[schema]]
name = "s"
[schema.kinds]
a = {nouns = ["a"], names = "town", num = 3}
[[schema.relations]]
triple = "a likes a"
each = "1"
labels = ["likes"]
say = ["h likes t"]
"""


def test_a_schema_is_read():
    schema = read_schemas(BROKEN)[0]
    assert [r.name for r in schema.relations] == ["likes"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("h likes t", "h likes", "expected like 'h supplies t'"),
     ("a likes a", "a likes b", "expected a kind, a name and a kind"),
     ("num = 3", "num = true", None),
     ("num = 3", 'num = "x"', "whole number 'num'"),
     ('each = "1"', "", "expected text for 'each'"),
     ('num = 3', 'num = 3, attributes = ["colour of magic"]', "no attribute 'colour of magic'"),
     ("[[schema]]", "[[schem]]", "at least one")],
)  # fmt: skip
def test_a_broken_schema_says_where(old, new, message):
    text = BROKEN.replace(old, new)
    if message is None:
        assert read_schemas(text)
        return
    with pytest.raises(DataError, match=message) as caught:
        read_schemas(text, where="some.toml")
    assert str(caught.value).startswith("some.toml: ")
