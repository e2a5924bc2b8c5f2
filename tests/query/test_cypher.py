import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphllm.errors import PlanError
from graphllm.query import (
    Attribute,
    Comparison,
    Condition,
    Degree,
    EdgeValues,
    Entities,
    Filter,
    Follow,
    Intersect,
    OfType,
    Reached,
    ShortestPath,
    Step,
    Subtract,
    TopK,
    Union,
    Values,
    to_cypher,
)
from tests.query.strategies import plans

many = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

FILMS = Follow(Entities(("Brad Pitt",)), Step("starred_actors", inverse=True))
START = "MATCH (n1) WHERE n1.key IN ['Brad Pitt']\nMATCH (n1)<-[:`starred_actors`]-(n2)\n"


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (
            Follow(FILMS, Step("directed_by")),
            "MATCH (n2)-[:`directed_by`]->(n3)\nRETURN DISTINCT n3.key AS key, n3.name AS name",
        ),
        (
            Filter(FILMS, Reached(Step("release_year")), Comparison.LESS, 2000),
            "WITH DISTINCT n2 WHERE EXISTS"
            " { MATCH (n2)-[:`release_year`]->(n3) WHERE toFloat(n3.name) < 2000 }\n"
            "RETURN DISTINCT n2.key AS key, n2.name AS name",
        ),
        (
            Filter(FILMS, Attribute("born"), Comparison.NOT_EQUALS, np.datetime64("1867-11-07")),
            "WITH DISTINCT n2 WHERE n2.`born` <> date('1867-11-07')\n"
            "RETURN DISTINCT n2.key AS key, n2.name AS name",
        ),
        (
            Subtract(FILMS, Follow(OfType("Genre"), Step("has_genre", inverse=True))),
            "WITH DISTINCT n2 WHERE NOT n2 IN COLLECT"
            " { MATCH (n3:`Genre`) MATCH (n3)<-[:`has_genre`]-(n4) RETURN DISTINCT n4 }\n"
            "RETURN DISTINCT n2.key AS key, n2.name AS name",
        ),
        (
            TopK(FILMS, Degree(Step("has_genre")), k=2),
            "WITH DISTINCT n2,"
            " COUNT { MATCH (n2)-[:`has_genre`]->(n3) RETURN DISTINCT n3 } AS value1\n"
            "WITH n2, max(value1) AS best WHERE best IS NOT NULL\n"
            "WITH n2, best ORDER BY best DESC\n"
            "WITH collect({node: n2, best: best}) AS rows1\n"
            "WITH rows1, coalesce(rows1[1], rows1[-1]).best AS last1\n"
            "UNWIND rows1 AS row1\n"
            "WITH row1 WHERE row1.best >= last1\n"
            "WITH row1.node AS n2\n"
            "RETURN DISTINCT n2.key AS key, n2.name AS name",
        ),
        (
            EdgeValues(FILMS, Step("won"), "year", Entities(("Oscar",))),
            "MATCH (n2)-[e2:`won`]->(n3)\n"
            "WITH DISTINCT e2, n3 WHERE e2.`year` IS NOT NULL AND n3.key IN ['Oscar']\n"
            "RETURN e2.`year`",
        ),
        (
            ShortestPath(FILMS, Intersect(OfType("Film"), OfType("Comedy")), 4, 2),
            "MATCH (n3) WHERE n3 IN COLLECT"
            " { MATCH (n4:`Film`) WITH DISTINCT n4 WHERE n4:`Comedy` RETURN DISTINCT n4 }\n"
            "MATCH path = allShortestPaths((n2)-[*..4]-(n3))\n"
            "RETURN path ORDER BY length(path) LIMIT 2",
        ),
    ],
)
def test_prints(plan, expected):
    assert to_cypher(plan) == START + expected


def test_union_and_values():
    assert to_cypher(Values(Union(OfType("Film"), OfType("Book")), "title")) == (
        "CALL {\n"
        "  MATCH (n1:`Film`)\n"
        "  RETURN n1 AS n3\n"
        "  UNION\n"
        "  MATCH (n2:`Book`)\n"
        "  RETURN n2 AS n3\n"
        "}\n"
        "WITH DISTINCT n3 WHERE n3.`title` IS NOT NULL\n"
        "RETURN n3.`title`"
    )


def outside_quotes(query):
    """What is left of a query without its string literals and its names in backticks."""
    return re.sub(r"'(?:[^'\\]|\\.)*'|`(?:[^`]|``)*`", "_", query)


@many
@given(plans)
def test_brackets_balance_outside_quotes(plan):
    """The attributes and relations that plans name here hold quotes, backticks and backslashes."""
    rest = outside_quotes(to_cypher(plan))
    assert not re.search(r"['`\"\\]", rest)
    for opening, closing in ("()", "[]", "{}"):
        assert rest.count(opening) == rest.count(closing)


@many
@given(st.text(st.characters(), min_size=1), st.text(st.sampled_from("'`\\u0060\n"), min_size=1))
def test_no_name_ends_its_quotes(one, two):
    for word in (one, two):
        condition = Condition(word, Comparison.EQUALS, word)
        walked = Follow(Entities((word,)), Step(word, condition=condition))
        query = to_cypher(Filter(walked, Attribute(word), Comparison.CONTAINS, word))
        assert outside_quotes(query) == (
            "MATCH (n1) WHERE n1.key IN [_]\n"
            "MATCH (n1)-[e1:_]->(n2) WHERE toLower(e1._) = toLower(_)\n"
            "WITH DISTINCT n2 WHERE toLower(n2._) CONTAINS toLower(_)\n"
            "RETURN DISTINCT n2.key AS key, n2.name AS name"
        )
        # decoded before it is parsed, as some versions do, it is still the same query
        decoded = re.sub(r"(?<!\\)\\u([0-9A-Fa-f]{4})", lambda m: chr(int(m[1], 16)), query)
        assert outside_quotes(decoded).count("`") == 0


def test_an_empty_name_is_refused():
    with pytest.raises(PlanError, match="no empty names"):
        to_cypher(OfType(""))
