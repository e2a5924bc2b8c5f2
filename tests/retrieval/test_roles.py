"""Grammar says which way a relation is walked where both its ends are alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.retrieval.english import tokenize
from graphllm.retrieval.linker import Span
from graphllm.retrieval.roles import LabelForm, Role, forward, label_form, names_other_end, role_of

ROLES = {
    ("who taught Ada", "taught"): Role.PATIENT,
    ("who did Ada teach", "teach"): Role.AGENT,
    ("who was taught by Ada", "taught"): Role.AGENT,
    ("Ada was taught by whom", "taught"): Role.PATIENT,
    ("the teacher of Ada", "teacher"): Role.POSSESSOR,
    ("who is Ada's teacher", "teacher"): Role.POSSESSOR,
    ("who taught the students of Ada", "taught"): Role.UNKNOWN,
    ("whom did Ada influence", "influence"): Role.AGENT,
    ("who influenced the Ada", "influenced"): Role.PATIENT,
}


@pytest.mark.parametrize(("question", "word"), ROLES)
def test_what_the_name_is_to_the_word(question, word):
    tokens = tokenize(question)
    texts = [t.text for t in tokens]
    at = texts.index("Ada")
    assert role_of(tokens, texts.index(word), Span(at, at + 1)) is ROLES[question, word]


WORDS = st.sampled_from(["who", "did", "was", "by", "of", "the", "'s", "taught", "teacher"])


@given(st.lists(WORDS, min_size=2))
def test_any_order_of_words_has_a_role(words):
    tokens = tokenize(" ".join(words))
    for position in range(1, len(tokens)):
        assert role_of(tokens, position, Span(0, 1)) in Role


FORMS = {
    "directed by": LabelForm.PASSIVE,
    "doctoral advisor": LabelForm.NOUN,
    "parent": LabelForm.NOUN,
    "won": LabelForm.ACTIVE,
    "wrote": LabelForm.ACTIVE,
    "born in": LabelForm.ACTIVE,
    "influenced": LabelForm.ACTIVE,
    "starred actors": LabelForm.NOUN,
}


@pytest.mark.parametrize("label", FORMS)
def test_how_a_label_reads(label):
    assert label_form(label) is FORMS[label]


@pytest.mark.parametrize(
    ("label", "word", "role", "expected"),
    [
        ("influenced", "influenced", Role.PATIENT, False),  # who influenced X
        ("influenced", "influence", Role.AGENT, True),  # who did X influence
        ("directed by", "directed", Role.PATIENT, True),  # who directed X
        ("directed by", "direct", Role.AGENT, False),  # what did X direct
        ("parent", "parents", Role.POSSESSOR, True),
        ("parent", "children", Role.POSSESSOR, False),
        ("parent", "sons", Role.POSSESSOR, False),
        ("owner", "owned", Role.AGENT, False),  # what X owned
        ("owner", "owns", Role.PATIENT, True),  # who owns X
        ("discovered", "discoverer", Role.POSSESSOR, False),
        ("spouse", "married", Role.PATIENT, None),
        ("won", "won", Role.UNKNOWN, None),
    ],
)
def test_which_way_a_relation_is_walked(label, word, role, expected):
    assert forward(label, word, role) is expected


@pytest.mark.parametrize(
    ("label", "word", "expected"),
    [
        ("parent", "children", True),
        ("child", "mother", True),
        ("parent", "father", False),
        ("capital", "city", False),
    ],
)
def test_whether_a_noun_names_the_other_end(label, word, expected):
    assert names_other_end(label, word) is expected
