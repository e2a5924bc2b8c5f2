"""``--llm`` against a real server on this machine, and what is said before anything is sent."""

import json

import pytest

pytestmark = pytest.mark.slow

WHO = "Who discovered radium?"


@pytest.fixture
def server(model_server, cite):
    """A model that knows who discovered radium, and counts by plan."""

    def reply(prompt: str) -> str:
        if "You write a plan" in prompt:
            return 'count(follow(entities("paris"), ~"born in"))'
        if "Rewrite the last question" in prompt:
            return "Where was Marie Curie born?"
        if "Where was Marie Curie born?" in prompt:
            return cite(prompt, ["Warsaw"], "Marie Curie&born in&Warsaw")
        return cite(prompt, ["Marie Curie", "Albert Einstein"], "Marie Curie&discovered&radium")

    return model_server(reply)


def test_ask_says_what_is_sent_and_answers(graphllm, server):
    done = graphllm("ask", "discoveries", WHO, "--llm", "tiny", "--llm-url", server.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "Marie Curie"
    assert "Marie Curie --discovered--> radium" in done.stdout
    assert "Einstein" not in done.stdout
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"sending to {server.url} (tiny): the question and ")
    assert said.endswith(" facts")
    assert len(server.prompts) == 1


def test_the_server_may_be_named_by_the_environment(graphllm, server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    done = graphllm(
        "ask", "discoveries", "How many people were born in Paris?", "--llm", "tiny", "--json"
    )
    answer = json.loads(done.stdout)
    assert answer["entities"] == ["5"]
    assert answer["plan"]["text"] == 'count(follow(entities("paris"), ~"born in"))'
    assert answer["usage"]["calls"] == 1
    assert answer["usage"]["prompt_tokens"] > 0


def test_why_tells_of_the_model(graphllm, server):
    done = graphllm("ask", "discoveries", WHO, "--llm", "tiny", "--llm-url", server.url, "--why")
    assert "language model: 1 call, " in done.stdout


def test_a_dry_run_sends_nothing(graphllm, server):
    command = ("ask", "discoveries", WHO, "--llm", "tiny", "--llm-url", server.url, "--dry-run")
    done = graphllm(*command)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"would go to {server.url} (tiny)\n")
    assert "nothing was sent" in done.stdout
    plan = json.loads(graphllm(*command, "--json").stdout)
    assert plan["schema"] == "graphllm.estimate/1"
    assert plan["sends_to"] == server.url
    assert WHO in plan["prompts"][-1]["messages"][0]["text"]
    assert server.prompts == []


def test_a_dry_run_needs_no_key(graphllm, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    command = ("ask", "discoveries", WHO, "--llm", "gpt-5-mini")
    assert "wants an API key" in graphllm(*command).stderr
    assert "nothing was sent" in graphllm(*command, "--dry-run").stdout


def test_a_dry_run_without_a_model_shows_the_facts(graphllm):
    done = graphllm("ask", "discoveries", WHO, "--retriever", "khop", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "  Marie Curie --discovered--> radium  [edge 564]" in done.stdout.splitlines()
    found = json.loads(
        graphllm("ask", "discoveries", WHO, "--retriever", "khop", "--dry-run", "--json").stdout
    )
    assert found["facts"][0]["tail"] == "radium"
    scores = [fact["score"] for fact in found["facts"]]
    assert scores == sorted(scores, reverse=True)


def test_chat_rewrites_and_tells_each_time(graphllm, server):
    done = graphllm(
        "chat", "discoveries", "--llm", "tiny", "--llm-url", server.url,
        input=f"{WHO}\nAnd where was she born?\n/why\n",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Warsaw" in done.stdout
    assert "asked as:\n  Where was Marie Curie born?" in done.stdout
    assert f"sending to {server.url} (tiny): the question and the conversation" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--retriever", "ppr"], "--retriever needs --llm, or --dry-run"),
        (["--llm-url", "http://localhost:1/v1"], "--llm-url needs --llm"),
        (["--max-tokens", "100"], "--max-tokens needs --llm"),
        (["--prompts", "x"], "--prompts needs --llm"),
    ],
)
def test_options_of_a_model_need_one(graphllm, arguments, message):
    done = graphllm("ask", "discoveries", WHO, *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_errors_are_one_line(graphllm, server, tmp_path):
    model = ("--llm", "tiny", "--llm-url", server.url)
    for more, message in [
        (("--prompts", "nowhere"), "nowhere is no folder of prompts"),
        (("--max-tokens", "10"), "10 tokens leave no room for facts"),
        (("--retriever", "nope"), "unknown retriever 'nope'"),
    ]:
        done = graphllm("ask", "discoveries", WHO, *model, *more)
        assert done.returncode == 1
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
    done = graphllm("ask", "discoveries", WHO, "--llm", "x", "--llm-url", "http://127.0.0.1:9/v1")
    assert done.returncode == 1
    assert "could not be reached" in done.stderr
    assert server.prompts == []


def test_a_hostile_model_does_not_reach_the_terminal(graphllm, model_server):
    evil = json.dumps({"answers": [], "cites": [], "abstain": "\x1b[2J\u202e no </graph>\nYes!"})
    server = model_server(lambda _: evil)
    done = graphllm("ask", "discoveries", WHO, "--llm", "\x1b[2Jm", "--llm-url", server.url)
    assert done.returncode == 3
    assert "\x1b" not in done.stdout + done.stderr
    assert "\u202e" not in done.stdout + done.stderr


def test_own_prompts_from_the_command_line(graphllm, server, tmp_path):
    assert graphllm("prompts", "copy", "--all", "mine").returncode == 0
    own = tmp_path / "mine" / "graph_qa" / "answer.txt"
    own.write_text(f"MY OWN WORDS\n{own.read_text('utf-8')}", "utf-8")
    command = ("ask", "discoveries", WHO, "--llm", "tiny", "--llm-url", server.url)
    assert graphllm(*command, "--prompts", "mine").returncode == 0
    assert "MY OWN WORDS" in server.prompts[-1]
    own.write_text("nothing", "utf-8")
    done = graphllm(*command, "--prompts", "mine")
    assert done.returncode == 1
    assert "answer.txt: $graph, $history" in done.stderr
    again = graphllm("prompts", "copy", "--all", "mine")
    assert again.returncode == 1
    assert "is there already" in again.stderr
