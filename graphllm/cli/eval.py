"""``graphllm eval``."""

import click

from graphllm.cli.console import note, say


@click.command(name="eval")
@click.argument("suite")
def evaluate() -> None:
    """x."""
