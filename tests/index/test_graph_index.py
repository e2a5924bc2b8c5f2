"""An index answers as the graph it was built from, whatever happens to its writer or its files."""

import json
import pickle
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import BusyError, DataError, IndexDamagedError
from graphllm.graph import Column, GraphBuilder, GraphView, Kind, TextualGraph
from graphllm.graph.view import edges_by_relation
from graphllm.index import GraphIndex, SourceInfo, check
from graphllm.index.generations import CURRENT, LOCK, MANIFEST, locked

TRIPLES = [("Ada", "wrote to", "Babbage"), ("Babbage", "built", "Engine"), ("Ada", "knew", "Mary")]


def rich():
    """A graph that uses every part a graph can have."""
    builder = GraphBuilder()
    builder.node(
        "q1",
        name="Ada",
        type="Person",
        text="Mathematician",
        aliases=["Countess", "Ada King"],
        attributes={"born": np.datetime64("1815-12-10", "us"), "papers": 2, "alive": False},
    )
    builder.node("q2", name="Zoë", attributes={"motto": "né à l'heure", "height": 1.5})
    builder.edge("q1", "wrote to", "q2", weight=0.5, attributes={"year": 1842})
    builder.edge("q2", "wrote to", "q1")
    builder.edge("q1", "wrote to", "q2", attributes={"year": 1843, "by": "post"})
    builder.edge("q1", "is", "q1")
    return builder.build()


def assert_same(view, graph):
    """Every property of a ``GraphView``, compared with the graph in memory."""
    assert isinstance(view, GraphView)
    assert (view.num_nodes, view.num_edges) == (graph.num_nodes, graph.num_edges)
    for name in ("heads", "relation_ids", "tails", "node_type_ids", "weights"):
        np.testing.assert_array_equal(getattr(view, name), getattr(graph, name))
    for name in ("keys", "names", "texts", "relations", "node_types"):
        assert list(getattr(view, name)) == list(getattr(graph, name))
    for side in ("outgoing", "incoming"):
        for mine, theirs in zip(getattr(view, side), getattr(graph, side), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    for node, key in enumerate(graph.keys):
        assert view.find_key(key) == node
        assert view.aliases(node) == graph.aliases(node)
    assert view.find_key("no such key") is None
    for columns in ("node_columns", "edge_columns"):
        mine, theirs = getattr(view, columns), getattr(graph, columns)
        assert list(mine) == list(theirs)
        for name, column in theirs.items():
            assert mine[name].kind is column.kind
            for owner in set(column.ids.tolist()):
                assert mine[name].of(owner) == column.of(owner)
    assert view.content_hash == graph.content_hash


@pytest.mark.parametrize(
    "graph", [rich(), TextualGraph.from_triples(TRIPLES)], ids=["rich", "bare"]
)
def test_an_index_is_the_graph(graph, tmp_path):
    path = tmp_path / "g.gllm"
    GraphIndex.build(graph, path).close()
    with GraphIndex.open(path) as index:
        assert_same(index, graph)
        assert check(path) == []
        assert index.lexicon.folded("ada").tolist() == [0]
        assert_same(pickle.loads(pickle.dumps(index)), graph)


TEXTS = st.text(max_size=4)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=20))
@settings(max_examples=8, deadline=None)
def test_any_triples_survive(tmp_path_factory, triples):
    graph = TextualGraph.from_triples(triples)
    with GraphIndex.build(graph, tmp_path_factory.mktemp("any") / "g.gllm") as index:
        assert_same(index, graph)


def test_dates_that_are_not_and_numbers_that_are_not_survive(tmp_path):
    ids = np.array([0, 1], dtype=np.int32)
    graph = TextualGraph.from_triples(TRIPLES)
    columns = {
        "when": Column(
            name="when",
            kind=Kind.DATE,
            ids=ids,
            values=np.array(["NaT", "1815-12-10"], dtype="datetime64[us]"),
        ),
        "size": Column(name="size", kind=Kind.NUMBER, ids=ids, values=np.array([np.nan, 2.0])),
    }
    graph = TextualGraph(
        keys=graph.keys,
        names=graph.names,
        heads=graph.heads,
        relation_ids=graph.relation_ids,
        tails=graph.tails,
        relations=graph.relations,
        node_columns=columns,
    )
    with GraphIndex.build(graph, tmp_path / "g.gllm") as index:
        assert np.isnat(index.node_columns["when"].of(0)[0])
        assert index.node_columns["when"].of(1) == columns["when"].of(1)
        assert np.isnan(index.node_columns["size"].of(0)[0])


def test_opening_imports_neither_arrow_nor_torch(tmp_path):
    GraphIndex.build(TextualGraph.from_triples(TRIPLES), tmp_path / "g.gllm").close()
    program = (
        "import sys; from graphllm.index import GraphIndex;"
        f"index = GraphIndex.open({str(tmp_path / 'g.gllm')!r});"
        "index.lexicon.folded('ada'); index.outgoing; list(index.node_columns);"
        "print([m for m in ('pyarrow', 'torch', 'faiss', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_info_tells_where_it_came_from(tmp_path):
    file = tmp_path / "letters.csv"
    file.write_text("a,b,c\n")
    source = SourceInfo.of(file, format="csv")
    with GraphIndex.build(rich(), tmp_path / "g.gllm", source=source) as index:
        info = index.info()
        assert (info.num_nodes, info.num_edges, info.num_aliases) == (2, 4, 2)
        assert info.relations == ("wrote to", "is")
        assert info.reader_options == {"format": "csv"}
        assert [entry.name for entry in info.node_columns] == [
            "born",
            "papers",
            "alive",
            "motto",
            "height",
        ]
        assert info.size_bytes > 1000
        assert not index.is_stale()
        file.touch()
        assert not index.is_stale()
        file.write_text("a,b,d\n")
        assert index.changed_sources() == (str(file),)
        file.unlink()
        assert not index.is_stale()


def test_edges_are_kept_by_relation(tmp_path):
    graph = rich()
    index = GraphIndex.build(graph, tmp_path / "g.gllm")
    for kept, sorted_anew in zip(index.by_relation, edges_by_relation(graph), strict=True):
        np.testing.assert_array_equal(kept, sorted_anew)
    for name in ("by_relation.indptr.npy", "by_relation.edge_ids.npy"):
        del index.manifest.files[name]  # as an earlier graphllm wrote it
    older = GraphIndex(index.path, index._generation)
    assert older.by_relation is None
    for found, expected in zip(edges_by_relation(older), edges_by_relation(graph), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_reader_keeps_its_generation(tmp_path):
    path = tmp_path / "g.gllm"
    first = TextualGraph.from_triples(TRIPLES)
    old = GraphIndex.build(first, path)
    for count in range(3):
        GraphIndex.build(TextualGraph.from_triples(TRIPLES[: count + 1]), path).close()
    assert_same(old, first)
    assert sorted(p.name for p in path.glob("gen-*")) == ["gen-000001", "gen-000003", "gen-000004"]
    old.close()
    GraphIndex.build(rich(), path).close()
    assert sorted(p.name for p in path.glob("gen-*")) == ["gen-000004", "gen-000005"]


def test_readers_open_while_a_writer_publishes(tmp_path):
    path = tmp_path / "g.gllm"
    graph = TextualGraph.from_triples(TRIPLES)
    GraphIndex.build(graph, path).close()
    failures, opened, done = [], [], threading.Event()

    def read():
        while not done.is_set():
            try:
                with GraphIndex.open(path) as index:
                    assert_same(index, graph)
                    opened.append(index.manifest.generation)
            except Exception as error:  # noqa: BLE001
                failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for num_built in range(1, 200):
        GraphIndex.build(graph, path).close()
        if num_built >= 6 and len(set(opened)) > 2:
            break
    done.set()
    for reader in readers:
        reader.join()
    assert not failures
    assert len(set(opened)) > 2


def test_two_writers_are_one_too_many(tmp_path):
    path = tmp_path / "g.gllm"
    GraphIndex.build(rich(), path).close()
    with locked(path), pytest.raises(BusyError, match="another process is writing"):
        GraphIndex.build(rich(), path)
    GraphIndex.build(rich(), path).close()
    assert check(path) == []


def test_nothing_is_written_among_other_things(tmp_path):
    (tmp_path / "thesis.doc").write_text("all my work")
    with pytest.raises(DataError, match=r"holds 'thesis\.doc'"):
        GraphIndex.build(rich(), tmp_path)
    with pytest.raises(DataError, match="is a file"):
        GraphIndex.build(rich(), tmp_path / "thesis.doc")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]


def test_leftovers_of_a_killed_build_are_swept(tmp_path):
    path = tmp_path / "g.gllm"
    GraphIndex.build(rich(), path).close()
    (path / "building-000002").mkdir()
    (path / "building-000002" / "heads.npy").write_bytes(b"half")
    shutil.copytree(path / "gen-000001", path / "gen-000002")  # renamed, and never put in force
    GraphIndex.build(rich(), path).close()
    left = {p.name for p in path.iterdir()} - {LOCK}
    assert left == {CURRENT, "gen-000001", "gen-000003"}


def test_there_is_no_index(tmp_path):
    with pytest.raises(DataError, match="no such index"):
        GraphIndex.open(tmp_path / "absent.gllm")
    (tmp_path / "empty.gllm").mkdir()
    with pytest.raises(DataError, match="holds no finished index"):
        check(tmp_path / "empty.gllm")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "g.gllm"
    GraphIndex.build(rich(), path).close()
    return path


def use(path):
    """Read everything an index has."""
    with GraphIndex.open(path) as index:
        assert_same(index, rich())
        index.lexicon.fuzzy("ada")
        index.info()


FILES = sorted(
    [
        CURRENT,
        *(
            f"gen-000001/{name}"
            for name in [
                MANIFEST,
                "names.sqlite",
                "heads.npy",
                "weights.npy",
                "outgoing.indptr.npy",
                "incoming.neighbors.npy",
                "keys.offsets.npy",
                "keys.data.npy",
                "texts.data.npy",
                "key_hashes.npy",
                "alias_ids.npy",
                "node_type_ids.npy",
                "relations.data.npy",
                "node-0.arrow",
                "node-3.arrow",
                "edge-1.arrow",
            ]
        ),
    ]
)


@pytest.mark.parametrize("harm", ["flip", "truncate", "remove"])
@pytest.mark.parametrize("file", FILES)
def test_damage_is_found_and_said_in_one_line(whole, tmp_path, file, harm):
    path = tmp_path / "g.gllm"
    shutil.copytree(whole, path)
    victim = path / file
    data = bytearray(victim.read_bytes())
    if harm == "flip":
        data[len(data) * 2 // 3] ^= 0x10
        victim.write_bytes(data)
    elif harm == "truncate":
        victim.write_bytes(data[: len(data) // 2])
    else:
        victim.unlink()
    with pytest.raises(DataError, match="build") as caught:
        use(path)
    assert "\n" not in str(caught.value)
    if file == CURRENT and harm == "remove":
        return  # then there is no index to check
    problems = check(path)
    assert problems
    assert all("build the index again" in problem for problem in problems)
    if file.endswith((CURRENT, MANIFEST, "heads.npy")):
        GraphIndex.build(rich(), path).close()  # what the message advises
        use(path)


def test_every_listed_file_is_among_those_harmed_or_like_them(whole):
    manifest = json.loads((whole / "gen-000001" / MANIFEST).read_text())
    kinds = {name.rpartition(".")[2] for name in manifest["files"]}
    assert kinds == {"npy", "arrow", "sqlite"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "update graphllm"),
        ({"format": "something"}, "not a manifest"),
        ({"counts": {}}, "not the one that CURRENT names"),
        ({"extra": 1}, "no setting 'extra'"),
    ],
)
def test_a_foreign_manifest_is_refused(whole, tmp_path, change, message):
    path = tmp_path / "g.gllm"
    shutil.copytree(whole, path)
    manifest = path / "gen-000001" / MANIFEST
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **change}))
    with pytest.raises(DataError, match=message):
        GraphIndex.open(path)


@pytest.mark.parametrize("garbage", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"format": ['])
def test_a_garbled_manifest_is_damage(whole, tmp_path, garbage):
    path = tmp_path / "g.gllm"
    shutil.copytree(whole, path)
    (path / "gen-000001" / MANIFEST).write_bytes(garbage)
    with pytest.raises(IndexDamagedError, match="build the index again"):
        GraphIndex.open(path)
    assert len(check(path)) == 1
