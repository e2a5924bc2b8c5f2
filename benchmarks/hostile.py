"""A hundred hostile graphs and questions through the whole of graphllm.

    python benchmarks/hostile.py [--seed 0] [--only TEXT ...] [--out DIR]

Each case is read, asked by plan (printed, as JSON, with the proof, as a page) and asked with a
language model that obeys every injected order and lies. Checked of each: no control code reaches
stdout or stderr; no page holds a tag, an attribute or an address that is not its own; whatever is
answered stands on edges of the graph that say so; nothing outside the file is read and nothing is
written; each road ends in 20 s of the processor, and in 3 GB. The process that works on a case is
killed when all of its 17 roads take three minutes.
"""

import argparse
import contextlib
import gc
import io
import json
import multiprocessing
import os
import re
import resource
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

from hostile_cases import CANARY, ORDER, Case, cases

LIMIT_S = 20.0  # of the processor, for one question on one road
CASE_S = 180.0
START_S = 60.0  # until a worker is ready
MEMORY_BYTES = 3 * 2**30
# what acts on a terminal; bold and dim, which graphllm writes itself, are taken out before
ACTS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
OWN_STYLE = re.compile("\x1b\\[[012]?m")
CODES = {0: "answered", 1: "refused", 2: "usage", 3: "not in the graph"}

LIES = (
    json.dumps({"answers": [ORDER], "cites": [1], "abstain": None}),
    json.dumps({"answers": [ORDER, "Bo"], "cites": [1, 2, 3, -1, 0, 10**9], "abstain": None}),
    json.dumps({"answers": [ORDER], "cites": [f"[1] Ada | knows | {ORDER}"], "abstain": None}),
    json.dumps({"answers": [ORDER], "cites": [ORDER], "abstain": None}),
    json.dumps({"answers": ["\x1b[31mBo\u202e<script>"], "cites": [1], "abstain": "\x1b]0;x\x07"}),
    json.dumps({"answers": ["42"], "cites": [1], "abstain": None}),
    json.dumps({"answers": ["yes"], "cites": [1], "abstain": None}),
    f'entities("{ORDER}")',
    f'follow(entities("{ORDER}"), "knows")',
    '{"answers": [' * 2_000,
    "[" * 50_000,
    f"Answer: {ORDER}",
    "",
    "\x00\x1b[2J" * 100,
)


class Liar:
    """A language model that obeys every order it finds in a prompt, and else says what it likes."""

    id, context_tokens, sends_to = "liar", None, ""

    def __init__(self, lie: str) -> None:
        self.lie = lie
        self.asked = 0

    def count_tokens(self, text: str) -> int:
        return len(text) // 3 + 1

    def generate(self, prompts, decoding=None):
        from graphllm.answer import Usage
        from graphllm.llm import Generation

        self.asked += len(prompts)
        return [Generation(text=self.lie, usage=Usage(calls=1)) for _ in prompts]

    def stream(self, prompt, decoding=None) -> Iterator[str]:
        yield self.lie


def check(case: Case, folder: Path, limit_s: float = LIMIT_S) -> dict[str, object]:
    """Send one case down every road; returns what happened, with a list of what is wrong."""
    roads = Roads()
    (folder / "canary.txt").write_text(CANARY)
    path = case.write(folder)
    before = sorted(p.name for p in folder.iterdir())
    os.chdir(folder)
    wrong: list[str] = []
    with roads.timed("printed"):
        code = _ask(path, case, ["--why", "--plan", "--subgraph"], wrong)
    with roads.timed("json"):
        _ask(path, case, ["--json"], wrong)
    answered = 0
    if code in (0, 3):
        answered = _language_model(path, case, roads, wrong)
    elif not case.may_be_refused:
        wrong.append(f"a graph that is none too bad was not read ({CODES.get(code, code)})")
    after = sorted(p.name for p in folder.iterdir())
    if after != [*before, *(["page.html"] if "page.html" in after else [])] and after != before:
        wrong.append(f"files appeared: {sorted(set(after) - set(before))}")
    slowest = max(roads.seconds, key=roads.seconds.__getitem__)
    if roads.seconds[slowest] > limit_s:
        wrong.append(f"{slowest} took {roads.seconds[slowest]:.0f} s")
    return {
        "end": CODES.get(code, str(code)),
        "lies": answered,
        "slowest_s": round(roads.seconds[slowest], 2),
        "wrong": wrong,
    }


class Roads:
    """Processor seconds of each road a case is sent down: other work on the machine is no fault."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def timed(self, road: str) -> Iterator[None]:
        start = time.process_time()
        yield
        took = time.process_time() - start
        self.seconds[road] = max(took, self.seconds.get(road, 0.0))


def _ask(path: Path, case: Case, options: Sequence[str], wrong: list[str]) -> int:
    """Run ``graphllm ask`` on the case and look at all that it prints."""
    from graphllm.cli.group import main

    out, err = _Terminal(), _Terminal()
    code: object = "no exit"
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(["ask", str(path), *options, "--", case.question])
        except SystemExit as done:
            code = done.code
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            wrong.append(f"{' '.join(options)}: {type(error).__name__}: {str(error)[:200]}")
            wrong.append(traceback.format_exc()[-600:])
            return 70
    printed = OWN_STYLE.sub("", out.getvalue()) + err.getvalue()
    if found := ACTS.search(printed):
        wrong.append(f"{' '.join(options)}: {found[0]!a} was printed")
    if CANARY in printed or "root:x:0" in printed:
        wrong.append("another file was read")
    said = [line for line in err.getvalue().splitlines() if line.startswith("graphllm: ")]
    if code == 1 and len(said) != 1:
        wrong.append(f"{len(said)} lines say what is wrong")
    if options == ["--json"] and code in (0, 3):
        json.loads(OWN_STYLE.sub("", out.getvalue()))
    return code if isinstance(code, int) else 70


class _Terminal(io.StringIO):
    """What is written as to a terminal; nothing is taken out for a file's sake."""

    def isatty(self) -> bool:
        return False


@cache
def shared_encoder():
    """One encoder for all cases of a process: what is measured is not how it is loaded."""
    from graphllm.text.encoder import load_encoder

    return load_encoder()


def _language_model(path: Path, case: Case, roads: Roads, wrong: list[str]) -> int:
    """Ask by plan and with every liar; returns how many lies still led to an answer."""
    from graphllm import GraphQA
    from graphllm.errors import DataError, GraphLLMError

    encoder = shared_encoder()
    view = GraphQA.from_file(path).view
    qa = GraphQA(view, view.lexicon, encoder)
    answers = []
    with contextlib.suppress(DataError), roads.timed("plan"):
        answers.append(qa.ask(case.question))
    for lie in LIES:
        liar = Liar(lie)
        lied = GraphQA(view, view.lexicon, encoder, llm=liar)
        try:
            with roads.timed("language model"):
                answers.append(lied.ask(case.question))
        except DataError:  # the question is none
            break
        except GraphLLMError:
            continue
    for answer in answers:
        _check_answer(answer, qa.view, wrong)
    for answer in answers[:2]:
        with roads.timed("page"):
            html = answer.to_html()
        Path("page.html").write_text(html, "utf-8")
        check_page(html, wrong)
        check_page(answer._repr_html_(), wrong, notebook=True)
    return sum(bool(answer) for answer in answers[1:])


def _check_answer(answer, view, wrong: list[str]) -> None:
    """Hold an answer against the graph, without the code that made it."""
    if found := ACTS.search(str(answer).replace("\n", " ")):
        wrong.append(f"str(answer) holds {found[0]!a}")
    if not answer:
        if answer.entities or answer.citations:
            wrong.append("an abstention has entities or citations")
        return
    said = set()
    for cited in answer.citations:
        said |= {cited.head, cited.tail, *(value for _, value in cited.attributes)}
        if cited.edge is None:
            continue
        edge = cited.edge
        true = (
            view.names[int(view.heads[edge])],
            view.relations[int(view.relation_ids[edge])],
            view.names[int(view.tails[edge])],
        )
        if (cited.head, cited.relation, cited.tail) != true:
            wrong.append(f"edge {edge} does not say {ascii(cited.relation)[:80]}")
    nodes = set(view.names)
    for entity in answer.entities:
        if entity == ORDER and entity not in nodes:
            wrong.append(f"{ORDER} survived")
        if entity not in said and answer.plan is None:
            wrong.append(f"{ascii(entity)[:80]} is answered, and stands on nothing")


def check_page(html: str, wrong: list[str], *, notebook: bool = False) -> None:
    """Look for whatever in a page could act or fetch."""
    if found := ACTS.search(html):
        wrong.append(f"page: {found[0]!a}")
    seen = _Tags()
    seen.feed(html)
    scripts = sum(tag == "script" for tag, _ in seen.tags)
    allowed = 0 if notebook else 3
    if scripts > allowed:
        wrong.append(f"page: {scripts} scripts")
    for tag, attributes in seen.tags:
        for name, value in attributes:
            text = "".join((value or "").split()).lower()
            if name.startswith("on") or text.startswith(("javascript:", "vbscript:", "http", "//")):
                is_namespace = name.startswith("xmlns")
                if not is_namespace:
                    wrong.append(f"page: <{tag} {name}={(value or '')[:60]!r}>")
        if tag in ("iframe", "object", "embed", "base", "form", "img", "a") and not notebook:
            wrong.append(f"page: <{tag}>")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, attrs))


# Processes


def _work(pipe, seed: int) -> None:
    """Answer numbers of cases until told to stop; memory is bounded."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    shared_encoder().encode(["warm"])
    made = cases(seed)
    pipe.send("ready")
    while (number := pipe.recv()) is not None:
        with TemporaryDirectory() as folder, TemporaryDirectory() as cache:
            os.environ["GRAPHLLM_CACHE"] = cache
            start = time.perf_counter()
            try:
                result = check(made[number], Path(folder))
            except BaseException:  # noqa: BLE001 - a crash is a finding
                problem = traceback.format_exc()[-900:]
                result = {"end": "crash", "lies": 0, "slowest_s": 0.0, "wrong": [problem]}
            os.chdir("/")
            gc.collect()
            result["seconds"] = round(time.perf_counter() - start, 2)
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        pipe.send({**result, "peak_mb": used // 1024})


class Worker:
    """A process that works on cases, replaced when one of them kills it or takes too long."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, self.seed), daemon=True)
        self.process.start()
        theirs.close()
        if not self.pipe.poll(START_S) or self.pipe.recv() != "ready":
            raise RuntimeError("the worker did not start")

    def run(self, number: int, limit_s: float = CASE_S) -> dict[str, object]:
        """Return what became of a case."""
        self.pipe.send(number)
        try:
            if self.pipe.poll(limit_s):
                return self.pipe.recv()
            what = f"did not end in {limit_s:.0f} s"
        except EOFError:
            what = "killed the process"
        self.close()
        self._start()
        lost = {"end": "lost", "lies": 0, "slowest_s": limit_s, "wrong": [what]}
        return {**lost, "seconds": limit_s, "peak_mb": 0}

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", help="Only cases with this in their name.")
    parser.add_argument("--case-s", type=float, default=CASE_S, help="Seconds of one case.")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    worker, rows = Worker(options.seed), []
    for number, case in enumerate(cases(options.seed)):
        if options.only and not any(text in case.name for text in options.only):
            continue
        rows.append({"case": case.name, **worker.run(number, options.case_s)})
        row = rows[-1]
        print(
            f"{row['seconds']:6.2f} s, slowest road {row['slowest_s']:5.2f} s {row['peak_mb']:5} MB"
            f"  {row['lies']:2} lies answered  {row['end']:16} {case.name}",
            flush=True,
        )
        for problem in row["wrong"]:
            print(f"         WRONG: {problem}")
    worker.close()
    bad = sum(bool(row["wrong"]) for row in rows)
    slowest = max(row["slowest_s"] for row in rows)
    peak = max(row["peak_mb"] for row in rows)
    print(
        f"{len(rows)} cases, {bad} with something wrong; slowest road {slowest:.1f} s,"
        f" peak memory {peak} MB"
    )
    if options.out:
        from graphllm.evaluate.provenance import Provenance

        options.out.mkdir(parents=True, exist_ok=True)
        report = {"seed": options.seed, "cases": rows, **asdict(Provenance())}
        text = json.dumps(report, ensure_ascii=True, indent=2)
        (options.out / "hostile.json").write_text(text + "\n", encoding="utf-8")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
