"""Published data in the layout in which it is downloaded, on tiny files and on the real ones."""

import json

import numpy as np
import pytest

from graphllm.errors import DataError
from graphllm.query.plan import Step
from graphllm.questions import questions_for
from graphllm.questions.inventories import (
    codex,
    conceptnet,
    fb15k237,
    find_mention,
    simple_questions,
    webquestions,
)


def written(folder, **files):
    folder.mkdir()
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return folder.parent


def test_webquestions_takes_the_path_with_most_support(tmp_path):
    data = written(
        tmp_path / "webquestions",
        trainmodel__json=[
            {"qId": "q1", "qText": "where is ulm?", "answers": ["Germany"]},
            {"qId": "q2", "qText": "who made it?", "answers": ["X"]},
        ],
        relpaths_trainmodel__json=[
            {"qId": "q1", "relPaths": [[["/location/location/near"], 1],
                                       [["/location/location/contained_by"], 4]]},
            {"qId": "q2", "relPaths": [[["/film/film/made_by"], 1]]},
        ],
    )  # fmt: skip
    first, second = webquestions(data)
    assert first.path == (Step("/location/location/contained_by"),)
    assert first.labels == ("contained by",)
    assert second.domains == {"film"}
    assert [q.question for q in webquestions(data, without=("film",))] == ["where is ulm?"]


def test_simple_questions_know_their_direction_and_mention(tmp_path):
    data = written(
        tmp_path / "simplequestions_wikidata",
        train_labels__csv='n,e1,p,e2,q\n0,Ulm,country,Germany,"where is ulm\n"\n'
        "1,Ulm,place of birth,Ada,who was born in ulm?\n2,Heat,cast member,Ida,who is in heat\n",
        train_qids__txt="Q1\tP17\tQ2\twhere is ulm\nQ1\tR19\tQ3\twho was born in ulm?\n"
        "Q5\tP161\tQ6\twho is in heat\n",
    )
    found = list(simple_questions(data, without_film=True))
    assert [q.path for q in found] == [
        (Step("country"),),
        (Step("place of birth", inverse=True),),
    ]
    assert [q.question[q.start : q.end] for q in found] == ["ulm", "ulm"]
    assert len(list(simple_questions(data))) == 3


@pytest.mark.parametrize(
    ("question", "name", "said"),
    [("who knows Zoe Muller well", "Zoë Müller", "Zoe Muller"),
     ("where is ac/dc from", "AC/DC", "ac/dc"),
     ("who is it", "Ulm", ""), ("is ulmer here", "Ulm", "")],
)  # fmt: skip
def test_mentions_are_found_up_to_case_and_accents(question, name, said):
    start, end = find_mention(question, name)
    assert question[start:end] == said


def test_relation_inventories_become_graphs(tmp_path):
    written(
        tmp_path / "fb15k237",
        mid2name__txt="/m/1\tUlm\n/m/2\tAda_Bell\n",
        train__txt="/m/2\t/people/person/place_of_birth\t/m/1\n/m/2\t/film/writer/film\t/m/1\n",
    )
    graph = fb15k237(tmp_path, without=("film",))
    assert (graph.relations, list(graph.names)) == (
        ("/people/person/place_of_birth",),
        ["Ada Bell", "Ulm"],
    )
    assert graph.node_types == ("person",)
    written(
        tmp_path / "codex_s",
        train__txt="Q1\tP17\tQ2\nQ1\tP17\tQ9\n",
        relations__json={"P17": {"label": "country", "description": ""}},
        entity_labels_PARTIAL__json={"Q1": "Ulm", "Q2": "Germany"},
        entity_types__json={"Q1": ["city"], "Q2": ["country"]},
    )
    graph = codex(tmp_path)
    assert (graph.relations, graph.num_edges, graph.node_types) == (
        ("country",),
        1,
        ("city", "country"),
    )
    written(tmp_path / "conceptnet100k", train__txt="AtLocation\tfork\tkitchen\n")
    assert list(conceptnet(tmp_path).names) == ["fork", "kitchen"]


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"trainmodel\.json is not there"):
        list(webquestions(tmp_path))
    written(tmp_path / "conceptnet100k", train__txt="AtLocation\tfork\n")
    with pytest.raises(DataError, match="line 1: expected three columns, got 2"):
        conceptnet(tmp_path)


@pytest.mark.data
def test_real_training_questions(data_dir):
    asked = list(webquestions(data_dir))
    assert len(asked) > 2000
    assert sum(len(q.path) == 2 for q in asked) > 500
    simple = list(simple_questions(data_dir))
    assert len(simple) > 19000
    assert sum(q.end > 0 for q in simple) > 0.9 * len(simple)
    assert sum(q.path[0].inverse for q in simple) > 4000


@pytest.mark.data
def test_a_real_inventory_is_asked_about(data_dir):
    questions = questions_for(
        fb15k237(data_dir, without=("film", "tv")), np.random.default_rng(0), 30
    )
    assert len(questions) == 30
    assert not any("/film/" in question.plan_text for question in questions)
