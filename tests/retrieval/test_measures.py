"""What comparisons and rankings measure."""

import numpy as np

from graphllm.query import Attribute, Reached, Step
from tests.retrieval import worlds


def measures(world):
    return worlds.reader(world).planner.measures


def found(world, *cues, is_time=False):
    return [m.measure for m in measures(world).find(cues, is_time=is_time)]


def port(world, label, *, inverse=False):
    return 2 * measures(world).schema.labels.index(label) + inverse


def test_an_attribute_is_found_by_its_name_and_by_its_like():
    assert found("family", "population")[0] == Attribute("population")
    assert found("family", "inhabitants")[0] == Attribute("population")
    assert found("discoveries", "number", "atomic")[0] == Attribute("atomic_number")


def test_a_relation_to_years_measures_what_has_it():
    assert found("films", "released", is_time=True) == [Reached(Step("release year"))]


def test_a_time_needs_no_word_but_must_be_one():
    assert found("family", "whatever", is_time=True) == [Attribute("born")]
    assert found("family", "population", is_time=True) == [Attribute("born")]


def test_what_measures_nothing_is_not_found():
    assert found("films", "director") == []
    assert found("family") == []


def test_earlier_cues_count_more():
    one, other = (
        measures("family").find(cues, is_time=False)[0]
        for cues in (("population", "letters"), ("letters", "population"))
    )
    assert (one.measure, one.cue) == (Attribute("population"), "population")
    assert (other.measure, other.cue) == (Attribute("letters"), "letters")


def test_only_what_nodes_of_a_kind_have_measures_them():
    family = measures("family")
    all_of_them = family.find(("population", "born", "letters"), is_time=False)
    city, person = port("family", "born in"), port("family", "teacher")
    by_city, by_person = (family.of_kind(all_of_them, p) for p in (city, person))
    assert by_city is not None
    assert by_city.measure == Attribute("population")
    assert by_person is not None
    assert by_person.measure != Attribute("population")
    assert family.of_kind([], city) is None


def test_only_what_some_of_the_nodes_have_measures_them():
    family = measures("family")
    node = worlds.family().find_key("anna")
    populous = family.find(("population",), is_time=False)
    assert family.of_nodes(populous, [node]) is None
    assert family.of_nodes(populous, []) is None
    born = family.find(("born",), is_time=True)
    kept = family.of_nodes(born, np.array([node]).tolist())
    assert kept is not None
    assert kept.measure == Attribute("born")
