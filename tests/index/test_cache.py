"""The cache gives each file its own index, and never half of one."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from graphllm.errors import ConfigError, DataError, IndexDamagedError
from graphllm.index.cache import cache_dir, cache_entries, clear_cache, index_for
from graphllm.index.generations import locked


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLLM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "letters.csv"
    path.write_text("head,relation,tail\nAda,wrote to,Babbage\n")
    return path


def age(path, seconds=10):
    """Make a file look as if it had been left alone for some time."""
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def stages():
    seen = []
    return seen, lambda stage, _done, _total: seen.append(stage)


def test_a_file_is_read_once(file):
    first, report = stages()
    built = index_for(file, progress=report)
    assert list(built.names) == ["Ada", "Babbage"]
    assert "reading" in first
    assert built.manifest.sources[0].path == str(file)
    second, report = stages()
    again = index_for(file, progress=report)
    assert (again.path, second) == (built.path, [])


def test_bytes_and_options_decide_not_the_path(file, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    copy = tmp_path / "elsewhere" / file.name
    copy.write_bytes(file.read_bytes())
    assert index_for(copy).path == index_for(file).path
    assert index_for(file, format="csv").path != index_for(file).path
    copy.write_text("head,relation,tail\nAda,knew,Mary\n")
    assert list(index_for(copy).names) == ["Ada", "Mary"]


def test_a_file_of_the_same_size_and_age_is_read_again_when_it_was_young(file):
    index_for(file)
    status = file.stat()
    file.write_text(file.read_text().replace("Ada", "Bob"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert index_for(file).names[0] == "Bob"


def test_an_old_file_is_not_hashed_again(file, folder):
    age(file)
    index_for(file)
    (record,) = (folder / "files").iterdir()
    assert str(file) in record.read_text()
    record.write_text(record.read_text().replace('"sha256": "', '"sha256": "0'))
    assert index_for(file).path.name not in {entry.path.name for entry in cache_entries()[1:]}
    assert len(cache_entries()) == 2  # the altered record was believed
    record.write_text("garbage")
    index_for(file)
    assert len(cache_entries()) == 2


def test_a_damaged_cached_index_is_built_again(file):
    index = index_for(file)
    (index.path / "CURRENT").write_text("garbage")
    index.close()
    assert list(index_for(file).names) == ["Ada", "Babbage"]


def test_damage_found_late_says_what_to_do(file):
    index = index_for(file)
    (array,) = index.path.glob("gen-*/heads.npy")
    array.write_bytes(b"\0" * array.stat().st_size)
    with pytest.raises(IndexDamagedError, match="run `graphllm cache clear`"):
        _ = index.heads


def test_an_index_folder_is_opened_where_it_is(file, tmp_path):
    cached = index_for(file)
    path = tmp_path / "mine.gllm"
    cached.path.rename(path)
    assert index_for(path).path == path
    with pytest.raises(ConfigError, match="is an index already"):
        index_for(path, format="csv")
    (tmp_path / "empty.gllm").mkdir()
    with pytest.raises(DataError, match="holds no finished index"):
        index_for(tmp_path / "empty.gllm")


def test_a_bad_file_leaves_nothing(tmp_path, folder):
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    with pytest.raises(DataError, match=r"empty\.csv"):
        index_for(empty)
    with pytest.raises(DataError, match="no such file"):
        index_for(tmp_path / "absent.csv")
    assert cache_entries() == []


def test_two_at_once_wait_for_each_other(file):
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(index_for, [file] * 4)
        assert len({index.path for index in found}) == 1


def test_clearing_spares_what_is_read_or_written(file, tmp_path):
    index = index_for(file)
    assert [entry.sources for entry in cache_entries()] == [(str(file),)]
    assert clear_cache() == 0  # the index is open
    index.close()
    assert clear_cache(older_than_s=3600.0) == 0
    with locked(index.path):
        assert clear_cache() == 0
    assert clear_cache() > 1000
    assert cache_entries() == []
    assert not (cache_dir() / "files").exists()


def test_a_cache_that_cannot_be_written_says_so(file, tmp_path, monkeypatch):
    (tmp_path / "blocked").write_text("a file where a folder should be")
    monkeypatch.setenv("GRAPHLLM_CACHE", str(tmp_path / "blocked"))
    with pytest.raises(DataError, match="cannot be written"):
        index_for(file)


def test_the_platform_decides_when_nobody_else_does(monkeypatch):
    monkeypatch.delenv("GRAPHLLM_CACHE")
    assert cache_dir().name == "graphllm"


def test_what_is_told_of_a_folder_is_what_it_holds_now(file, tmp_path):
    said = []
    index_for(tmp_path, on_mapping=said.append)
    assert not any("left out" in line for line in said)
    (tmp_path / "more.ttl").write_text("<a> <r> <b> .")
    index_for(tmp_path, on_mapping=said.append)
    assert any(line.startswith("more.ttl: left out") for line in said)
    assert index_for(file, format="tsv").path == index_for(file, format="csv").path
