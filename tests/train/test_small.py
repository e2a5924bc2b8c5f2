"""Training of graphllm-small from where it starts."""

import numpy as np
import pytest
import torch

from graphllm.graph import TextualGraph
from graphllm.llm.small import fast_tokenizer, start_model
from graphllm.llm.small.replies import SmallReply
from graphllm.train.settings import TrainSettings
from graphllm.train.small import SmallBatches, SmallTraining, collated, tokenized, train_small
from graphllm.train.small_examples import AskedFacts, of_graph
from graphllm.train.small_scores import replies, right_reply, scored

RELATIONS = ("directed by", "born in", "member of", "made of")


def count(text):
    return len(fast_tokenizer().encode(text, add_special_tokens=False).ids)


@pytest.fixture(scope="module")
def tokens():
    """Questions of one fact over a graph of a few relations."""
    names = [f"{a} {b}" for a in ("red", "blue", "old", "new") for b in ("river", "stone", "house")]
    rows = [
        (name, relation, f"{relation.split()[0]} {i}")
        for i, name in enumerate(names)
        for relation in RELATIONS
    ]
    view = TextualGraph.from_triples(rows)
    rng = np.random.default_rng(0)
    asked = [
        AskedFacts(
            f"what is {head} {relation}?",
            ((8, 8 + len(head), (int(view.heads[edge]),)),),
            (int(view.tails[edge]),),
            "",
            (edge,),
            "path",
            1,
        )
        for edge, (head, relation, _) in enumerate(rows)
    ]
    return tokenized(list(of_graph(view, asked, rng, count, source="test")))


def test_scores_of_hand_made_replies():
    right = [
        SmallReply((1,), (2, 3)),
        SmallReply((1, 2), (4,)),
        SmallReply(words="none"),
        SmallReply((3,), words="yes"),
    ]
    given = [
        SmallReply((1, 2), (3, 2)),
        SmallReply(words="none"),
        SmallReply(words="none"),
        SmallReply((3,), words="no"),
    ]
    scores = scored(right, given)
    assert scores.num == 4
    assert scores.exact == 2 / 4
    assert scores.hits_at_1 == 1 / 2
    assert scores.cited == pytest.approx((1 / 2 + 1) / 2)
    assert scores.cites_found == pytest.approx((1 + 0 + 1) / 3)
    assert scores.abstains == 1
    assert scores.answers == pytest.approx(2 / 3)
    assert scored(right, right).exact == 1


@pytest.mark.slow
def test_the_loss_is_that_of_the_whole_vocabulary(tokens):
    module = SmallTraining(start_model(num_decoder_layers=1), mark_weight=0.0).eval()
    with torch.no_grad():
        module.rows.add_(0.1 * torch.randn(module.rows.shape))
        module.bias.add_(torch.randn(module.bias.shape))
    module.put()
    batch = collated(SmallBatches(tokens, [(1, [48])], max_tokens=96)[0])
    with torch.no_grad():
        out = module.model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            decoder_input_ids=batch.decoder_ids,
        ).logits
        naive = torch.nn.functional.cross_entropy(out.flatten(0, 1), batch.labels.flatten())
        assert float(module(batch)) == pytest.approx(float(naive), abs=1e-3)


@pytest.mark.slow
def test_a_few_dozen_steps_lower_the_loss(tokens):
    module = SmallTraining(start_model(num_decoder_layers=2))
    batches = SmallBatches(tokens, [(1 << 60, [48])], max_tokens=480)
    losses = []
    settings = TrainSettings(num_steps=40, learning_rate=5e-4, precision="no")
    train_small(module, batches, settings, on_step=lambda progress: losses.append(progress.loss))
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])
    rows = batches[0]
    found = replies(module.model, rows)
    assert len(found) == len(rows)
    assert scored([right_reply(row) for row in rows], found).num == len(rows)
