"""Adapting the planner to a graph: what it learns from, what it is measured on, what is kept."""

import numpy as np
import pytest

from graphllm import GraphQA, TextualGraph
from graphllm.errors import ConfigError, DataError
from graphllm.graph.folding import fold
from graphllm.graph.taught import NOTHING_TAUGHT, Meaning, Taught
from graphllm.index import GraphIndex
from graphllm.query.plan import FactsOf
from graphllm.questions import curriculum
from graphllm.retrieval.adapted import adapted_report, adapted_scorer
from graphllm.tasks.adaptation import AdaptSettings, adapt_planner, built_halves

SMALL = AdaptSettings(minutes=0.01, num_train=60, num_held_out=12, seed=3)


@pytest.fixture(scope="module")
def graph():
    built, _ = next(curriculum(np.random.default_rng(5), 1, 1, num_nodes=90))
    return built.graph


def names_of(graph, questions):
    keys = {key for q in questions for mention in q.mentions for key in mention.keys}
    nodes = [graph.find_key(key) for key in keys]
    return {fold(graph.names[node]) for node in nodes if node is not None}


def test_the_halves_name_nothing_in_common_and_share_no_question(graph):
    settings = AdaptSettings(num_train=150, num_held_out=60)
    halves = built_halves(graph, NOTHING_TAUGHT, settings)
    assert len(halves.train) == 150
    assert len(halves.held_out) > 40
    assert names_of(graph, halves.train)
    assert not names_of(graph, halves.train) & names_of(graph, halves.held_out)
    asked = {q.question for q in halves.train}
    assert not asked & {q.question for q in halves.held_out}


def test_the_same_seed_builds_the_same_halves(graph):
    assert built_halves(graph, NOTHING_TAUGHT, SMALL) == built_halves(graph, NOTHING_TAUGHT, SMALL)
    other = AdaptSettings(num_train=60, num_held_out=12, seed=4)
    assert built_halves(graph, NOTHING_TAUGHT, other) != built_halves(graph, NOTHING_TAUGHT, SMALL)


def opaque():
    triples = [(f"Firm {i}", "R1", f"Shop {i % 7}") for i in range(40)]
    return TextualGraph.from_triples(triples)


def test_labels_that_say_nothing_are_asked_for_with_every_phrase_that_was_taught():
    with pytest.raises(DataError, match="say what they mean: graphllm teach"):
        built_halves(opaque(), NOTHING_TAUGHT, SMALL)
    lessons = {1: Meaning("R1", "supplies"), 2: Meaning("R1", "vendor", inverse=True)}
    halves = built_halves(opaque(), Taught(lessons), AdaptSettings(num_train=80, num_held_out=10))
    asked = " ".join(q.question for q in halves.train)
    assert "suppl" in asked
    assert "vendor" in asked
    steps = [q for q in halves.train if q.plan is not None and not isinstance(q.plan, FactsOf)]
    assert steps
    assert all("R1" in q.plan_text for q in steps)


@pytest.mark.parametrize(
    "settings",
    [{"minutes": 0.0}, {"minutes": 1e9}, {"num_train": 0}, {"num_held_out": 0}, {"seed": -1}],
    ids=str,
)
def test_settings_out_of_range(settings):
    with pytest.raises(ConfigError, match="must be"):
        AdaptSettings(**settings)


def test_a_graph_in_memory_keeps_nothing(graph):
    with pytest.raises(ConfigError, match="say where with out="):
        adapt_planner(GraphQA.from_graph(graph), SMALL)


@pytest.fixture
def qa(graph, tmp_path):
    GraphIndex.build(graph, tmp_path / "firms.gllm")
    return GraphQA.open(tmp_path / "firms.gllm")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_weights_are_kept_when_no_fewer_are_right(qa, tmp_path):
    stages = []
    found = adapt_planner(
        qa, SMALL, out=tmp_path / "out", progress=lambda *told: stages.append(told)
    )
    report = found.to_dict()
    assert report["before"]["n"] == report["after"]["n"] == len(found.asked) >= 8
    assert found.is_kept == (found.after.sum() >= found.before.sum())
    assert found.num_steps >= 5
    assert found.difference.value == pytest.approx(found.after.mean() - found.before.mean())
    assert sum(before.n for before, _ in found.by_kind.values()) == len(found.asked)
    assert (tmp_path / "out" / "adapter.safetensors").is_file()
    assert {stage for stage, _, _ in stages} == {
        "building questions", "asking before", "training", "asking after",
    }  # fmt: skip
    pointer = qa.kept.planner
    assert (adapted_report(pointer) == report) == found.is_kept
    assert (adapted_scorer(pointer) is not None) == found.is_kept
    left = [path for path in pointer.parent.iterdir() if path.name.startswith(".adapting")]
    assert left == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_weights_are_in_force_only_where_they_do_no_harm(qa):
    ruinous = AdaptSettings(minutes=0.01, num_train=60, num_held_out=24, learning_rate=0.5)
    found = adapt_planner(qa, ruinous)
    assert found.is_kept == (found.after.sum() >= found.before.sum())
    assert (adapted_scorer(qa.kept.planner) is not None) == found.is_kept


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_an_interrupt_in_training_goes_on_with_what_was_learnt(qa):
    def interrupt(stage, done, total):
        if stage == "training" and done == 2 and total > 1:
            raise KeyboardInterrupt

    found = adapt_planner(qa, SMALL, progress=interrupt)
    assert found.is_interrupted
    assert found.num_steps == 2
    assert len(found.after) == len(found.asked)
