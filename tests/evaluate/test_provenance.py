import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import graphllm
from graphllm.evaluate.provenance import Provenance, installed_versions

ROOT = Path(graphllm.__file__).parents[1]
ASK = "from graphllm.evaluate.provenance import checkout_commit; print(checkout_commit())"


def git(folder, *arguments):
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit_of(folder):
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_commit_tells_clean_changed_and_installed_apart(tmp_path):
    shutil.copytree(
        ROOT / "graphllm", tmp_path / "graphllm", ignore=shutil.ignore_patterns("__pycache__")
    )
    assert commit_of(tmp_path) == ""  # an installed package is no checkout
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "graphllm/evaluate")
    git(tmp_path, "commit", "-q", "-m", "first")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert commit_of(tmp_path) == head
    seen = set()
    for text in ("# one\n", "# two\n"):
        (tmp_path / "graphllm/evaluate/__init__.py").write_text(text, encoding="utf-8")
        seen.add(commit_of(tmp_path))
    assert len(seen) == 2
    assert all(re.fullmatch(rf"{head}\+[0-9a-f]{{8}}", commit) for commit in seen)


def test_versions_and_machine_are_named():
    assert installed_versions()["python"] == sys.version.split()[0]
    assert "processors" in Provenance().machine
