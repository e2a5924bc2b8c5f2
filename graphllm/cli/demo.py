"""``graphllm demo``."""

import click

from graphllm.cli.console import bold, dim, note, say

QUESTION = "Who discovered the elements named after Marie Curie?"


@click.command()
def demo() -> None:
    """Ask the shipped example graph a question; needs no network and no files.

    \b
    Example:
      graphllm demo
    """
    import time

    from graphllm.cli.ask import emphasized, indented
    from graphllm.cli.opening import open_graph

    start = time.perf_counter()
    qa = open_graph("discoveries", None, None)
    say(f"{qa.describe()}\n")
    say(f"{dim('question')}  {bold(QUESTION)}")
    answer = qa.ask(QUESTION)
    say(f"{dim('answer')}    {emphasized(answer)}")
    if answer.plan:
        say(f"\n{dim('understood as')}\n{indented(answer.plan.words)}")
    say("\nTry next:")
    for question in qa.suggest(3):
        say(f'  graphllm ask discoveries "{question}"')
    say("  graphllm chat discoveries")
    say('  graphllm ask YOUR_FILE.csv "your question"')
    note(f"({time.perf_counter() - start:.1f} s, nothing left this machine)")
