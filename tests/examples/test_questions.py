"""Questions to the example graph whose answers anybody can look up."""

import pytest

from graphllm import GraphQA
from graphllm.examples import path

QUESTIONS = {
    # one hop, both ways
    "Who discovered penicillin?": {"Alexander Fleming"},
    "Where was Albert Einstein born?": {"Ulm"},
    "What did William Herschel discover?": {"Uranus"},
    "Who wrote On the Origin of Species?": {"Charles Darwin"},
    "Who was the doctoral advisor of Richard Feynman?": {"John Archibald Wheeler"},
    "Who invented the transistor?": {"John Bardeen", "Walter Brattain", "William Shockley"},
    "What is the capital of Denmark?": {"Copenhagen"},
    "Who was married to Enrico Fermi?": {"Laura Fermi"},
    "When was Marie Curie born?": {"1867-11-07"},
    # two hops
    "Where were the discoverers of radium born?": {"Warsaw", "Paris"},
    "Who discovered the elements named after Marie Curie?": {"Glenn Seaborg"},
    "Which country is the birthplace of Ernest Rutherford in?": {"New Zealand"},
    "Which books were written by the discoverers of the DNA double helix?": {"The Double Helix"},
    "What planet do the moons discovered by Galileo orbit?": {"Jupiter"},
    # three hops
    "Which country is the birthplace of the discoverer of penicillin in?": {"United Kingdom"},
    "Where was the doctoral advisor of Stephen Hawking's doctoral advisor born?": {"Bristol"},
    # counts, intersections, yes and no, superlatives, before and after
    "How many moons orbit Jupiter?": {"4"},
    "Who won both the Nobel Prize in Physics and the Nobel Prize in Chemistry?": {"Marie Curie"},
    "Did Alexander Fleming discover penicillin?": {"yes"},
    "Did Isaac Newton discover penicillin?": {"no"},
    "Which country has the largest population?": {"India"},
    "Which chemical element has the highest atomic number?": {"copernicium"},
    "Which books were published before 1600?": {"On the Revolutions of the Heavenly Spheres"},
}


@pytest.fixture(scope="module")
def qa():
    return GraphQA.from_file(path("discoveries"))


@pytest.mark.parametrize("question", QUESTIONS)
def test_answer(qa, question):
    answer = qa.ask(question)
    assert set(answer.entities) == QUESTIONS[question], answer
    assert answer.citations


@pytest.mark.parametrize(
    "question", ["Who discovered gravity waves?", "Who is the wife of Zaphod Beeblebrox?"]
)
def test_what_is_not_in_the_graph_is_not_answered(qa, question):
    assert qa.ask(question).abstained
