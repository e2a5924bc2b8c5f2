"""Teaching a graph whose labels say nothing, and taking it back."""

import threading

import pytest

from graphllm import GraphQA, TextualGraph
from graphllm.errors import ConfigError, DataError
from graphllm.index import GraphIndex, Names
from graphllm.testing import ScriptedLLM
from tests.retrieval.worlds import encoder

ROWS = """Arbel|R1|Bolt AG
Arbel|R1|Cato Ltd
Duro|R1|Bolt AG
Arbel|R2|Vienna
Bolt AG|R2|Graz
Cato Ltd|R2|Vienna
Ada Novak|R3|Arbel
Ben Ruiz|R3|Bolt AG
Cy Odum|R3|Arbel
Ada Novak|R4|Ben Ruiz
Cy Odum|R4|Ada Novak
Arbel|R5|Zed Press
Duro|R5|Arbel
Vienna|R6|Austria
Graz|R6|Austria
Ada Novak|R7|Graz
Ben Ruiz|R7|Vienna
Cy Odum|R7|Graz
Arbel|R8|steel
Duro|R8|copper
Bolt AG|R9|1987
Arbel|R9|1990
Duro|R9|1970"""
TRIPLES = [tuple(row.split("|")) for row in ROWS.splitlines()]
LESSONS = {
    "R1": "supplies",
    "R2": "headquartered in",
    "R3": "works for",
    "R4": "reports to",
    "R5": "owns",
    "R6": "located in",
    "R7": "born in",
    "R8": "produces",
    "R9": "founded in",
}
ASKED = {
    "Who supplies Bolt AG?": {"Arbel", "Duro"},
    "What does Arbel supply?": {"Bolt AG", "Cato Ltd"},
    "Which companies are headquartered in Vienna?": {"Arbel", "Cato Ltd"},
    "Who works for Arbel?": {"Ada Novak", "Cy Odum"},
    "Who is the boss of Ada Novak?": {"Ben Ruiz"},
    "Who does Ada Novak report to?": {"Ben Ruiz"},
    "Who reports to Ada Novak?": {"Cy Odum"},
    "Who owns Arbel?": {"Duro"},
    "Where was Ada Novak born?": {"Graz"},
    "Who was born in Graz?": {"Ada Novak", "Cy Odum"},
    "What does Duro produce?": {"copper"},
    "Who makes steel?": {"Arbel"},
    "When was Arbel founded?": {"1990"},
    "What was founded in 1987?": {"Bolt AG"},
    "Where are the employees of Arbel born?": {"Graz"},
    "How many companies does Arbel supply?": {"2"},
}


def asked_of(graph, **options):
    return GraphQA(graph, Names.build(graph), encoder(), **options)


def opaque():
    return asked_of(TextualGraph.from_triples(TRIPLES))


def right(qa):
    return {q for q, gold in ASKED.items() if set(qa.ask(q).entities) == gold}


@pytest.mark.slow
def test_an_opaque_graph_is_answered_as_one_with_telling_labels():
    qa = opaque()
    assert len(right(qa)) < 4
    for relation, phrase in LESSONS.items():
        qa.teach(f'{relation} means "{phrase}"')
    told = [(head, LESSONS[relation], tail) for head, relation, tail in TRIPLES]
    telling = asked_of(TextualGraph.from_triples(told))
    assert right(qa) >= right(telling)
    assert len(right(qa)) >= 14


def test_a_lesson_holds_at_once_and_until_it_is_taken_back():
    qa = opaque()
    chat, other = qa.chat(), qa.chat()
    question = "Who supplies Bolt AG?"
    assert not chat.ask(question)
    number = qa.teach('R1 means "supplies"')
    for conversation in (chat, other):
        answer = conversation.ask(question)
        assert set(answer.entities) == {"Arbel", "Duro"}
        assert "whose 'supplies' is Bolt AG" in answer.plan.words
        assert answer.plan.text == 'follow(entities("Bolt AG"), ~"R1")'  # the graph's own label
    assert qa.forget(number) == 'R1 means "supplies"'
    assert not chat.ask(question)
    qa.undo()
    assert chat.ask(question)
    assert not qa.undo().startswith("that")
    assert not qa.taught
    assert not chat.ask(question)


def test_a_phrase_from_tail_to_head():
    qa = opaque()
    qa.teach('~R5 means "owned by"')
    assert qa.ask("Who owns Arbel?").entities == ("Duro",)
    qa.teach('~R4 means "boss"')
    assert qa.ask("Who is the boss of Ben Ruiz?").entities == ("Ada Novak",)


def test_several_phrases_for_one_relation_all_count():
    qa = opaque()
    for phrase in ("supplies", "mentors"):
        qa.teach(f'R1 means "{phrase}"')
    for question in ("Who supplies Cato Ltd?", "Who mentors Cato Ltd?", "mentor of Cato Ltd"):
        assert qa.ask(question).entities == ("Arbel",), question


def test_an_alias_is_used_in_the_same_conversation():
    qa = opaque()
    qa.teach('R1 means "supplies"')
    chat = qa.chat()
    assert not chat.ask("Who supplies the Bolters?")
    qa.teach('"The Bolters" is "Bolt AG"')
    assert set(chat.ask("Who supplies the Bolters?").entities) == {"Arbel", "Duro"}
    assert set(chat.ask("who supplies THE BOLTERS").entities) == {"Arbel", "Duro"}


def test_what_is_said_of_a_node_uses_the_taught_words():
    qa = opaque()
    qa.teach('R8 means "produces"')
    assert "produces steel" in qa.ask("Tell me about Arbel.").text
    assert "no 'produces'" not in qa.ask("What does Arbel produce?").text


@pytest.mark.slow
def test_suggestions_speak_in_the_taught_words():
    qa = opaque()
    assert not any("steel" in q for q in qa.suggest(20) if not q.startswith(("Tell", "How")))
    qa.teach('R8 means "produces"')
    assert "What produces steel?" in qa.suggest(20)


def test_an_attribute_can_be_taught():
    import networkx as nx

    graph = nx.DiGraph()
    for name, value in (("Arbel", 30), ("Duro", 70)):
        graph.add_node(name, x7=value)
    graph.add_edge("Arbel", "Duro", relation="knows")
    qa = GraphQA.from_graph(graph)
    assert not qa.ask("What is the population of Duro?")
    qa.teach('x7 means "population"')
    assert qa.ask("What is the population of Duro?").entities == ("70",)


def test_several_are_learnt_or_none():
    qa = opaque()
    with pytest.raises(ConfigError, match="R77"):
        qa.teach_many(['R1 means "supplies"', 'R77 means "supplies"'])
    assert not qa.taught
    assert qa.teach_many(['R1 means "supplies"', 'R2 means "seat"']) == (1, 2)
    assert qa.teach_many([]) == ()


def test_what_is_unknown_is_refused_and_nothing_is_kept():
    qa = opaque()
    with pytest.raises(ConfigError, match="no relation or attribute is called 'R77'"):
        qa.teach('R77 means "supplies"')
    with pytest.raises(ConfigError, match="nothing of number 4 was taught; there is nothing"):
        qa.forget(4)
    with pytest.raises(ConfigError, match="nothing to take back"):
        qa.undo()
    assert not qa.taught


def write(path, triples):
    path.write_text("".join(",".join(row) + "\n" for row in triples), "utf-8")


@pytest.mark.slow
def test_lessons_of_a_file_outlast_a_change_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLLM_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "parts.csv"
    write(path, TRIPLES)
    GraphQA.from_file(path).teach('R1 means "supplies"')
    write(path, [*TRIPLES, ("Zed Press", "R1", "Cato Ltd")])
    for cache in (True, False):
        found = GraphQA.from_file(path, cache=cache).ask("Who supplies Cato Ltd?").entities
        assert set(found) == {"Arbel", "Zed Press"}
    write(path, [row for row in TRIPLES if row[1] != "R1"])
    qa = GraphQA.from_file(path)  # what was taught of R1 now says nothing, and harms nothing
    assert str(qa.taught) == '1. R1 means "supplies"'
    assert not qa.ask("Who supplies Cato Ltd?")


def test_lessons_of_an_index_lie_in_it(tmp_path):
    folder = tmp_path / "parts.gllm"
    GraphIndex.build(TextualGraph.from_triples(TRIPLES), folder)
    for qa in (GraphQA.open(folder), GraphQA.from_file(folder)):
        qa.teach('R1 means "supplies"')
    assert len(GraphQA.from_graph(GraphIndex.open(folder)).taught.lessons) == 1
    (folder / "taught.jsonl").write_text("{}")
    with pytest.raises(DataError, match=r"taught.jsonl, line 1"):
        GraphQA.open(folder).ask("Who supplies Cato Ltd?")


@pytest.mark.slow
def test_another_program_learns_it_while_it_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLLM_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "parts.csv"
    write(path, TRIPLES)
    one, other = GraphQA.from_file(path), GraphQA.from_file(path)
    assert not other.ask("Who supplies Cato Ltd?")
    one.teach('R1 means "supplies"')
    assert other.ask("Who supplies Cato Ltd?").entities == ("Arbel",)


def test_threads_ask_while_one_teaches():
    qa = opaque()
    qa.teach('R8 means "produces"')
    found = []

    def ask():
        found.extend(qa.ask("What does Duro produce?").entities for _ in range(3))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for relation in ("R1", "R2", "R3"):
        qa.teach(f'{relation} means "{LESSONS[relation]}"')
    for thread in threads:
        thread.join()
    assert found == [("copper",)] * 9


def test_a_language_model_road_links_by_what_was_taught():
    model = ScriptedLLM(['{"answers": ["Graz"], "cites": [1], "abstain": null}'] * 2)
    graph = TextualGraph.from_triples(TRIPLES)
    qa = asked_of(graph, llm=model, retriever="khop")
    qa.teach('"The Bolters" is "Bolt AG"')
    found = qa.retrieve("Where are the Bolters?").nodes.tolist()
    assert "Bolt AG" in [graph.names[node] for node in found]
    first = qa.lm_reader
    assert qa.lm_reader is first
    qa.teach('R2 means "headquartered in"')
    assert qa.lm_reader is not first
