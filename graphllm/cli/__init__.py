"""The command line: one file per command, loaded when it is used."""

from graphllm.cli.group import cli, main

__all__ = ["cli", "main"]
