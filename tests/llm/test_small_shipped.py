"""What ships as graphllm-small reads facts and answers with references."""

import numpy as np
import pytest

from graphllm import GraphQA, TextualGraph
from graphllm.llm.small import fast_tokenizer
from graphllm.llm.small.shipped import SHIPPED
from graphllm.llm.small.storage import load_small
from graphllm.questions import HELD_OUT, generate, sampler_of, schemas
from graphllm.train.small import tokenized
from graphllm.train.small_examples import facts_of, of_graph
from graphllm.train.small_scores import scores_of

FILMS = TextualGraph.from_triples(
    [
        ("Alien", "directed by", "Ridley Scott"),
        ("Alien", "starring", "Sigourney Weaver"),
        ("Heat", "directed by", "Michael Mann"),
        ("Ridley Scott", "born in", "South Shields"),
        ("Michael Mann", "born in", "Chicago"),
    ]
)


def num_pieces(text):
    return len(fast_tokenizer().encode(text, add_special_tokens=False).ids)


@pytest.fixture(scope="module")
def qa():
    return GraphQA.from_graph(FILMS, llm="small")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who directed Alien?", ("Ridley Scott",)),
        ("Who directed Heat?", ("Michael Mann",)),
        ("Where was Michael Mann born?", ("Chicago",)),
        ("Where was the director of Alien born?", ("South Shields",)),
    ],
    ids=["one hop", "another", "of a person", "two hops"],
)
def test_it_answers_from_what_it_is_shown(qa, question, expected):
    answer = qa.ask(question)
    assert answer.entities == expected
    assert answer.citations


def test_it_declines_what_the_facts_do_not_say(qa):
    assert qa.ask("Who wrote the music of Heat?").abstained


@pytest.mark.slow
def test_it_reads_graphs_of_domains_that_it_was_not_trained_on():
    rng = np.random.default_rng(5)
    kept = [schema for schema in schemas() if schema.domain in HELD_OUT]
    small = load_small(SHIPPED).model.eval()
    examples = []
    for schema in kept[:4]:
        built = generate(schema, rng, num_nodes=60)
        asked = (facts_of(q, built.graph) for q in sampler_of(built, rng).questions(24))
        facts = filter(None, asked)
        examples += of_graph(built.graph, facts, rng, num_pieces, source=schema.domain)
    scores = scores_of(small, tokenized(examples), max_tokens=96)
    assert scores.num > 30
    assert scores.exact > 0.6
    assert scores.cited > 0.8
