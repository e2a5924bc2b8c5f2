"""What ``ask --dry-run`` prints: what would be sent to a language model, or shown to one.

As JSON an estimate has the keys

    schema      "graphllm.estimate/1"
    model       its name
    sends_to    the address of its server; "" when nothing leaves this machine
    prompts     [{name, tokens, facts, holds, messages: [{role, text}]}]: what it may be asked
    usage       {calls, prompt_tokens, completion_tokens}: all of it, at most

and the facts that a retriever finds

    schema      "graphllm.facts/1"
    facts       [{head, relation, tail, head_key, tail_key, edge, score}], best first
    reasons     why they were taken
    truncated   more would have borne on the question
"""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from graphllm.cli.console import bold

if TYPE_CHECKING:
    from graphllm.graph import GraphView, Subgraph
    from graphllm.readers.asking import Estimate


def estimate_text(estimate: "Estimate") -> str:
    """Return what would be asked, how long it is, and where it would go."""
    from graphllm.cli.ask import usage_text
    from graphllm.graph.plain import plain

    where = f"to {plain(estimate.sends_to)}" if estimate.sends_to else "nowhere: it runs here"
    lines = [bold(f"would go {where} ({plain(estimate.model)})")]
    width = max((len(asked.name) for asked in estimate.prompts), default=0)
    for asked, tokens in zip(estimate.prompts, estimate.prompt_tokens, strict=True):
        lines.append(f"  {asked.name:{width}}  {tokens:6,} tokens  {asked.holds}")
    if not estimate.prompts:
        lines.append("  nothing: no words of the question name anything in this graph")
    lines.append(f"at most {usage_text(estimate.usage)}; nothing was sent")
    return "\n".join(lines)


def estimate_json(estimate: "Estimate") -> str:
    """Return the same for programs, with the prompts themselves."""
    prompts = [
        {
            "name": asked.name,
            "tokens": tokens,
            "facts": asked.facts,
            "holds": asked.holds,
            "messages": [asdict(message) for message in asked.prompt.messages],
        }
        for asked, tokens in zip(estimate.prompts, estimate.prompt_tokens, strict=True)
    ]
    return _json(
        {
            "schema": "graphllm.estimate/1",
            "model": estimate.model,
            "sends_to": estimate.sends_to,
            "prompts": prompts,
            "usage": asdict(estimate.usage),
        }
    )


def facts_text(found: "Subgraph", view: "GraphView") -> str:
    """Return the facts, a line each, best first."""
    from graphllm.graph.plain import plain

    lines = [f"{len(found.edges):,} facts, best first" + (", of more" * found.truncated)]
    lines += [f"  ({plain(' '.join(reason.split()))})" for reason in found.reasons]
    for edge, _ in _ranked(found):
        head, relation, tail = (plain(part) for part in _named(edge, view))
        lines.append(f"  {head} --{relation}--> {tail}  [edge {edge}]")
    return "\n".join(lines)


def facts_json(found: "Subgraph", view: "GraphView") -> str:
    """Return the same for programs."""
    facts = []
    for edge, score in _ranked(found):
        head, relation, tail = _named(edge, view)
        ends = (int(view.heads[edge]), int(view.tails[edge]))
        head_key, tail_key = (view.keys[node] for node in ends)
        facts.append(
            {
                "head": head,
                "relation": relation,
                "tail": tail,
                "head_key": head_key,
                "tail_key": tail_key,
                "edge": edge,
                "score": round(score, 6),
            }
        )
    return _json(
        {
            "schema": "graphllm.facts/1",
            "facts": facts,
            "reasons": list(found.reasons),
            "truncated": found.truncated,
        }
    )


def _ranked(found: "Subgraph") -> list[tuple[int, float]]:
    pairs = zip(found.edges.tolist(), found.edge_scores.tolist(), strict=True)
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


def _named(edge: int, view: "GraphView") -> tuple[str, str, str]:
    head, tail = int(view.heads[edge]), int(view.tails[edge])
    return view.names[head], view.relations[int(view.relation_ids[edge])], view.names[tail]


def _json(data: object) -> str:
    from graphllm.graph.plain import plain_json

    return plain_json(json.dumps(data, ensure_ascii=False, indent=2))
