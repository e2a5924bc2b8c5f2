"""``graphllm eval``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphllm.cli.console import note, progress, say
from graphllm.cli.group import LazyGroup
from graphllm.cli.model import ModelChoice, model_options
from graphllm.cli.opening import max_error_option

if TYPE_CHECKING:
    from graphllm.evaluate import Report, Suite
    from graphllm.evaluate.runner import Progress, System
    from graphllm.graph import GraphView
    from graphllm.index.progress import Progress as StageProgress
    from graphllm.llm import LanguageModel
    from graphllm.tasks import GraphQA

NAIVE = ("nearest_node", "nearest_relation")
TEXT_ONLY = ("zero_shot", "zero_cot", "cot_bag", "kaping")
READERS = ("plan", "lm", *TEXT_ONLY, *NAIVE)
BATCH = 16  # questions that a language model is asked at once
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group(name="eval", cls=LazyGroup)
def evaluate() -> None:
    """Measure how well questions are answered: of a published benchmark, or of your own graph.

    \b
    Examples:
      graphllm eval own films.csv                      questions built from your own graph
      graphllm eval metaqa-2hop --data ~/data          a published benchmark
      graphllm eval scenes --limit 50                  invented scenes, which need no data
    """


evaluate.table = {"own": "graphllm.cli.own:own"}
evaluate.default = "suite"


@evaluate.command()
@click.argument("suite")
@click.option("--data", type=FOLDER, help="Where the data sets are; $GRAPHLLM_DATA otherwise.")
@click.option("--split", help="test when left out; dev, or val and train, where there is one.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only a sample of this many.")
@click.option("--seed", default=0, show_default=True, help="Draws the sample.")
@click.option("--out", type=FOLDER, help="Keep predictions and report; a broken-off run goes on.")
@click.option("--against", type=FOLDER, help="A kept run to compare with (paired bootstrap).")
@click.option(
    "--reader",
    type=click.Choice(READERS),
    help="Who answers: graphllm by plan, or with --llm by language model (lm); a published"
    " baseline with --llm that checks nothing; or a naive one.",
)
@max_error_option
@model_options
def suite(
    suite: str,
    data: Path | None,
    split: str | None,
    limit: int | None,
    seed: int,
    out: Path | None,
    against: Path | None,
    reader: str | None,
    max_error: float | None,
    model: ModelChoice,
) -> None:
    """Ask every question of SUITE and print how many answers are right; `suite` may be left out.

    The data sets are not part of graphllm: give the folder that holds them as they are published.
    Suites over one graph: metaqa-1hop, metaqa-2hop, metaqa-3hop, pathquestion-2h, pathquestion-3h,
    pql-2h, pql-3h, and grailqa over the triples of Freebase that you bring. Each question over its
    own graph: graphqa-explagraphs, graphqa-scenegraphs, graphqa-webqsp, cwq, webqsp-subgraphs,
    webqsp-subgraphs-refined, scored as published and strictly. Invented, without data: scenes,
    scenes-200, scenes-2000, scenes-20000 (nodes a graph), scenes-described (long texts).

    \b
    Examples:
      graphllm eval suite metaqa-2hop --data ~/data --split dev --limit 500
      graphllm eval metaqa-2hop --data ~/data --out runs/new --against runs/old
      graphllm eval webqsp-subgraphs --data ~/data --reader nearest_relation
      graphllm eval webqsp-subgraphs --data ~/data --llm ./model --reader zero_cot
    """
    import numpy as np

    from graphllm.errors import ConfigError
    from graphllm.evaluate import compare, comparison_table, load_suite

    if against and not out:
        raise ConfigError("--against compares with a kept run; keep this one too, with --out")
    reader = reader or ("lm" if model.llm else "plan")
    _refuse_what_does_not_fit(reader, model, max_error)
    questions = load_suite(suite, data, split)
    note(f"{len(questions):,} questions over {questions.graph_path}")
    report = _Run(suite=questions, reader=reader, model=model, max_error=max_error).ask(
        limit, seed, out
    )
    say(report.table())
    if against and out:
        say()
        say(comparison_table(compare(against, out, np.random.default_rng(seed))))


def _refuse_what_does_not_fit(reader: str, model: ModelChoice, max_error: float | None) -> None:
    asks_model = reader == "lm" or reader in TEXT_ONLY
    if asks_model and model.llm is None:
        raise click.UsageError(f"--reader {reader} needs --llm")
    if not asks_model and model.llm is not None:
        raise click.UsageError(f"--reader {reader} asks no language model; leave --llm out")
    if max_error is not None and reader != "plan":
        raise click.UsageError(f"--max-error is for answers by plan, not for --reader {reader}")
    model.refuse_without_model()


@dataclass(frozen=True, kw_only=True)
class _Run:
    """A suite and who answers it."""

    suite: "Suite"
    reader: str
    model: ModelChoice
    max_error: float | None = None

    def ask(self, limit: int | None, seed: int, out: Path | None) -> "Report":
        from graphllm.evaluate import run_system

        llm = self.model.load()
        if llm is not None and llm.sends_to:
            note(f"questions and facts of the graph are sent to {llm.sends_to} ({llm.id})")
        with progress() as show:
            shown: Progress = lambda done, total: show("questions", done, total)  # noqa: E731
            qa = None if self.suite.graph_of else self._one_graph(llm, show)
            return run_system(
                self.suite,
                self._system(llm, qa),
                batch_size=1 if llm is None else BATCH,
                limit=limit,
                seed=seed,
                out=out,
                graph_hash=qa.view.content_hash if qa else "",
                about=self._about(llm),
                progress=shown,
            )

    def _one_graph(self, llm: "LanguageModel | None", show: "StageProgress") -> "GraphQA":
        from graphllm.errors import ConfigError
        from graphllm.tasks import GraphQA

        if self.reader in NAIVE:
            raise ConfigError(
                f"--reader {self.reader} is for suites in which each question has its own graph"
            )
        return GraphQA.from_file(
            self.suite.graph_path,
            progress=show,
            llm=llm,
            retriever=self._retriever(),
            max_tokens=self.model.max_tokens,
            prompts=self.model.prompts,
            max_error=self.max_error,
        )

    def _retriever(self) -> str:
        from graphllm.retrieval.retrievers import DEFAULT_RETRIEVER

        return self.model.retriever or ("triples" if self.reader == "kaping" else DEFAULT_RETRIEVER)

    def _system(self, llm: "LanguageModel | None", qa: "GraphQA | None") -> "System":
        from graphllm.index import Names
        from graphllm.tasks import GraphQA
        from graphllm.tasks import evaluation as systems
        from graphllm.text.encoder import load_encoder
        from graphllm.text.remembering import Remembering

        if self.reader in NAIVE:
            return systems.naive_system(self.reader, load_encoder())
        if qa is not None and self.reader not in TEXT_ONLY:
            return systems.batch_system(qa)
        encoder, retriever = Remembering(load_encoder()), self._retriever()

        def make(view: "GraphView") -> GraphQA:
            return GraphQA(
                view,
                Names.build(view),
                encoder,
                llm=llm,
                retriever=retriever,
                max_tokens=self.model.max_tokens,
                prompts=self.model.prompts,
                max_error=self.max_error,
            )

        qa_of = systems.on_own_graph(make) if qa is None else lambda _: qa
        if self.reader not in TEXT_ONLY or llm is None:
            return systems.own_graph_system(qa_of)
        from graphllm.readers.text_only import TextOnly

        limits = {} if self.model.max_tokens is None else {"max_tokens": self.model.max_tokens}
        baseline = TextOnly(name=self.reader, llm=llm, prompts=self.model.prompts, **limits)
        return systems.text_only_system(baseline, qa_of)

    def _about(self, llm: "LanguageModel | None") -> dict[str, str]:
        """Return what made the answers; nothing for the plan reader as it is by itself."""
        from graphllm.assets import prompt_file

        if self.reader == "plan":
            return {} if self.max_error is None else {"max_error": f"{self.max_error:g}"}
        if llm is None:
            return {"reader": self.reader}
        from hashlib import sha256

        names = ("answer", "plan", "plan_repair") if self.reader == "lm" else (self.reader,)
        texts = [prompt_file(f"graph_qa/{n}", folder=self.model.prompts).text for n in names]
        return {
            "reader": self.reader,
            "model": llm.id,
            "retriever": self._retriever(),
            "max_tokens": str(self.model.max_tokens or "default"),
            "prompts_sha256": sha256("\0".join(texts).encode()).hexdigest()[:16],
        }
