"""A few questions over five films, in the layouts in which the data sets are published."""

import pytest

from graphllm.graph import TextualGraph

KB = """\
Heat|directed_by|Mann
Heat|starred_actors|Pacino
Heat|starred_actors|De Niro
Heat|release_year|1995
Serpico|starred_actors|Pacino
Serpico|directed_by|Lumet
Ali|directed_by|Mann
Ali|release_year|2001
Ali|has_genre|Drama
Serpico|has_genre|Crime
Network|directed_by|Lumet
"""

ONE_HOP = """\
who directed [Heat]\tMann
who starred in [Heat]\tPacino|De Niro
which films did [Lumet] direct\tSerpico|Network
when was [Ali] released\t2001
"""
ONE_HOP_TYPES = "movie_to_director\nmovie_to_actor\ndirector_to_movie\nmovie_to_year\n"

TWO_HOP = "[Mann] films were released in\t1995|2001\nother films of [Heat]'s actors\tSerpico\n"
TWO_HOP_TYPES = "director_to_movie_to_year\nmovie_to_actor_to_movie\n"

PQ_KB = "ada_lovelace\tparents\tlord_byron\nlord_byron\tnationality\tengland\n"
PQ = (
    "what nation is ada_lovelace 's father ?\tengland(england/great_britain/)\t"
    "ada_lovelace#parents#lord_byron#nationality#england#<end>#england\n"
)
PQL = (
    " what is the nation of ada_lovelace 's father ?\tengland(england/)\t"
    "ada_lovelace#parents#lord_byron#nationality#england\n"
)

WEBQSP = """\
{"id": 7, "question": "what is the name of ann lee's dog", "answers": ["The Rex!", "fido"], \
"nodes": [[3, "ann lee"], [9, "rex"], [4, "m.01x"]], "edges": [[3, "people.person.pets", 9]]}
{"id": 8, "question": "where was ann lee born", "answers": ["york"], \
"nodes": [[3, "ann lee"], [9, "rex"]], "edges": [[3, "people.person.pets", 9]]}
"""


@pytest.fixture
def suites_dir(tmp_path):
    files = {
        "metaqa/kb.txt": KB,
        "metaqa/1-hop/qa_test.txt": ONE_HOP,
        "metaqa/1-hop/qa_test_qtype.txt": ONE_HOP_TYPES,
        "metaqa/1-hop/qa_dev.txt": ONE_HOP.split("\n")[0] + "\n",
        "metaqa/1-hop/qa_dev_qtype.txt": "movie_to_director\n",
        "metaqa/2-hop/qa_test.txt": TWO_HOP,
        "metaqa/2-hop/qa_test_qtype.txt": TWO_HOP_TYPES,
        "webqsp_retrieved/test_attn_subgraph.jsonl": WEBQSP,
        "webqsp_retrieved/val_attn_subgraph_refined.jsonl": WEBQSP,
        "pathquestion/2H-kb.txt": PQ_KB,
        "pathquestion/PQ-2H.txt": PQ,
        "pathquestion/PQL2-KB.txt": PQ_KB,
        "pathquestion/PQL-2H.txt": PQL,
    }
    for name, text in files.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "data"


@pytest.fixture
def films():
    return TextualGraph.from_triples([line.split("|") for line in KB.splitlines()])
