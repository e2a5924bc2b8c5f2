from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.errors import DataError
from graphllm.train.json_lines import read_json_lines, write_json_lines


@dataclass(frozen=True)
class Note:
    text: str
    pages: tuple[int, ...]


def note(record):
    return Note(record["text"], tuple(record["pages"]))


texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n\r\u2028\u2029\x85"))
notes = st.builds(Note, texts, st.lists(st.integers()).map(tuple))


@given(st.lists(notes, max_size=5))
def test_what_is_written_is_read_whatever_separators_a_text_holds(written):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "notes.jsonl"
        assert write_json_lines(path, iter(written)) == len(written)
        assert read_json_lines(path, note) == written


@pytest.mark.parametrize("line", ["no JSON", "[]", '{"text": "a"}'], ids=["text", "list", "field"])
def test_a_line_that_is_no_record_is_named(line, tmp_path):
    path = tmp_path / "notes.jsonl"
    write_json_lines(path, [Note("a", (1,))])
    path.write_text(f"{path.read_text('utf-8')}{line}\n", "utf-8")
    with pytest.raises(DataError, match="line 2: not a note: "):
        read_json_lines(path, note, "a note")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="none: no such file; expected examples as JSON lines"):
        read_json_lines(tmp_path / "none", note)
