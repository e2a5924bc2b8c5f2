r"""Published and strict scores: 54 outputs worked out by hand, and both formulas written again.

Columns of the tables: what was said; the label, answers divided by "|"; the published scores; and
the strict ones: Hits@1, F1, and whether an answer stands in it as whole words.
"""

import json
import re
import string
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.evaluate import Compared, Example, Predicted, Published, PublishedPrompt, Suite, run
from graphllm.evaluate.graphqa_metrics import (
    answers_in,
    published_answers,
    published_choice,
    published_contains,
    published_scores,
    strict_answers,
    word_match,
)
from graphllm.evaluate.predictions import Prediction, read_predictions

CHOICE = [
    ("support", "support", 1, (1, 1, 1)),
    ("Support", "support", 1, (1, 1, 1)),
    ("SUPPORT", "support", 0, (1, 1, 1)),  # four spellings are looked for, this is none
    ("counter", "support", 0, (0, 0, 0)),
    ("Counter.", "counter", 1, (1, 1, 1)),
    ("They do not support but counter each other", "counter", 0, (0, 0, 1)),
    ("unsupported", "support", 1, (0, 0, 0)),
    ("A counterexample", "counter", 1, (0, 0, 0)),
    ("", "support", 0, (0, 0, 0)),
    ("I think they\nsupport", "support", 1, (0, 2 / 3, 1)),
    ("support|counter", "counter", 0, (0, 2 / 3, 1)),
    ("the support", "support", 1, (1, 1, 1)),
]

CONTAINS = [
    ("no", "no", 1, (1, 1, 1)),
    ("I am not sure", "no", 1, (0, 0, 0)),
    ("woman", "man", 1, (0, 0, 0)),
    ("a man", "man", 1, (1, 1, 1)),
    ("Man", "man", 0, (1, 1, 1)),
    ("yes", "no", 0, (0, 0, 0)),
    ("yes", "yes", 1, (1, 1, 1)),
    ("Yes, there is a dog", "yes", 0, (0, 0, 1)),
    ("yesterday", "yes", 1, (0, 0, 0)),
    ("red shirt", "red", 1, (0, 0, 1)),
    ("shredded", "red", 1, (0, 0, 0)),
    ("on the left", "left", 1, (0, 0, 1)),
    ("", "dog", 0, (0, 0, 0)),
    ("cafe\u0301", "caf\u00e9", 0, (1, 1, 1)),  # the same word in two encodings
    ("t shirt", "t-shirt", 0, (0, 0, 1)),
    ("dog\ndog\ndog", "dog", 1, (1, 1, 1)),
    ("the", "the", 1, (1, 1, 1)),  # nothing is left of it without articles
    ("dog\ncat", "cat", 1, (0, 2 / 3, 1)),
]

ANSWERS = [
    ("jamaican english|patois", "Jamaican English|Patois", (1, 1, 1, 1), (1, 1, 1)),
    ("Jamaican English", "Jamaican English|Patois", (1, 1 / 2, 1, 2 / 3), (1, 2 / 3, 1)),
    ("Jamaican English, Patois", "Jamaican English|Patois", (1, 1, 2, 4 / 3), (0, 0, 1)),
    ("Chadwick", "Chad", (1, 1, 1, 1), (0, 0, 0)),
    ("", "Chad", (0, 0, 0, 0), (0, 0, 0)),
    ("dunno", "!!!", (1, 1, 1, 1), (0, 0, 0)),  # the band: nothing is left of its name
    ("!!!", "!!!", (1, 1, 1, 1), (1, 1, 1)),
    ("The Who", "Who", (1, 1, 1, 1), (1, 1, 1)),
    ("Fido\n\nRex", "Fido|Rex", (1, 1, 2 / 3, 4 / 5), (1, 1, 1)),
    ("Fido|Fido|Fido|Rex", "Fido", (1, 1, 1 / 4, 2 / 5), (1, 2 / 3, 1)),
    ("Rex|Fido", "Fido", (1, 1, 1 / 2, 2 / 3), (0, 2 / 3, 1)),
    ("dc universe", "AC|DC", (1, 1 / 2, 1, 2 / 3), (0, 0, 1)),
    ("Z\u00fcrich", "Zurich", (0, 0, 0, 0), (0, 0, 0)),
    ("Z\u00dcRICH", "Z\u00fcrich", (1, 1, 1, 1), (1, 1, 1)),
    ("U.S.", "US", (1, 1, 1, 1), (1, 1, 0)),
    ("the music industry", "US", (1, 1, 1, 1), (0, 0, 0)),
    ("1987-06-24", "1987", (1, 1, 1, 1), (0, 0, 1)),
    ("\u201cHeat\u201d", "Heat", (1, 1, 1, 1), (0, 0, 1)),  # these quotes are not of ASCII
    ("new york city\nlondon", "New York|London|Paris", (1, 2 / 3, 1, 4 / 5), (0, 2 / 5, 1)),
    ("a|an|the", "Rex", (0, 0, 0, 0), (0, 0, 0)),
    ("\u6771\u4eac\u90fd", "\u6771\u4eac", (1, 1, 1, 1), (0, 0, 0)),
    ("Rex;Fido", "Rex|Fido", (1, 1, 2, 4 / 3), (0, 0, 1)),
    ("fido and rex\nrex and fido", "Rex|Rex", (1, 1, 1, 1), (0, 0, 1)),  # gold named twice
]


def strict_of(text, gold):
    found = strict_answers(answers_in(text), gold, text)
    return found.hits_at_1, found.f1, found.word_match


@pytest.mark.parametrize(("text", "label", "published", "strict"), CHOICE)
def test_choices_worked_out_by_hand(text, label, published, strict):
    assert published_choice(text, label) == published
    assert strict_of(text, [label]) == pytest.approx(strict)


@pytest.mark.parametrize(("text", "label", "published", "strict"), CONTAINS)
def test_parts_worked_out_by_hand(text, label, published, strict):
    assert published_contains(text, label) == published
    assert strict_of(text, [label]) == pytest.approx(strict)


@pytest.mark.parametrize(("text", "label", "published", "strict"), ANSWERS)
def test_answers_worked_out_by_hand(text, label, published, strict):
    assert published_answers(text, label.lower()) == pytest.approx(published)
    assert strict_of(text, label.split("|")) == pytest.approx(strict)


def test_a_bar_in_an_answer_is_two_answers_in_text_and_one_among_entities():
    assert published_answers("AC|DC", "ac|dc") == (1, 1, 1, 1)
    assert strict_of("AC|DC", ["AC|DC"]) == (0, 0, 1)
    assert strict_answers(["AC|DC"], ["AC|DC"]) == (1, 1, 1, 1, 1)


# Second implementations, letter by letter


def naive_plain(text):
    kept = "".join(c for c in text.lower() if c not in string.punctuation)
    words = re.split(r"\b(?:a|an|the)\b", kept)
    return " ".join(" ".join(words).split())


def naive_published(text, label):
    lines = [line for part in text.split("|") for line in part.split("\n")]
    answers = label.split("|")
    right = [a for a in answers if naive_plain(" ".join(lines)).find(naive_plain(a)) >= 0]
    precision, recall = len(right) / len(lines), len(right) / len(answers)
    total = precision + recall
    f1 = 2 * precision * recall / total if total else 0
    return (1 if right else 0), recall, precision, f1


def naive_form(name):
    composed = unicodedata.normalize("NFC", name).strip()
    return naive_plain(composed) or composed


def naive_strict(text, gold):
    said = []
    for line in re.split(r"[|\n]", text):
        if line.strip() and naive_form(line) not in said:
            said.append(naive_form(line))
    right = {naive_form(answer) for answer in gold}
    both = sum(answer in right for answer in said)
    if not both:
        return 0, 0
    precision, recall = both / len(said), both / len(right)
    return int(said[0] in right), 2 * precision * recall / (precision + recall)


texts = st.text(st.sampled_from("abehnot AT.,!'|\n\u00e9\u0301"), max_size=24)
names = st.text(st.sampled_from("abehnot AT.,!'\u00e9\u0301"), min_size=1, max_size=6)
golds = st.lists(names.filter(str.strip), min_size=1, max_size=3)


@given(texts, golds)
def test_published_scores_are_those_of_a_second_implementation(text, gold):
    label = "|".join(gold).lower()
    assert published_answers(text, label) == pytest.approx(naive_published(text, label))


@given(texts, golds)
def test_strict_scores_are_those_of_a_second_implementation(text, gold):
    hits_at_1, f1, _ = strict_of(text, gold)
    assert (hits_at_1, f1) == pytest.approx(naive_strict(text, gold))


@given(texts, golds)
def test_an_exact_first_answer_scores_no_less_by_the_published_measure(text, gold):
    found = strict_answers(answers_in(text), gold, text)
    assert all(0 <= value <= 1 for value in found)
    composed = unicodedata.normalize("NFC", text)
    if found.hits_at_1 and not any("|" in answer for answer in gold):
        label = unicodedata.normalize("NFC", "|".join(gold)).lower()
        assert published_answers(composed, label).hit == 1


@given(st.lists(st.sampled_from(["no", "not", "man", "woman", "a", "the"]), max_size=6))
def test_a_word_matches_when_it_is_one_of_the_words(words):
    for answer in ("no", "man"):
        assert word_match(" ".join(words), [answer]) == (answer in words)


# In a report


def suite_of(published, gold, label):
    example = Example(
        id=1,
        question="q",
        gold=gold,
        compared=Compared.NORMALIZED,
        prompt=PublishedPrompt("Context\n", "Question: q"),
        label=label,
        published=published,
        kind="count",
    )
    return Suite(name="s", split="all", examples=(example,), graph_path=Path("g"))


def test_a_report_has_both_scores_and_those_of_each_kind(tmp_path):
    said = Predicted(entities=("not sure",), text="I am not sure")
    suite = suite_of(Published.CONTAINS, ("no",), "no")
    means = run(suite, lambda _: said, out=tmp_path).means
    assert (means["published_accuracy"].value, means["hits_at_1"].value) == (1, 0)
    assert (means["word_match"].value, means["hits_at_1 of count"].n) == (0, 1)
    assert "hit" not in means
    (kept,) = read_predictions(tmp_path / "predictions.jsonl")
    assert (kept.example.published, kept.example.label) == (Published.CONTAINS, "no")
    assert kept.example.kind == "count"


def test_published_scores_read_all_that_was_said_or_else_the_entities():
    suite = suite_of(Published.ANSWERS, ("Rex", "Fido"), "rex|fido")
    (example,) = suite.examples
    told = published_scores(example, Predicted(entities=("x",), text="rex\nfido"))
    assert told == published_scores(example, Predicted(entities=("Rex", "Fido")))
    assert told["published_f1"] == 1
    assert suite_of(Published.CHOICE, ("counter",), "counter").examples[0].prompt.text == (
        "Context\nQuestion: q"
    )


def test_a_suite_without_publication_has_strict_scores_alone():
    example = Example(id=1, question="q", gold=("a",))
    assert published_scores(example, Predicted(entities=("a",))) == {}
    old = '{"id":1,"question":"q","gold":["a"],"entities":["a"],"topic":null,"linked":[],'
    old += '"gold_chain":null,"chain":null,"plan":"","confidence":1.0,"abstained":false,'
    old += '"seconds":0.0,"error":""}'
    assert Prediction.from_record(json.loads(old)).example.published is None
