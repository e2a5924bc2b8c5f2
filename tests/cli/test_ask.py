"""Questions to the shipped example through the command line, end to end."""

import json
import os

import pytest

QUESTION = "Who discovered radium?"
pytestmark = pytest.mark.slow


def test_the_answer_goes_to_stdout_and_the_rest_to_stderr(graphllm, tmp_path):
    (tmp_path / "films.csv").write_text("from,relation,to\nAlien,directed by,Scott\n", "utf-8")
    done = graphllm("ask", "films.csv", "Who directed Alien?")
    assert done.returncode == 0
    assert done.stdout == "Scott\n  Alien --directed by--> Scott  [edge 0]\n"
    assert "head=from, relation=relation, tail=to" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_mapping_overrides_the_guess(graphllm, tmp_path):
    (tmp_path / "films.csv").write_text("from,how,to\nAlien,directed by,Scott\n", "utf-8")
    mapping = "head=to, relation=how, tail=from"
    done = graphllm("ask", "films.csv", "Who directed Scott?", "--map", mapping)
    assert done.stdout == "Alien\n  Scott --directed by--> Alien  [edge 0]\n"
    assert "head=to, relation=how, tail=from" in done.stderr


def test_json_is_the_whole_answer(graphllm):
    done = graphllm("ask", "discoveries", QUESTION, "--json")
    answer = json.loads(done.stdout)
    assert answer["schema"] == "graphllm.answer/1"
    assert set(answer["entities"]) == {"Marie Curie", "Pierre Curie"}
    assert {c["relation"] for c in answer["citations"]} == {"discovered"}


def test_a_question_may_come_without_quotes(graphllm):
    done = graphllm("ask", "discoveries", "Who", "discovered", "radium", "--json")
    assert json.loads(done.stdout)["question"] == "Who discovered radium"


def test_why_plan_and_subgraph_say_more(graphllm):
    done = graphllm("ask", "discoveries", QUESTION, "--why", "--plan", "--subgraph")
    for part in ("understood as:", "confidence:", "plan:", "Cypher:", "SPARQL:"):
        assert part in done.stdout
    assert "Marie Curie\tdiscovered\tradium" in done.stdout.splitlines()


def test_a_printed_plan_replays(graphllm):
    asked = json.loads(graphllm("ask", "discoveries", QUESTION, "--json").stdout)
    replayed = graphllm("ask", "discoveries", "--run", asked["plan"]["text"], "--json")
    assert json.loads(replayed.stdout)["citations"] == asked["citations"]


def test_not_in_this_graph_is_exit_3_with_nothing_on_stdout(graphllm):
    done = graphllm("ask", "discoveries", "Who directed Casablanca?")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.strip()
    as_json = graphllm("ask", "discoveries", "Who directed Casablanca?", "--json")
    assert as_json.returncode == 3
    assert json.loads(as_json.stdout)["abstained"]["reason"]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["none.csv", "Who?"], "no such file"),
        (["discovries", "Who?"], "did you mean the example 'discoveries'?"),
        (["discoveries", "--run", "((("], ""),
        (["discoveries", "Who?", "--format", "csw"], "csw"),
        (["discoveries", ""], "question is empty"),
    ],
)
def test_expected_errors_are_one_line(graphllm, args, says):
    done = graphllm("ask", *args)
    assert (done.returncode, done.stdout) == (1, "")
    assert says in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("graphllm: ")]) == 1
    assert "Traceback" not in done.stderr


def test_a_question_or_a_plan_but_not_both(graphllm):
    neither = graphllm("ask", "discoveries")
    assert neither.returncode == 2
    assert "give a question, or a plan with --run" in neither.stderr
    both = graphllm("ask", "discoveries", "Who?", "--run", "x")
    assert both.returncode == 2
    assert "give a question or --run, not both" in both.stderr


def test_the_question_before_the_file_is_told_how(graphllm, tmp_path):
    (tmp_path / "films.csv").write_text("from,relation,to\nAlien,directed by,Scott\n", "utf-8")
    done = graphllm("ask", "who directed Alien?", "films.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the file comes first: graphllm ask films.csv 'who directed Alien?'" in done.stderr


def test_why_after_no_answer_says_what_was_understood(graphllm):
    done = graphllm("ask", "discoveries", "What is the salary of Marie Curie?", "--why", "--plan")
    assert done.returncode == 3
    assert "This graph says of it: " in done.stderr
    assert "understood as:" in done.stdout
    assert "confidence" not in done.stdout


def test_other_readings_are_told_in_words_and_as_plans(graphllm):
    done = graphllm("ask", "discoveries", QUESTION, "--why", "--json")
    others = json.loads(done.stdout)["alternatives"]
    assert others
    told = graphllm("ask", "discoveries", QUESTION, "--why").stdout
    assert "\\n" not in told
    assert f"    {others[0]['text']}" in told.splitlines()


def test_a_page_is_written(graphllm, tmp_path):
    done = graphllm("ask", "discoveries", "Who discovered <b>radium</b>?", "--html", "a.html")
    page = (tmp_path / "a.html").read_text("utf-8")
    assert done.returncode in (0, 3)
    assert "<b>radium" not in page
    assert "&lt;b&gt;radium" in page
    assert "wrote a.html" in done.stderr


def test_a_page_replaces_a_file_whole_or_leaves_it(graphllm, tmp_path):
    (tmp_path / "a.html").write_text("earlier")
    assert graphllm("ask", "discoveries", QUESTION, "--html", "a.html").returncode == 0
    assert (tmp_path / "a.html").read_text("utf-8").endswith("</html>\n")
    failed = graphllm("ask", "discoveries", QUESTION, "--html", "nowhere/a.html")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.count("\n") == 1
    assert "cannot be written" in failed.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


def test_demo_runs_without_a_network(graphllm, no_network):
    done = graphllm("demo", env=no_network)
    assert done.returncode == 0, done.stderr
    assert "question" in done.stdout
    assert "-->" in done.stdout
    assert "Try next" in done.stdout
    assert done.stdout.count("graphllm ask") >= 3


def test_suggested_questions_are_answered(graphllm):
    done = graphllm("suggest", "discoveries", "-n", "4")
    assert done.returncode == 0
    assert "331 nodes, 706 edges" in done.stdout
    questions = done.stdout.partition("you can ask\n")[2].split("\n")[:4]
    for question in filter(None, map(str.strip, questions)):
        assert graphllm("ask", "discoveries", question).returncode == 0


def test_an_index_is_built_described_asked_and_checked(graphllm, tmp_path):
    built = graphllm("index", "discoveries", "-o", "mine.gllm")
    assert built.returncode == 0
    assert "331 nodes" in built.stdout
    assert "nodes            331" in graphllm("index", "info", "mine.gllm").stdout
    assert graphllm("index", "check", "mine.gllm").returncode == 0
    assert "Marie Curie" in graphllm("ask", "mine.gllm", QUESTION).stdout
    heads = next((tmp_path / "mine.gllm").glob("gen-*/heads.npy"))
    heads.write_bytes(heads.read_bytes()[:-4] + b"\xff\xff\xff\x7f")
    broken = graphllm("index", "check", "mine.gllm")
    assert (broken.returncode, broken.stdout) == (1, "")
    assert "heads.npy" in broken.stderr


def test_an_index_is_named_after_its_file(graphllm, tmp_path):
    (tmp_path / "films.csv").write_text("head,relation,tail\nAlien,by,Scott\n", "utf-8")
    assert graphllm("index", "films.csv").returncode == 0
    assert (tmp_path / "films.gllm" / "CURRENT").is_file()
    assert graphllm("index", "info", "films.csv").returncode == 1


def test_an_index_keeps_the_topology_tokens_that_trainings_read(graphllm, tmp_path):
    from graphllm.index import GraphIndex
    from graphllm.tokenizers.topology import TopologySettings, graph_topology

    assert "--topology" in graphllm("index", "build", "--help").stdout
    assert graphllm("index", "discoveries", "-o", "mine.gllm", "--topology").returncode == 0
    (kept,) = tmp_path.glob("mine.gllm/gen-*/derived/*.npy")
    before = kept.stat().st_mtime_ns
    settings = TopologySettings()
    with GraphIndex.open(tmp_path / "mine.gllm") as index:
        assert graph_topology(index, settings).shape == (331, settings.dim)
    assert list(kept.parent.glob("*.npy")) == [kept]
    assert kept.stat().st_mtime_ns == before
    assert graphllm("index", "check", "mine.gllm").returncode == 0


def test_an_index_of_a_changed_file_says_so(graphllm, tmp_path):
    films = tmp_path / "films.csv"
    films.write_text("head,relation,tail\nAlien,directed by,Scott\n", "utf-8")
    graphllm("index", "films.csv")
    films.write_text("head,relation,tail\nAlien,directed by,Ridley Scott\n", "utf-8")
    done = graphllm("ask", "films.gllm", "Who directed Alien?")
    assert done.stdout.startswith("Scott\n")
    assert "has changed since films.gllm was built" in done.stderr
    assert graphllm("ask", "films.csv", "Who directed Alien?").stdout.startswith("Ridley Scott\n")


def test_the_cache_is_listed_and_cleared(graphllm, tmp_path):
    env = {**os.environ, "GRAPHLLM_CACHE": str(tmp_path / "cache")}
    graphllm("ask", "discoveries", QUESTION, env=env)
    listed = graphllm("cache", env=env)
    assert "nodes.csv" in listed.stdout
    assert str(tmp_path / "cache") in listed.stderr
    assert graphllm("cache", "clear", env=env).stdout.startswith("freed ")
    assert graphllm("cache", "list", env=env).stdout == ""


def test_asking_an_index_is_quick(graphllm, processor_seconds):
    graphllm("index", "discoveries", "-o", "d.gllm")
    assert processor_seconds("ask", "d.gllm", QUESTION) < 5  # about 1.7
