import json
import subprocess
import sys

import pytest

from graphllm.errors import ConfigError
from graphllm.llm import LocalLanguageModel, OpenAICompatible, load_language_model
from tests.llm.tiny import save_gpt2


def test_a_name_is_a_model_on_a_server():
    model = load_language_model("org/tiny", base_url="http://127.0.0.1:1/v1", concurrency=2)
    assert isinstance(model, OpenAICompatible)
    assert (model.id, model.sends_to) == ("org/tiny", "http://127.0.0.1:1/v1")


def test_a_folder_is_a_model_on_this_machine(tmp_path, monkeypatch):
    save_gpt2(tmp_path / "my-model")
    monkeypatch.chdir(tmp_path)
    for spec in ("my-model", "./my-model", str(tmp_path / "my-model")):
        model = load_language_model(spec, device="cpu")
        assert isinstance(model, LocalLanguageModel)
        assert model.id == "my-model"


def test_no_key_for_openai():
    with pytest.raises(ConfigError, match="wants an API key: set OPENAI_API_KEY; or set OPENAI_B"):
        load_language_model("gpt-4o-mini")


@pytest.mark.parametrize("spec", ["./nothing", "../nothing", "/nothing/here", "~/nothing"])
def test_a_path_is_never_sent_to_a_server(spec):
    with pytest.raises(ConfigError, match=f"^{spec}: no such folder"):
        load_language_model(spec, base_url="http://127.0.0.1:1/v1")


def test_no_name():
    with pytest.raises(ConfigError, match="has no name; give a folder, hf:ORG/NAME"):
        load_language_model(" ")


def test_an_unknown_option_names_those_there_are():
    with pytest.raises(ConfigError, match=r"'tiny' has no option 'device'; it has \['api_key', "):
        load_language_model("tiny", device="cpu")


@pytest.mark.slow
def test_a_hub_model_that_is_not_here_is_one_line_without_network(no_network):
    code = "from graphllm.llm import load_language_model; load_language_model('hf:org/none')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**no_network, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("graphllm.errors.ConfigError: no language model 'org/none' with"), last
    assert "HF_HUB_OFFLINE" in last


def loaded(code, modules):
    asked = f"import json, sys; print(json.dumps([m for m in {modules} if m in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{asked}"], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_the_package_alone_imports_neither_httpx_nor_torch():
    assert loaded("import graphllm.llm", ["httpx", "torch", "transformers"]) == []


def test_a_server_needs_no_torch():
    code = "from graphllm.llm import load_language_model as load\n"
    code += "load('m', base_url='http://127.0.0.1:1/v1')"
    assert loaded(code, ["httpx", "torch", "transformers"]) == ["httpx"]


def test_asking_without_a_language_model_imports_none_of_it(tmp_path):
    (tmp_path / "films.csv").write_text("head,relation,tail\nInception,directed by,Nolan\n")
    code = "import contextlib, sys\nfrom graphllm.cli import main\n"
    code += f"sys.argv = ['graphllm', 'ask', {str(tmp_path / 'films.csv')!r}, "
    code += "'Who directed Inception?']\nwith contextlib.suppress(SystemExit):\n    main()\n"
    assert loaded(code, ["httpx", "torch", "transformers", "sentence_transformers"]) == []
