"""Joins of tables without labels: only where the values leave no doubt."""

import random

from hypothesis import given
from hypothesis import strategies as st

from graphllm.io import read_graph
from graphllm.io.containment import clear_winner, containment, measure
from graphllm.io.table import TextColumn

SHIP_IDS = random.Random(1).sample(range(1, 9000), 900)
PORT_IDS = random.Random(2).sample(range(1, 9000), 700)


def write_harbour(folder, *, misses: int = 0) -> None:
    """Write ships (with a length in 1..9000), ports, and calls of ships at ports."""
    rng = random.Random(3)
    ships = [
        f'{i},"Ship {chr(65 + n % 26)}{n}",{rng.randint(1, 9000)}' for n, i in enumerate(SHIP_IDS)
    ]
    ports = [f'{i},"Port {chr(65 + n % 26)}{n}"' for n, i in enumerate(PORT_IDS)]
    calls = [
        f"{rng.choice(SHIP_IDS)},{rng.choice(PORT_IDS)},{rng.randint(0, 3)},{rng.randint(1, 9000)}"
        for _ in range(3000)
    ]
    for row in range(misses):
        calls[row * 7] = f"{SHIP_IDS[row]},{9500 + row},0,4"
    for name, rows in {"ships": ships, "ports": ports, "calls": calls}.items():
        (folder / f"{name}.dat").write_text("\n".join(rows) + "\n", "utf-8")


def test_columns_without_labels_are_joined_to_the_table_they_fit(tmp_path):
    write_harbour(tmp_path)
    lines: list[str] = []
    graph = read_graph(tmp_path, on_mapping=lines.append)
    rows = [line.split(",") for line in (tmp_path / "calls.dat").read_text("utf-8").split()]
    key = graph.keys
    edges = {
        (key[h], key[t]) for h, t in zip(graph.heads.tolist(), graph.tails.tolist(), strict=True)
    }
    assert edges == {(f"ships/{ship}", f"ports/{port}") for ship, port, *_ in rows}
    assert set(graph.node_types) == {"ship", "port"}  # nothing was made up for a length
    assert graph.edge_columns["column 3"].of(0) == [int(rows[0][2])]
    assert any("1 -> ships (guessed from its values, 100.0%" in line for line in lines)


def test_a_value_that_a_guessed_join_does_not_find_is_no_node(tmp_path):
    write_harbour(tmp_path, misses=8)
    graph = read_graph(tmp_path)
    assert graph.num_nodes == len(SHIP_IDS) + len(PORT_IDS)
    assert graph.num_edges == 3000 - 8
    assert not [name for name in graph.names if name.startswith("port ")]


def test_many_misses_join_nothing_and_are_told(tmp_path):
    write_harbour(tmp_path, misses=300)
    lines: list[str] = []
    graph = read_graph(tmp_path, on_mapping=lines.append)
    assert set(graph.relations) == {"ship column 1"}
    told = next(line for line in lines if line.startswith("calls.dat"))
    assert "2 not joined (70% of its values are in ports; label it to join)" in told


def test_numbers_that_fill_their_range_are_references_of_nothing():
    ids = TextColumn.of(map(str, range(1, 1001)))
    rng = random.Random(4)
    lengths = TextColumn.of(str(rng.randint(1, 600)) for _ in range(2000))
    assert containment(lengths, ids) == 1
    assert not measure(lengths, ids).is_telling
    assert measure(TextColumn.of(map(str, range(1000, 30, -1))), ids).is_telling  # nearly all of it


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=60),
    st.sets(st.integers(0, 60), min_size=1, max_size=40),
)
def test_shares_equal_a_count_by_hand(values, known):
    found = measure(TextColumn.of(map(str, values)), TextColumn.of(map(str, sorted(known))))
    distinct = set(values)
    assert found.values == len(distinct & known) / len(distinct)
    assert found.rows == sum(v in known for v in values) / len(values)
    assert found.covered == len(distinct & known) / len(known)


def test_a_tie_has_no_winner():
    assert not clear_winner([1.0, 1.0])
    assert clear_winner([0.2, 0.99])
