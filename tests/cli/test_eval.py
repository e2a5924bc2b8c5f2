"""A benchmark through the command line, on a folder laid out as MetaQA is."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

KB = "Alien|directed_by|Ridley Scott\nHeat|directed_by|Michael Mann\nHeat|release_year|1995\n"
QUESTIONS = "who directed [Alien]\tRidley Scott\nwho directed [Heat]\tMichael Mann\n"


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "metaqa" / "1-hop" / "vanilla"
    folder.mkdir(parents=True)
    (tmp_path / "metaqa" / "kb.txt").write_text(KB, "utf-8")
    (folder / "qa_dev.txt").write_text(QUESTIONS, "utf-8")
    (folder / "qa_dev_qtype.txt").write_text("movie_to_director\n" * 2, "utf-8")
    return tmp_path


@pytest.mark.slow
def test_a_run_is_measured_kept_and_compared(graphllm, data, tmp_path):
    args = ["eval", "metaqa-1hop", "--split", "dev", "--data", str(data)]
    first = graphllm(*args, "--out", "one")
    assert first.returncode == 0, first.stderr
    assert "hits_at_1         1.0000" in first.stdout
    assert "2 questions over" in first.stderr
    assert len((tmp_path / "one" / "predictions.jsonl").read_text("utf-8").splitlines()) == 2
    second = graphllm(*args, "--out", "two", "--against", "one")
    assert "difference" in second.stdout


def test_comparing_needs_a_kept_run(graphllm, tmp_path):
    done = graphllm("eval", "metaqa-1hop", "--against", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "keep this one too, with --out" in done.stderr


def test_an_unknown_suite_is_named_with_those_there_are(graphllm):
    done = graphllm("eval", "metaqa")
    assert done.returncode == 1
    assert "metaqa-1hop" in done.stderr


WEBQSP = """\
{"id": 7, "question": "where was ann lee born", "answers": ["York"], \
"nodes": [[3, "ann lee"], [9, "york"]], "edges": [[3, "people.person.place_of_birth", 9]]}
{"id": 8, "question": "who is ann lee married to", "answers": ["bo"], \
"nodes": [[3, "ann lee"], [9, "york"]], "edges": [[3, "people.person.place_of_birth", 9]]}
"""


class Replies(BaseHTTPRequestHandler):
    """A chat server that always says the same."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        message = {"role": "assistant", "content": "I see.\nAnswer: York"}
        body = {
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 50, "completion_tokens": 5},
        }
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Replies) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/v1"
        running.shutdown()


@pytest.fixture
def webqsp(tmp_path):
    folder = tmp_path / "webqsp_retrieved"
    folder.mkdir()
    (folder / "test_attn_subgraph.jsonl").write_text(WEBQSP, "utf-8")
    return tmp_path


@pytest.mark.slow
def test_each_question_is_asked_of_its_own_graph(graphllm, webqsp):
    args = ["eval", "webqsp-subgraphs", "--data", str(webqsp)]
    done = graphllm(*args)
    assert done.returncode == 0, done.stderr
    values = values_of(done.stdout)
    assert values["hits_at_1"] == "0.5000"
    assert values["hits_at_1_in_graph"] == "1.0000"
    assert values["abstention_recall"] == "1.0000"
    naive = graphllm(*args, "--reader", "nearest_relation")
    assert values_of(naive.stdout)["abstention_recall"] == "0.0000"


def values_of(printed):
    """The first number of each row of a report."""
    rows = (line.split() for line in printed.splitlines()[2:])
    return {row[0]: row[1] for row in rows if len(row) > 1}


@pytest.mark.slow
def test_a_text_only_baseline_asks_the_model_and_says_what_it_cost(graphllm, webqsp, server):
    args = ["eval", "webqsp-subgraphs", "--data", str(webqsp), "--reader", "zero_cot"]
    done = graphllm(*args, "--llm", "tiny", "--llm-url", server, "--out", "kept")
    assert done.returncode == 0, done.stderr
    assert f"are sent to {server}" in done.stderr
    assert ["prompt_tokens", "100"] in [line.split() for line in done.stdout.splitlines()]
    about = json.loads((webqsp / "kept" / "report.json").read_text("utf-8"))["about"]
    assert (about["reader"], about["retriever"]) == ("zero_cot", "paths")
    assert len(about["prompts_sha256"]) == 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--reader", "kaping"], "--reader kaping needs --llm"),
        (["--reader", "plan", "--llm", "x"], "asks no language model; leave --llm out"),
        (["--retriever", "ppr"], "--retriever needs --llm"),
        (["--reader", "best"], "is not one of"),
    ],
)
def test_options_that_do_not_go_together(graphllm, options, message):
    done = graphllm("eval", "metaqa-1hop", *options)
    assert done.returncode == 2
    assert message in done.stderr


EXPLAGRAPHS = "arg1\targ2\tlabel\tgraph\n" + "".join(
    f"Cats are good.\tCats bring joy {n}.\tsupport\t(cats; causes; joy)(joy; is a; good)\n"
    for n in range(5)
)
ROG = {
    "id": "WebQTest-0",
    "question": "where was ann lee born",
    "answer": ["York"],
    "q_entity": ["Ann Lee"],
    "a_entity": ["York"],
    "graph": [["Ann Lee", "people.person.place_of_birth", "York"]],
}


def test_suites_of_graphqa_are_scored_as_published_and_strictly(graphllm, tmp_path):
    for name, text in {
        "explagraphs/train_dev.tsv": EXPLAGRAPHS,
        "RoG-webqsp/test.jsonl": f"{json.dumps(ROG)}\n",
    }.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text, "utf-8")
    options = ["--data", str(tmp_path), "--reader", "nearest_node"]
    done = graphllm("eval", "graphqa-explagraphs", "--split", "train", *options)
    assert done.returncode == 0, done.stderr
    assert "3 questions over" in done.stderr
    assert "published_accuracy  0.0000" in done.stdout  # it says a concept, and no stance
    done = graphllm("eval", "graphqa-webqsp", *options)
    assert done.returncode == 0, done.stderr
    for name in ("published_hit", "published_f1", "hits_at_1", "word_match"):
        assert f"{name} " in done.stdout


def test_invented_scenes_need_no_data(graphllm):
    done = graphllm("eval", "scenes", "--limit", "6", "--reader", "nearest_relation")
    assert done.returncode == 0, done.stderr
    assert "400 questions over invented scenes" in done.stderr
    assert "scenes (test), 6 questions" in done.stdout
    assert "hits_at_1 of " in done.stdout
