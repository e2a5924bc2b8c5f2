"""Write a subgraph as text within a budget of tokens."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from graphllm.errors import ConfigError
from graphllm.graph.layouts import Cells, Layout, Row, marks_of, node_row, rows_of
from graphllm.graph.strings import StringTable
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.view import GraphView

_CHARACTERS_PER_TOKEN = 32  # a name longer than this a token of the budget is not even counted
_FIRST_TRY = 32  # edges
MOST_REFERENCES = 160  # nodes that a text with references shows
_MISSES = 16  # lines about nodes that may be too long before no more are tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Textualized:
    """The text of a subgraph, and what it shows.

    Attributes:
        text: The lines; ``""`` when nothing fits.
        lines: The edges each numbered line states: line ``[n]`` states ``lines[n - 1]``. (CSV has
            no numbers: its n-th row of the second table.)
        nodes: The nodes that are named, ascending.
        num_tokens: Of the text alone.
        truncated: Something of the subgraph does not stand in the text, or did not stand in the
            subgraph.
        layout: How it is written.
        references: With references, the nodes they mean: ``[n1]`` the first. Some may not be shown.
    """

    text: str
    lines: tuple[tuple[int, ...], ...]
    nodes: tuple[int, ...]
    num_tokens: int
    truncated: bool
    layout: Layout
    references: tuple[int, ...] = ()

    @property
    def edges(self) -> tuple[int, ...]:
        """The edges that the text states, in the order in which it does."""
        return tuple(edge for line in self.lines for edge in line)

    def cited(
        self, numbers: Sequence[int], view: GraphView, answers: Sequence[int] = ()
    ) -> tuple[int, ...]:
        """Return the edges that a reader means who cites lines by number, ascending.

        A line may state many edges. Of those that share an end only the ones are meant which lead
        to an answer or to another cited line; all, when none does. Numbers of no line are passed
        over.

        Args:
            answers: The answering nodes.
        """
        cited = [self.lines[n - 1] for n in dict.fromkeys(numbers) if 0 < n <= len(self.lines)]
        meant: set[int] = set()
        for position, line in enumerate(cited):
            elsewhere = set(answers).union(
                *(_ends(other, view) for i, other in enumerate(cited) if i != position)
            )
            shared = _shared_ends(line, view)
            led = [edge for edge in line if _ends([edge], view) - shared & elsewhere]
            meant.update(led or line)
        return tuple(sorted(meant))


def _ends(edges: Sequence[int], view: GraphView) -> set[int]:
    return {int(node) for edge in edges for node in (view.heads[edge], view.tails[edge])}


def _shared_ends(line: Sequence[int], view: GraphView) -> set[int]:
    """Return the nodes that all edges of a line have in common; none of a line of one edge."""
    if len(line) < 2:
        return set()
    return set.intersection(*(_ends([edge], view) for edge in line))


def textualize(
    view: GraphView,
    subgraph: Subgraph,
    *,
    max_tokens: int,
    count_tokens: Callable[[str], int],
    layout: Layout = Layout.GROUPED,
    question: str = "",
    reserved: int = 0,
) -> Textualized:
    """Return the best edges of ``subgraph`` as lines of text, as many as fit.

    One budget holds the question, what is ``reserved``, and the text. Edges come by their score
    until it is full; what is left tells about nodes: their type, attributes and description. A
    line is never cut. Graph text is data: names cannot end a line or the block around the lines.

    Args:
        max_tokens: The budget.
        count_tokens: Of the model that will read the text. It is asked once for each name.
        layout: How edges are written.
        question: Its tokens count.
        reserved: Tokens that something else of the same budget needs: instructions, the reply.

    Raises:
        ConfigError: ``max_tokens`` is below 1, or ``reserved`` negative.

    Examples:
        >>> from graphllm.graph import TextualGraph
        >>> graph = TextualGraph.from_triples(
        ...     [("Alien", "starring", "John Hurt"), ("Alien", "starring", "Tom Skerritt")]
        ... )
        >>> ids, scores = np.arange(3, dtype=np.int32), np.ones(3, dtype=np.float32)
        >>> cast = Subgraph(
        ...     nodes=ids, edges=ids[:2], node_scores=scores, edge_scores=scores[:2]
        ... )
        >>> count = lambda text: len(text.split())
        >>> textualize(graph, cast, max_tokens=50, count_tokens=count).text
        '[1] Alien | starring | John Hurt; Tom Skerritt'
    """
    if max_tokens < 1 or reserved < 0:
        raise ConfigError(
            f"max_tokens must be 1 or more and reserved 0 or more, got {max_tokens} and {reserved}"
        )
    counter = _Counter(count_tokens)
    budget = max_tokens - reserved - (counter(question) if question else 0)
    return _Writer(view, subgraph, layout, counter, budget).write()


class _Counter:
    """Counts the tokens of pieces, each once, without the marks some tokenizers put around."""

    def __init__(self, count_tokens: Callable[[str], int]) -> None:
        self._count_tokens = count_tokens
        self._around = count_tokens("")
        self._known: dict[str, int] = {"": 0}

    def __call__(self, text: str) -> int:
        if text not in self._known:
            self._known[text] = self._count_tokens(text) - self._around
        return self._known[text]

    def rows(self, rows: Sequence[Row]) -> int:
        breaks = max(len(rows) - 1, 0) * self("\n")
        return breaks + sum(self(piece) for row in rows for piece in row.pieces)


class _Writer:
    """Writes one subgraph."""

    def __init__(
        self, view: GraphView, subgraph: Subgraph, layout: Layout, counter: _Counter, budget: int
    ) -> None:
        self.view, self.subgraph, self.layout = view, subgraph, layout
        self.counter, self.budget = counter, max(budget, 0)
        self.longest = _CHARACTERS_PER_TOKEN * self.budget
        ranked = np.lexsort((subgraph.edges, -subgraph.edge_scores))
        told = [int(edge) for edge in subgraph.edges[ranked].tolist() if self._is_short(edge)]
        self.edges = _distinct(told, view)
        self.repeated = len(told) - len(self.edges)
        nodes: Sequence[int] = [
            node for node in subgraph.nodes.tolist() if len(view.names[node]) <= self.longest
        ]
        self.references: tuple[int, ...] = ()
        if layout is Layout.REFERENCES:
            self.references = nodes = self._by_appearance(nodes)
            self.edges = self._among(nodes)
        relation_ids = (int(view.relation_ids[edge]) for edge in self.edges)
        self.cells = Cells(
            view,
            nodes,
            relation_ids,
            marks_of(layout),
            referred=layout is Layout.REFERENCES,
            described=layout is Layout.DESCRIBED,
        )

    def _by_appearance(self, nodes: Sequence[int]) -> tuple[int, ...]:
        """Return the nodes that get a reference: those of the best edges first."""
        ends = [
            int(end)
            for edge in self.edges[:MOST_REFERENCES]
            for end in (self.view.heads[edge], self.view.tails[edge])
        ]
        return tuple(dict.fromkeys([*ends, *nodes]))[:MOST_REFERENCES]

    def _among(self, nodes: Sequence[int]) -> list[int]:
        """Return the edges between ``nodes``."""
        known = set(nodes)
        return [edge for edge in self.edges if known.issuperset(_ends([edge], self.view))]

    def _is_short(self, edge: int) -> bool:
        ends = (self.view.heads[edge], self.view.tails[edge])
        return sum(len(self.view.names[int(node)]) for node in ends) <= self.longest

    def write(self) -> Textualized:
        """Return the text: first as many edges as fit, then lines about nodes."""
        count = self._most_that_fit()
        told, missing = self._told(count)
        text, tokens = self._counted(count, told)
        while tokens > self.budget:  # of this tokenizer, the parts had fewer than the whole
            if told:
                told.pop()
                missing = True
            else:
                count -= max(1, count * (tokens - self.budget) // (2 * tokens))
            text, tokens = self._counted(count, told)
        lines = tuple(row.edges for row in self._rows(count, told) if row.edges)
        shown = _ends([edge for line in lines for edge in line], self.view)
        left_out = count + self.repeated < len(self.subgraph.edges) or missing
        return Textualized(
            text=text,
            lines=lines,
            nodes=tuple(sorted(shown.union(told))),
            num_tokens=tokens,
            truncated=self.subgraph.truncated or left_out,
            layout=self.layout,
            references=self.references,
        )

    def _rows(self, count: int, told: Sequence[int]) -> list[Row]:
        return rows_of(self.layout, self.edges[:count], self.cells, told)

    def _counted(self, count: int, told: Sequence[int]) -> tuple[str, int]:
        text = "\n".join(row.text for row in self._rows(count, told))
        return text, self.counter(text)

    def _most_that_fit(self) -> int:
        """Return how many of the best edges fit: by doubling, then by bisection."""
        fits, tried = 0, _FIRST_TRY
        while tried <= len(self.edges) and self._fit(tried):
            fits, tried = tried, 2 * tried
        too_many = min(tried, len(self.edges) + 1)
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            fits, too_many = (middle, too_many) if self._fit(middle) else (fits, middle)
        return fits

    def _fit(self, count: int) -> bool:
        return self.counter.rows(self._rows(count, ())) <= self.budget

    def _told(self, count: int) -> tuple[list[int], bool]:
        """Return the nodes that a line is about, best first, and whether any is left out.

        Worth a line are those without edges, and those of which more is known than a name.
        """
        joined = _ends(self.subgraph.edges.tolist(), self.view)
        order = np.lexsort((self.subgraph.nodes, -self.subgraph.node_scores))
        left = self.budget - self.counter.rows(self._rows(count, ()))
        told: list[int] = []
        misses = 0
        for node in self.subgraph.nodes[order].tolist():
            if not self.cells.is_known(node):
                misses += node not in joined
            elif node not in joined or self._says_more(node):
                row = node_row(self.layout, node, self.cells)
                cost = self.counter.rows([row]) + self.counter("\n")
                if len(row.text) <= self.longest and cost <= left:
                    left -= cost
                    told.append(node)
                else:
                    misses += 1
            if misses >= _MISSES:
                break
        return told, misses > 0

    def _says_more(self, node: int) -> bool:
        return self._has_more and self.cells.about(node) != ""

    @cached_property
    def _has_more(self) -> bool:
        """Whether anything is known of nodes but their names."""
        view = self.view
        described = view.texts
        no_text = isinstance(described, StringTable) and not len(described.data)
        known = len(view.node_types) or len(view.node_columns) or not no_text
        return self.layout not in (Layout.CSV, Layout.DESCRIBED) and bool(known)


def _distinct(edges: Iterable[int], view: GraphView) -> list[int]:
    """Return the edges that say something new: a parallel edge without attributes does not."""
    said: dict[tuple[int | str, ...], int] = {}
    for edge in edges:
        ends = (int(view.heads[edge]), int(view.relation_ids[edge]), int(view.tails[edge]))
        about = [str(column.of(edge)) for column in view.edge_columns.values()]
        said.setdefault((*ends, *about), edge)
    return list(said.values())
