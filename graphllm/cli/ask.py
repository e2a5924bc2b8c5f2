"""``graphllm ask``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphllm.cli.console import bold, note, say
from graphllm.cli.group import NOT_IN_GRAPH
from graphllm.cli.opening import graph_options, open_graph, refuse_swapped

if TYPE_CHECKING:
    from graphllm.answer import Answer


@click.command()
@graph_options
@click.argument("question", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--why", is_flag=True, help="Also: how it was understood, and what else it could be.")
@click.option("--plan", is_flag=True, help="Also: the plan, as text, Cypher and SPARQL.")
@click.option("--subgraph", is_flag=True, help="Also: every cited edge, tab-separated.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page.")
@click.option("--run", "plan_text", metavar="PLAN", help="Run this plan in place of a question.")
def ask(
    graph: str,
    question: tuple[str, ...],
    mapping: str | None,
    format_: str | None,
    as_json: bool,
    why: bool,
    plan: bool,
    subgraph: bool,
    html: Path | None,
    plan_text: str | None,
) -> int:
    """Answer one QUESTION from a graph, with the edges the answer stands on.

    The answer goes to stdout; exit code 3 says that the graph does not hold it. Quotes keep the
    shell away from question marks.

    \b
    Examples:
      graphllm ask films.csv "who directed the films that Brad Pitt starred in?"
      graphllm ask films.csv "how many films did Kurosawa direct?" --why
      graphllm ask films.gllm "who wrote Alien?" --json | jq -r '.entities[]'
      graphllm ask data.csv "who knows Ada?" --map "head=from,relation=how,tail=to"
      graphllm ask films.csv "who wrote Alien?" --plan   # prints a plan, which replays:
      graphllm ask films.csv --run 'PLAN'
    """
    if question and plan_text is not None:
        raise click.UsageError("give a question or --run, not both")
    if not question and plan_text is None:
        raise click.UsageError("give a question, or a plan with --run")
    refuse_swapped(graph, question)
    qa = open_graph(graph, mapping, format_)
    answer = qa.run(plan_text) if plan_text is not None else qa.ask(" ".join(question))
    if html:
        _write_page(answer, html)
    if as_json:
        say(json_text(answer))
    else:
        _print(answer, why=why, plan=plan, subgraph=subgraph)
    return 0 if answer else NOT_IN_GRAPH


def _print(answer: "Answer", *, why: bool, plan: bool, subgraph: bool) -> None:
    from graphllm.answer.answer import SHOWN_CITATIONS

    if answer:
        say(emphasized(answer))
    else:
        note(str(answer))
    if why:
        proof_was_cut = len(answer.citations) > SHOWN_CITATIONS
        say(f"\n{why_text(answer, proof=proof_was_cut)}")
    if plan and answer.plan:
        say(f"\n{plan_text_of(answer)}")
    if subgraph:
        say(f"\n{subgraph_text(answer)}")


def emphasized(answer: "Answer") -> str:
    """Return the answer as printed, its first line in bold."""
    first, *rest = str(answer).split("\n")
    return "\n".join([bold(first), *rest])


def why_text(answer: "Answer", *, proof: bool = True) -> str:
    """Return how the question was understood, how surely, why, and what else it could mean."""
    from graphllm.graph.plain import plain

    lines = []
    if answer.abstained:
        lines += ["no answer:", indented(str(answer))]
    if answer.plan:
        lines += ["understood as:", indented(answer.plan.words)]
    elif answer.abstained:
        lines.append(f"understood as: {_NOT_READ[answer.abstained.reason]}")
    if answer:
        lines.append(f"confidence: {answer.confidence:.2f}")
    if answer.citations and proof:
        lines += ["because:", *answer.proof(shown=len(answer.citations))]
    if answer.alternatives:
        lines.append("could also mean:")
        for other in answer.alternatives:
            in_one_line = plain(" ".join(other.words.split("\n")))
            lines += [f"  {in_one_line}  ({other.confidence:.2f})", f"    {plain(other.text)}"]
    if answer.timings:
        took = ", ".join(f"{stage} {s * 1000:.0f} ms" for stage, s in answer.timings.items())
        lines.append(f"took: {took}")
    return "\n".join(lines)


_NOT_READ = {
    "no_entity": "nothing; no words of it are a name in this graph",
    "no_relation": "something about what is named above; nothing is known that leads from it",
    "no_edge": "something about what is named above; there is no such fact",
    "not_sure": "something about what is named above; its other words fit no relation well enough",
    "not_understood": "nothing that this graph could be asked",
}


def indented(text: str) -> str:
    """Return the lines of ``text``, each moved to the right and safe to show."""
    from graphllm.graph.plain import plain

    return "\n".join(f"  {plain(line)}" for line in text.split("\n"))


def plan_text_of(answer: "Answer") -> str:
    """Return the plan in its notations."""
    from graphllm.graph.plain import plain

    if answer.plan is None:
        return f"there is no plan, because there is no answer: {plain(answer.text)}"
    parts = [f"plan: {plain(answer.plan.text)}"]
    for label, text in (("Cypher", answer.plan.cypher), ("SPARQL", answer.plan.sparql)):
        if text:
            parts += [f"\n{label}:", indented(text)]
    return "\n".join(parts)


def subgraph_text(answer: "Answer") -> str:
    """Return every cited edge as ``head<TAB>relation<TAB>tail``."""
    from graphllm.graph.plain import plain

    rows = ((c.head, c.relation, c.tail) for c in answer.citations)
    return "\n".join("\t".join(map(plain, row)) for row in rows)


def json_text(answer: "Answer") -> str:
    """Return the answer as JSON that is safe to show on a terminal."""
    import json

    from graphllm.graph.plain import plain_json

    return plain_json(json.dumps(answer.to_dict(), ensure_ascii=False, indent=2))


def _write_page(answer: "Answer", path: Path) -> None:
    from html import escape

    from graphllm.errors import ConfigError
    from graphllm.graph.plain import plain

    title = escape(plain(answer.question))
    page = (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><h1>{title}</h1>{answer._repr_html_()}</body></html>\n"
    )
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error
    print(f"wrote {path}", file=sys.stderr)
