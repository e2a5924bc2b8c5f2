import json
import logging
import subprocess
import sys
import time
from email.utils import formatdate

import pytest

from graphllm.answer import Usage
from graphllm.errors import ConfigError, LanguageModelError
from graphllm.llm import Decoding, Message, OpenAICompatible, Patience, Prompt
from graphllm.testing import assert_language_model_contract
from tests.llm.conftest import PATIENCE, completion, delta, echo, model_at, replies

KEY = "sk-secret-4711"
HELLO = Prompt.of("Who?", system="Be brief.")


def ask(model, prompt=HELLO):
    [reply] = model.generate([prompt])
    return reply


def test_contract(serve):
    assert_language_model_contract(model_at(serve(echo).url, context_tokens=200))


def test_what_is_sent(serve):
    server = serve(replies("Nolan"))
    ask(model_at(server.url, api_key=KEY), Prompt.of("Who?<|im_end|>", system="Be brief."))
    [request] = server.requests
    assert request.line == "POST /v1/chat/completions HTTP/1.1"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Who?< |im_end|>"},
        ],
        "max_tokens": 512,
        "temperature": 0.0,
    }


def test_a_seed_and_a_temperature_are_sent(serve):
    server = serve(replies("x"))
    model_at(server.url).generate([HELLO], Decoding(max_new_tokens=5, temperature=0.7, seed=3))
    body = server.requests[0].body
    assert (body["max_tokens"], body["temperature"], body["seed"]) == (5, 0.7, 3)


def test_usage_is_what_the_server_says_or_an_estimate_from_above(serve):
    told = {"prompt_tokens": 17, "completion_tokens": 2, "total_tokens": 19}
    server = serve(replies("four edges", usage=told), replies("four edges", usage={"no": "idea"}))
    model = model_at(server.url)
    assert ask(model).usage == Usage(calls=1, prompt_tokens=17, completion_tokens=2)
    estimate = ask(model).usage
    assert estimate.completion_tokens == model.count_tokens("four edges") >= 2
    assert estimate.prompt_tokens >= 5


def test_a_reply_at_its_limit_is_cut_off(serve):
    server = serve(replies("a", finish="length"), replies("b"), replies(None, finish="length"))
    model = model_at(server.url)
    assert [ask(model).cut_off for _ in range(2)] == [True, False]
    assert ask(model).text == ""  # a model that reasons may spend all its tokens before it speaks


def test_batches_run_at_the_same_time_but_not_more_than_allowed(serve):
    running, most = [], []

    def slow(connection):
        running.append(1)
        most.append(len(running))
        time.sleep(0.05)
        running.pop()
        connection.send(200, completion(connection.request.body["messages"][0]["content"]))

    model = model_at(serve(slow).url, concurrency=3)
    texts = [f"question {number}" for number in range(9)]
    assert [reply.text for reply in model.generate([Prompt.of(text) for text in texts])] == texts
    assert 1 < max(most) <= 3


def test_one_prompt_without_a_reply_is_one_error_that_says_which(serve):
    def refuses_b(connection):
        text = connection.request.body["messages"][0]["content"]
        status = 400 if text == "b" else 200
        connection.send(status, completion(text) if status == 200 else {"error": {"message": "B!"}})

    prompts = [Prompt.of(text) for text in "abc"]
    with pytest.raises(LanguageModelError, match=r"^prompt 2 of 3: .*status 400: B!$"):
        model_at(serve(refuses_b).url).generate(prompts)


# ---- streams


def test_a_stream_is_read_as_it_comes_and_returns_the_whole(serve):
    def waits(connection):
        connection.open_stream()
        connection.event(delta("Chris"))
        assert connection.request.body["stream_options"] == {"include_usage": True}
        assert seen.wait(2), "the first piece was not handed on before the second was sent"
        connection.event(delta("topher", "stop"))
        counted = {"prompt_tokens": 4, "completion_tokens": 2}
        connection.event({"choices": [], "usage": counted})
        connection.event("[DONE]")

    from threading import Event

    seen = Event()
    stream = model_at(serve(waits).url, patience=Patience(retries=0)).stream(HELLO)
    assert next(stream) == "Chris"
    seen.set()
    assert next(stream) == "topher"
    with pytest.raises(StopIteration) as end:
        next(stream)
    assert end.value.value.text == "Christopher"
    assert end.value.value.usage == Usage(calls=1, prompt_tokens=4, completion_tokens=2)


def test_a_server_that_does_not_stream_gives_one_piece(serve):
    assert list(model_at(serve(replies("all of it")).url).stream(HELLO)) == ["all of it"]


def test_a_stream_that_is_left_hangs_up(serve):
    def endless(connection):
        connection.open_stream()
        while not connection.stopped.wait(0.001):
            connection.event(delta("word "))

    server = serve(endless)
    stream = model_at(server.url).stream(HELLO)
    assert [next(stream), next(stream)] == ["word ", "word "]
    stream.close()
    assert server.hung_up.wait(2)


@pytest.mark.parametrize(
    ("events", "what"),
    [
        ([delta("Chris")], "sent a reply that ends in the middle"),
        ([], "sent a reply that ends in the middle"),
        ([delta("Chris"), "{"], "is not JSON: {"),
        ([delta("Chris"), {"error": {"message": "out of memory"}}], "error: out of memory"),
        ([delta("Chris"), {"choices": "none"}], "has a text where choices should be a list"),
        ([delta(4)], r"a number where choices\[0\].delta.content should be a text"),
        ([delta("x", "content_filter")], "withheld by the server's content filter"),
    ],
)
def test_a_stream_that_goes_wrong_is_one_error(serve, events, what):
    def tells(connection):
        connection.open_stream()
        for event in events:
            connection.event(event)

    server = serve(tells)
    pieces = []
    with pytest.raises(LanguageModelError, match=what) as caught:
        pieces.extend(model_at(server.url).stream(HELLO))
    assert server.url in str(caught.value)
    assert len(server.requests) == 1


# ---- servers that are gone, slow or killed


def test_no_server_there(serve):
    server = serve(echo)
    server.stop()
    match = f"^the language model server {server.url} could not be reached.*check that the server"
    with pytest.raises(LanguageModelError, match=match):
        ask(model_at(server.url))


def killed_in(part):
    def behave(connection):
        if part == "headers":
            connection.write(b"HTTP/1.1 200 OK\r\nContent-Ty")
        elif part == "body":
            connection.send(200, b'{"choices": [', Content_Length="5000")
        elif part == "chunks":
            connection.head(200, Content_Type="application/json", Transfer_Encoding="chunked")
            connection.write(b'd\r\n{"choices": [')

    return behave


@pytest.mark.parametrize("part", ["nothing", "headers", "body", "chunks"])
def test_a_server_killed_in_its_reply_is_one_error_and_not_asked_again(serve, part):
    server = serve(killed_in(part))
    with pytest.raises(LanguageModelError, match=r"broke off its reply.*ask again") as caught:
        ask(model_at(server.url))
    assert server.url in str(caught.value)
    assert len(server.requests) == 1


def silent(connection):
    connection.stopped.wait(5)


def silent_in_its_body(connection):
    connection.head(200, Content_Type="application/json", Content_Length="100")
    connection.write(b'{"choices"')
    connection.stopped.wait(5)


@pytest.mark.parametrize("behaviour", [silent, silent_in_its_body])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_silent_server_is_left_after_a_while(serve, behaviour, streamed):
    model = model_at(serve(behaviour).url, patience=Patience(idle_s=0.2))
    started = time.monotonic()
    with pytest.raises(LanguageModelError, match=r"sent nothing for 0\.2 s.*\(idle_s\)"):
        list(model.stream(HELLO)) if streamed else ask(model)
    assert time.monotonic() - started < 2


def drips_a_header(connection):
    connection.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not connection.stopped.wait(0.05):
        connection.write(b"x")


def drips_a_body(connection):
    connection.head(200, Content_Type="application/json", Content_Length="100000")
    while not connection.stopped.wait(0.05):
        connection.write(b" ")


def drips_comments(connection):
    connection.open_stream()
    while not connection.stopped.wait(0.05):
        connection.write(b": still there\n\n")


@pytest.mark.parametrize("behaviour", [drips_a_header, drips_a_body, drips_comments])
def test_a_server_that_drips_is_left_in_time(serve, behaviour):
    model = model_at(serve(behaviour).url, patience=Patience(total_s=0.2))
    started = time.monotonic()
    with pytest.raises(LanguageModelError, match=r"was not done after 0\.2 s.*\(total_s\)"):
        list(model.stream(HELLO))
    assert time.monotonic() - started < 2


# ---- servers that lie


def raw(status, body, **headers):
    return lambda connection: connection.send(status, body, **headers)


@pytest.mark.parametrize(
    ("behaviour", "what"),
    [
        (raw(200, b"<html>Hello", kind="text/html"), "is text/html and not JSON: <html>Hello"),
        (raw(200, b"four edges", kind=""), "is not JSON: four edges"),
        (raw(200, b'{"choices": ['), r'is not JSON: {"choices": \['),
        (raw(200, b"\xff\xfe\x00"), "is not JSON"),
        (raw(200, b"[" * 100_000), "is not JSON"),
        (raw(200, b"9" * 5_000), "is not JSON"),
        (raw(200, b""), "is not JSON"),
        (raw(200, []), "has a list where the reply should be an object"),
        (raw(200, {}), "has nothing where choices should be a list"),
        (raw(200, {"choices": []}), "has no choices"),
        (raw(200, {"choices": [4]}), r"a number where choices\[0\] should be an object"),
        (raw(200, {"choices": [{}]}), r"nothing where choices\[0\].message should be an object"),
        (replies(None), r"nothing where choices\[0\].message.content should be a text"),
        (replies(["x"]), r"a list where choices\[0\].message.content should be a text"),
        (replies("x", finish=True), r"a boolean where choices\[0\].finish_reason"),
        (replies("x", finish="content_filter"), "withheld"),
        (raw(200, {"error": "no model loaded"}), "reports an error: no model loaded"),
        (raw(204, b""), "answered with 204"),
        (raw(101, b"", Upgrade="websocket"), "answered with 101|broke off its reply"),
        (lambda connection: connection.write(b"SSH-2.0-OpenSSH_9\r\n"), "broke off its reply"),
        (raw(200, b"\x1f\x8b nonsense", Content_Encoding="gzip"), "broke off its reply"),
    ],
)
def test_a_lying_server_is_one_clear_error(serve, behaviour, what):
    server = serve(behaviour)
    with pytest.raises(LanguageModelError, match=what) as caught:
        ask(model_at(server.url))
    message = str(caught.value)
    assert message.startswith(f"the language model server {server.url} ")
    assert "\n" not in message
    assert len(message) < 600
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
def test_a_reply_without_end_is_left(serve, kind):
    def endless(connection):
        connection.head(200, Content_Type=kind)
        while True:
            connection.write(b"data: " + b" " * 1_000_000)

    server = serve(endless)
    with pytest.raises(LanguageModelError, match="is longer than 8,000,000 bytes"):
        list(model_at(server.url, patience=Patience()).stream(HELLO))
    assert server.hung_up.wait(2)


def test_the_text_of_a_server_cannot_act_nor_flood(serve):
    said = {"error": {"message": "\x1b[31mred\r\nnew line \u202e" + "x" * 10_000}}
    with pytest.raises(LanguageModelError) as caught:
        ask(model_at(serve(raw(400, said)).url))
    message = str(caught.value)
    assert "\\x1b[31mred new line \\u202exxx" in message
    assert message.isprintable()
    assert len(message) < 600


def test_half_a_surrogate_pair_in_a_reply_is_replaced(serve):
    assert ask(model_at(serve(replies("a\ud800b")).url)).text == "a\ufffdb"


# ---- refusals


@pytest.mark.parametrize(
    ("status", "error", "what"),
    [
        (401, {"message": "wrong key"}, "status 401: wrong key; check the API key"),
        (404, {"message": "no model tiny"}, "status 404: no model tiny; check the model's name"),
        (400, "plain text", "status 400: plain text"),
        (422, {"detail": [{"loc": ["body", "model"], "msg": "?"}]}, '422: .*"model"'),
        (429, {"message": "pay first", "code": "insufficient_quota"}, "status 429: pay first"),
        (413, None, 'status 413: {"error": null}'),
    ],
)
def test_a_refusal_is_final(serve, status, error, what):
    server = serve(raw(status, {"error": error}))
    with pytest.raises(LanguageModelError, match=what):
        ask(model_at(server.url))
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(serve, status):
    server = serve(raw(status, b"busy"), raw(status, b"busy"), replies("at last"))
    assert ask(model_at(server.url)).text == "at last"
    assert len(server.requests) == 3


def test_a_stream_is_tried_again_before_it_begins(serve):
    assert list(model_at(serve(raw(503, b""), echo).url).stream(Prompt.of("ab"))) == ["ba"]


def test_what_does_not_pass_is_an_error_after_all_tries(serve):
    server = serve(raw(503, {"error": {"message": "loading"}}))
    with pytest.raises(LanguageModelError, match="status 503: loading"):
        ask(model_at(server.url))
    assert len(server.requests) == 1 + PATIENCE.retries


@pytest.mark.parametrize(
    ("asks", "waits_s"),
    [("0.1", 0.1), ("3600", 0.2), ("date", 0.2), ("soon", 0.0), ("-5", 0.0), ("nan", 0.0)],
)
def test_retry_after_is_kept_up_to_a_limit(serve, asks, waits_s):
    value = formatdate(time.time() + 3600, usegmt=True) if asks == "date" else asks
    server = serve(raw(429, b"busy", Retry_After=value), replies("x"))
    patience = Patience(first_wait_s=0.001, longest_wait_s=0.2)
    started = time.monotonic()
    ask(model_at(server.url, patience=patience))
    assert waits_s <= time.monotonic() - started < waits_s + 2


def test_all_tries_together_end_in_time(serve):
    server = serve(raw(503, b""))
    patience = Patience(retries=100, first_wait_s=0.05, longest_wait_s=0.05, total_s=0.3)
    with pytest.raises(LanguageModelError, match=r"was not done after 0\.3 s"):
        ask(model_at(server.url, patience=patience))
    assert 2 < len(server.requests) < 10


# ---- dialects


def refuses(*parameters):
    """A server that names the first of some parameters it does not take."""

    def behave(connection):
        for name, message in parameters:
            if name in connection.request.body:
                error = {"message": message, "type": "invalid_request_error", "param": name}
                connection.send(400, {"error": error})
                return
        echo(connection) if "max_tokens" in connection.request.body else connection.send(
            200, completion(f"{connection.request.body.get('max_completion_tokens')} tokens")
        )

    return behave


MAX_TOKENS = (
    "max_tokens",
    "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead.",
)
TEMPERATURE = (
    "temperature",
    "Unsupported value: 'temperature' does not support 0 with this model.",
)
SEED = ("seed", "Unknown parameter: seed")


def test_refused_parameters_are_renamed_or_left_out_and_remembered(serve):
    server = serve(refuses(MAX_TOKENS, TEMPERATURE, SEED))
    model = model_at(server.url)
    decoding = Decoding(max_new_tokens=7, seed=1)
    assert model.generate([HELLO], decoding)[0].text == "7 tokens"
    assert len(server.requests) == 4
    assert set(server.requests[-1].body) == {"model", "messages", "max_completion_tokens"}
    model.generate([HELLO] * 3, decoding)
    assert len(server.requests) == 7


def test_a_batch_that_meets_a_refusal_at_the_same_time(serve):
    model = model_at(serve(refuses(MAX_TOKENS, TEMPERATURE)).url)
    assert {reply.text for reply in model.generate([HELLO] * 8)} == {"512 tokens"}


def test_a_server_without_stream_options_streams(serve):
    server = serve(refuses(("stream_options", "Extra inputs are not permitted: stream_options")))
    assert list(model_at(server.url).stream(Prompt.of("a b"))) == ["b", " a"]
    assert len(server.requests) == 2


def test_a_bad_value_is_no_reason_to_leave_a_parameter_out(serve):
    server = serve(refuses(("max_tokens", "max_tokens is too large: 512; the context has 256")))
    with pytest.raises(LanguageModelError, match="too large: 512"):
        ask(model_at(server.url))
    assert len(server.requests) == 1


# ---- addresses and keys


def test_a_redirect_is_not_followed(serve):
    other = serve(replies("stolen"))
    server = serve(raw(307, b"", Location=f"{other.url}/chat/completions"))
    with pytest.raises(LanguageModelError, match=f"redirect .307.*not followed: {other.url}"):
        ask(model_at(server.url, api_key=KEY))
    assert other.requests == []


@pytest.mark.parametrize("streamed", [False, True])
def test_the_key_shows_nowhere(serve, caplog, streamed):
    caplog.set_level(logging.DEBUG)
    parrot = raw(401, {"error": {"message": f"the key {KEY} is wrong"}})
    model = model_at(serve(raw(503, KEY.encode()), parrot).url, api_key=KEY)
    with pytest.raises(LanguageModelError, match=r"the key \*\*\* is wrong") as caught:
        list(model.stream(HELLO)) if streamed else ask(model)
    error = caught.value
    while error is not None:
        assert KEY not in f"{error!r} {error}"
        error = error.__cause__ or error.__context__
    assert KEY not in f"{model!r} {model.sends_to} {caplog.text}"
    assert caplog.records


def test_credentials_in_the_address_are_sent_but_not_shown(serve, caplog):
    caplog.set_level(logging.DEBUG)
    server = serve(raw(200, b"pa55word"))
    model = model_at(server.url.replace("//", "//ada:pa55word@"))
    assert model.sends_to == server.url
    with pytest.raises(LanguageModelError, match=r"is not JSON: \*\*\*"):
        ask(model)
    assert server.requests[0].headers["authorization"] == "Basic YWRhOnBhNTV3b3Jk"
    assert "pa55word" not in f"{model!r} {caplog.text}"


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://a/v1", "http://", "http://a:port", "https://a/v1?key=K", "//a"]
)
def test_an_address_must_be_one(url):
    with pytest.raises(ConfigError, match="should look like https://host/v1, got") as caught:
        OpenAICompatible("m", base_url=url)
    assert "K" not in str(caught.value)


def test_a_wrong_address_does_not_show_its_password():
    with pytest.raises(ConfigError, match="got 'http://a:port'"):
        OpenAICompatible("m", base_url="http://ada:pa55word@a:port")


def test_an_address_may_be_given_with_the_path_of_a_chat():
    model = OpenAICompatible("m", base_url="http://127.0.0.1:1/v1/chat/completions/")
    assert model.sends_to == "http://127.0.0.1:1/v1"


def test_the_environment_gives_address_and_key(serve, monkeypatch):
    server = serve(replies("x"))
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    model = OpenAICompatible("m")
    ask(model)
    assert model.sends_to == server.url
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_openai_wants_a_key():
    with pytest.raises(
        ConfigError, match=r"api\.openai\.com/v1 wants an API key: set OPENAI_API_KEY"
    ):
        OpenAICompatible("gpt-4o-mini")


def test_a_key_is_printable_ascii():
    with pytest.raises(ConfigError, match=r"the API key .* characters that no key has") as caught:
        OpenAICompatible("m", api_key="sk-\u2026\n1")
    assert "sk-" not in str(caught.value)


def test_a_key_over_an_open_line_is_warned_of(caplog):
    OpenAICompatible("m", base_url="http://models.example/v1", api_key=KEY)
    assert "http://models.example/v1 is not encrypted" in caplog.text
    caplog.clear()
    for url in ("https://models.example/v1", "http://127.0.0.1/v1", "http://[::1]:80/v1"):
        OpenAICompatible("m", base_url=url, api_key=KEY)
    assert caplog.text == ""


def test_a_proxy_is_not_asked_for_this_machine(serve, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert ask(model_at(serve(replies("direct")).url)).text == "direct"


# ---- limits


def test_a_prompt_beyond_the_context_is_not_sent(serve):
    server = serve(echo)
    model = model_at(server.url, context_tokens=100)
    with pytest.raises(LanguageModelError, match=r"come to 5\d\d tokens, the context is 100"):
        ask(model)
    with pytest.raises(LanguageModelError, match="the context is 100"):
        next(model.stream(HELLO))
    assert server.requests == []
    chat = tuple(Message(role=role, text="a") for role in ("user", "assistant", "user"))
    assert model.generate([Prompt(messages=chat)], Decoding(max_new_tokens=10))[0].text == "a"


@pytest.mark.parametrize(
    ("options", "what"),
    [({"concurrency": 0}, "concurrency must be 1"), ({"context_tokens": 0}, "context_tokens must")],
)
def test_options_out_of_range(options, what):
    with pytest.raises(ConfigError, match=what):
        OpenAICompatible("m", base_url="http://127.0.0.1/v1", **options)


def test_patience_out_of_range():
    with pytest.raises(ConfigError, match="idle_s must be above 0, got nan"):
        Patience(idle_s=float("nan"))
    with pytest.raises(ConfigError, match="retries must be 0 or more, got -1"):
        Patience(retries=-1)


def test_it_works_where_a_loop_runs_already(serve):
    """As in a notebook."""
    import asyncio

    async def cell():
        model = model_at(serve(echo).url)
        return ask(model).text, "".join(model.stream(HELLO))

    assert asyncio.run(cell()) == ("?ohW", "?ohW")


def test_prompts_are_json_whatever_they_hold(serve):
    server = serve(echo)
    ask(model_at(server.url), Prompt.of('"\\\ud800\x00 😀'))
    assert server.requests[0].body["messages"][0]["content"] == '"\\\ufffd\x00 😀'
    assert json.dumps(server.requests[0].body)


SERVER = """
import http.server, time


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b'data: {"choices": [{"delta": {"content": "Chris"}}]}\\n\\n')
        time.sleep(60)


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


def test_a_server_process_that_is_killed_while_it_replies():
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            url = f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
            stream = model_at(url, patience=Patience()).stream(HELLO)
            assert next(stream) == "Chris"
            process.kill()
            with pytest.raises(
                LanguageModelError, match=rf"{url} .*(broke off|ends in the middle)"
            ):
                next(stream)
        finally:
            process.kill()
