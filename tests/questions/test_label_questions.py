"""Labels of relations become questions that a person could have asked."""

import pytest

from graphllm.questions.label_questions import ask_heads, ask_tails

HEADS = [
    (("acted in", "The Matrix"), {}, "Who acted in The Matrix?"),
    (("directed", "Alien"), {}, "Who directed Alien?"),
    (("produced", "Alien"), {"kind": "studio"}, "What produced Alien?"),
    (("directed by", "John Wayne"), {}, "What was directed by John Wayne?"),
    (("influenced by", "Kant"), {"of_people": True}, "Who was influenced by Kant?"),
    (("located in", "Italy"), {}, "What is located in Italy?"),
    (("born in", "Paris"), {"of_people": True}, "Who was born in Paris?"),
    (("reports to", "Fuller"), {"of_people": True}, "Who reports to Fuller?"),
    (("part of", "physics"), {}, "What is part of physics?"),
    (("capital of", "France"), {}, "What is the capital of France?"),
    (("member of", "Abba"), {"of_people": True}, "Who is a member of Abba?"),
    (("orbits", "Jupiter"), {}, "What orbits Jupiter?"),
    (("wrote", "Emma"), {"of_people": True}, "Who wrote Emma?"),
    (("parent", "Marie"), {"of_people": True}, "Whose parent is Marie?"),
    (("genre", "Drama"), {"kind": "movie"}, "Which movies have the genre Drama?"),
    (("language", "French"), {"kind": "country"}, "Which countries have the language French?"),
    (("genre", "Drama"), {}, ""),
    (("ship via", "3"), {"kind": "order"}, ""),
    (("employee territories", "Ohio"), {"of_people": True}, ""),
    (("orders has", "tea"), {"kind": "shop"}, ""),
]
TAILS = [
    (("directed by", "Alien", "Scott"), {}, "Who directed Alien?"),
    (("written by", "Emma", "Austen"), {}, "Who wrote Emma?"),
    (("shown by", "Emma", "BBC"), {}, "Who was Emma shown by?"),
    (("born in", "Marie", "Warsaw"), {}, "Where was Marie born?"),
    (("born in", "Marie", "1867"), {}, "When was Marie born?"),
    (("worked at", "Marie", "Sorbonne"), {}, "Where did Marie work?"),
    (("acted in", "Keanu", "Matrix"), {}, "What did Keanu act in?"),
    (("discovered", "Marie", "radium"), {}, "What did Marie discover?"),
    (("follows", "Ada", "Bob"), {"of_people": True}, "Who does Ada follow?"),
    (("reports to", "Nancy", "Andrew"), {"of_people": True}, "Who does Nancy report to?"),
    (("part of", "optics", "physics"), {}, "What is optics part of?"),
    (("capital", "France", "Paris"), {}, "What is the capital of France?"),
    (("starred actors", "Heat", "x"), {}, "Who are the starred actors of Heat?"),
    (("tags", "Heat", "x"), {}, "What are the tags of Heat?"),
    (("ship via", "order 1", "x"), {}, ""),
]


@pytest.mark.parametrize(("given", "known", "question"), HEADS, ids=lambda x: str(x)[:25])
def test_asking_for_what_has_the_relation(given, known, question):
    assert ask_heads(*given, **{"of_people": False, **known}) == question


@pytest.mark.parametrize(("given", "known", "question"), TAILS, ids=lambda x: str(x)[:25])
def test_asking_for_what_it_leads_to(given, known, question):
    assert ask_tails(*given, **{"of_people": False, **known}) == question
