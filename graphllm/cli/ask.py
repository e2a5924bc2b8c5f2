"""``graphllm ask``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphllm.cli.console import bold, note, say
from graphllm.cli.group import NOT_IN_GRAPH
from graphllm.cli.model import ModelChoice, model_options
from graphllm.cli.opening import graph_options, max_error_option, open_graph, refuse_swapped

if TYPE_CHECKING:
    from graphllm.answer import Answer, Usage
    from graphllm.tasks import GraphQA


@click.command()
@graph_options
@click.argument("question", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--why", is_flag=True, help="Also: how it was understood, and what else it could be.")
@click.option("--plan", is_flag=True, help="Also: the plan, as text, Cypher and SPARQL.")
@click.option("--subgraph", is_flag=True, help="Also: every cited edge, tab-separated.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page: the proof, drawn.",
)
@click.option("--run", "plan_text", metavar="PLAN", help="Run this plan in place of a question.")
@max_error_option
@model_options
@click.option(
    "--dry-run", is_flag=True, help="Send nothing: print what would be sent, or what is found."
)
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
    max_error: float | None,
    dry_run: bool,
    model: ModelChoice,
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
      graphllm ask films.csv "who wrote Alien?" --max-error 0.05   # answers only when that sure
      graphllm ask films.csv "who wrote Alien?" --llm llama3.2 --llm-url http://localhost:11434/v1
      graphllm ask films.csv "who wrote Alien?" --llm gpt-5-mini --dry-run   # sends nothing
      graphllm ask films.csv "who wrote Alien?" --retriever ppr --dry-run    # the facts it finds

    Without --llm, nothing is sent anywhere. With it, the model is shown facts of the graph and must
    cite them; one line says what is sent, and to where. What it cites is checked like any answer.
    """
    if question and plan_text is not None:
        raise click.UsageError("give a question or --run, not both")
    if not question and plan_text is None:
        raise click.UsageError("give a question, or a plan with --run")
    if plan_text is not None and (model.llm is not None or dry_run):
        raise click.UsageError(
            "a plan is run here, and nothing sent: leave out --llm and --dry-run"
        )
    model.refuse_without_model(dry_run=dry_run)
    refuse_swapped(graph, question)
    qa = open_graph(graph, mapping, format_, model, dry_run=dry_run, max_error=max_error)
    if dry_run:
        say(_rehearsal(qa, " ".join(question), with_model=model.llm is not None, as_json=as_json))
        return 0
    answer = qa.run(plan_text) if plan_text is not None else qa.ask(" ".join(question))
    if html:
        _write_page(answer, html)
    if as_json:
        say(json_text(answer))
    else:
        _print(answer, why=why, plan=plan, subgraph=subgraph)
    return 0 if answer else NOT_IN_GRAPH


def _rehearsal(qa: "GraphQA", question: str, *, with_model: bool, as_json: bool) -> str:
    """Return what would be sent to a model; without one, the facts it would be shown."""
    from graphllm.cli import rehearsal

    if with_model:
        estimate = qa.estimate(question)
        return rehearsal.estimate_json(estimate) if as_json else rehearsal.estimate_text(estimate)
    found = qa.retrieve(question)
    show = rehearsal.facts_json if as_json else rehearsal.facts_text
    return show(found, qa.view)


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
    if answer.resolved:
        lines += ["asked as:", indented(answer.resolved)]
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
    if answer.usage.calls:
        lines.append(f"language model: {usage_text(answer.usage)}")
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
    "no_reply": "a question for the language model, whose reply is of no use",
}


def usage_text(usage: "Usage") -> str:
    """Return what a language model was asked for, in words."""
    calls = f"{usage.calls} call{'' if usage.calls == 1 else 's'}"
    told = f"{usage.prompt_tokens:,} prompt tokens"
    return f"{calls}, {told}, {usage.completion_tokens:,} reply tokens"


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
    """Write the answer's page; a file of that name is replaced, or else left as it was."""
    from graphllm.graph.plain import plain
    from graphllm.io.writers import write_whole

    write_whole(path, [answer.to_html().rstrip("\n")])
    note(f"wrote {plain(str(path))}")
