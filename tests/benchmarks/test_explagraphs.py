"""The ladder of ExplaGraphs: rungs on invented rows, controls, the regression, the table."""

import sys
from collections import Counter

import pytest
import torch

from graphllm.graph import TextualGraph

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture
def ladder(script):
    return script("explagraphs")


def row(ladder, n):
    label, relation = (1, "causes") if n % 2 else (0, "not causes")
    triples = ((f"cats {n}", relation, "joy"), ("joy", "is a", "good"), ("good", "has", "use"))
    view = TextualGraph.from_triples(triples)
    return ladder.Row((f"Cats {n} are good.", "They bring joy."), triples, view, label)


def test_the_control_keeps_heads_relations_and_tails_but_not_who_leads_where(ladder):
    rows = [row(ladder, n) for n in range(30)]
    mixed = [ladder.shuffled_row(one, n, 7) for n, one in enumerate(rows)]
    assert any(one != other for one, other in zip(rows, mixed, strict=True))
    for one, other in zip(rows, mixed, strict=True):
        assert [t[:2] for t in one.triples] == [t[:2] for t in other.triples]
        assert Counter(t[2] for t in one.triples) == Counter(t[2] for t in other.triples)


def test_the_regression_reads_relation_names(ladder):
    rows = [row(ladder, n) for n in range(40)]
    names = ["causes", "is a", "not causes"]
    counts = ladder.counted(rows, names)
    assert counts[0].tolist() == [0, 1, 1]
    stances = torch.tensor([one.stance for one in rows])
    model = ladder.fitted(counts, stances, 1e-3)
    assert (model(counts).argmax(1) == stances).all()
    # at the least loss the gradient is that of the squared weights alone, taken away again
    loss = torch.nn.functional.cross_entropy(model(counts), stances)
    [gradient] = torch.autograd.grad(loss, model.weight)
    torch.testing.assert_close(gradient, -2e-3 * model.weight.detach(), atol=1e-3, rtol=0.05)


def test_the_table_has_a_line_for_each_rung(ladder):
    def cell(mode, seed, value):
        score = {"value": value, "standard_error": 0.02, "n": 554}
        return {"mode": mode, "seed": seed, "accuracy": {"val": score, "test": score}, "minutes": 1}

    lines = ladder.table([cell("text", 0, 0.75), cell("text", 1, 0.85), cell("majority", 0, 0.5)])
    assert [line.split()[:4] for line in lines.splitlines()[1:]] == [
        ["majority", "1", "0.5000", "0.5000"],
        ["text", "2", "0.8000", "0.8000"],
    ]
    assert "0.0500" in lines


@pytest.mark.slow
def test_every_rung_is_made_once(ladder, tmp_path, monkeypatch, capsys):
    lines = ["arg1\targ2\tlabel\tgraph"]
    for n in range(25):
        label, relation = ("support", "causes") if n % 2 else ("counter", "not causes")
        graph = f"(cats {n}; {relation}; joy)(joy; is a; good)(good; has; use)"
        lines.append(f"Cats {n} are good.\tThey bring joy.\t{label}\t{graph}")
    (tmp_path / "train_dev.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    options = ("--data", str(tmp_path), "--out", str(tmp_path / "out"), "--seed", "0")
    command = ["explagraphs.py", *options, "--epochs", "1", "--precision", "no"]
    monkeypatch.setattr(sys, "argv", command)
    ladder.main()
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 2 * len(ladder.MODES) + 1
    ladder.main()
    assert len(capsys.readouterr().out.splitlines()) == len(ladder.MODES) + 1
