"""The method of one's own in CONTRIBUTING.md is run as it stands there."""

import re
from pathlib import Path

import pytest

CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"


def own_method():
    """The code below its heading."""
    _, _, section = CONTRIBUTING.read_text("utf-8").partition("## Add your own method in 30 lines")
    return re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]


def test_it_has_thirty_lines():
    assert sum(bool(line.strip()) for line in own_method().splitlines()) <= 30


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_it_learns_what_graphs_say(tmp_path, monkeypatch, capsys):
    rows = ["arg1\targ2\tlabel\tgraph"]
    for n in range(40):
        label, node = ("support", "sunny weather") if n % 2 else ("counter", "broken engines")
        rows.append(
            f"Claim {n}.\tIt is so.\t{label}\t({node}; causes; claims)(claims; is a; words)"
        )
    (tmp_path / "train_dev.tsv").write_text("\n".join(rows) + "\n", "utf-8")
    monkeypatch.setenv("GRAPHLLM_DATA", str(tmp_path))
    exec(compile(own_method(), "CONTRIBUTING.md", "exec"), {"__name__": "own_method"})
    said = re.search(r"^hits_at_1 +([\d.]+) \+-", capsys.readouterr().out, re.MULTILINE)
    assert float(said[1]) == 1.0
