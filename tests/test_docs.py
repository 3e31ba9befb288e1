"""The documents match the code: they name exactly the settings, commands, files and tests that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blocks.home.reviews import ADMIN_SUBCOMMAND_HELP, SUBCOMMAND_HELP
from bot.cli import program
from bot.cli.common.lazy import LazyCommand
from bot.settings import Settings

ROOT = Path(__file__).parent.parent
REFERENCE = (ROOT / "docs" / "reference.md").read_text()


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    subcommands: dict[str, Any] = getattr(command, "commands", {})
    if not subcommands or (path and getattr(command, "invoke_without_command", False)):
        yield " ".join(path)
    for name, sub in subcommands.items():
        yield from commands(sub.load() if isinstance(sub, LazyCommand) else sub, (*path, name))


def test_the_reference_names_exactly_the_existing_settings() -> None:
    settings = {str(field.alias or name).upper() for name, field in Settings.model_fields.items()}
    assert set(re.findall(r"`((?:COUNTERSIGN|SLACK)_[A-Z_]+)`", REFERENCE)) == settings


def test_the_reference_names_exactly_the_existing_commands() -> None:
    existing = set(commands(program))
    named = {" ".join(words.split()) for words in re.findall(r"countersign ((?:[a-z]+)(?: [a-z]+)?)", REFERENCE)}
    known = {command for words in named for command in (words, words.split(" ")[0]) if command in existing}
    assert known == existing
    assert all(words in existing or words.split(" ")[0] in existing for words in named)


DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("sdk/*.md")),
    *sorted(ROOT.glob("examples/*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_between_documents_leads_to_a_file(path: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_heading_leads_to_a_heading(path: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]*)#([^)]+)\)", path.read_text())
    assert [link for link in links if link[1] not in anchors((path.parent / link[0]) if link[0] else path)] == []


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings as GitHub makes them: lower case, dashes for spaces, no punctuation."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


THREATS = (ROOT / "docs" / "threats.md").read_text()
NAMED_TESTS = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", THREATS)
PROMISE_ROWS = THREATS.partition("| Promise | Test |")[2].partition("\n\n")[0].splitlines()[2:]
PROMISES = [row.split("|")[1].strip() for row in PROMISE_ROWS]


@pytest.mark.parametrize(("file", "name"), NAMED_TESTS, ids=[name for _, name in NAMED_TESTS])
def test_each_test_named_in_the_threats_exists(file: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_each_promise_in_the_threats_names_its_test() -> None:
    assert len(PROMISES) == len(set(PROMISES)) == 7
    assert [row for row in PROMISE_ROWS if not re.search(r"`tests/[\w/]+\.py::test_\w+`", row)] == []


FOLDERS = "rules|blocks|store|scheduler|bot|playground|tests"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
PLACES = sorted(set(re.findall(rf"`((?:{FOLDERS})/[\w/.-]*)`", CONTRIBUTING)))
WRITTEN_BY_TESTS = "tests/browser/pictures"


@pytest.mark.parametrize("place", [place for place in PLACES if place != WRITTEN_BY_TESTS])
def test_each_path_in_contributing_exists(place: str) -> None:
    assert (ROOT / place).exists()


@pytest.mark.parametrize("package", ["rules", "blocks", "store", "scheduler", "bot", "playground"])
def test_contributing_names_each_folder_of_a_package(package: str) -> None:
    folders = {f"{package}/{module.parent.name}" for module in (ROOT / package).glob("*/__init__.py")}
    assert folders <= set(PLACES)


@pytest.mark.slow
def test_the_pages_build_as_a_site_and_a_broken_link_stops_the_build(tmp_path: Path) -> None:
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    assert build_site(tmp_path).returncode == 0, build_site(tmp_path).stdout
    assert (tmp_path / "site" / "index.html").exists()
    (tmp_path / "docs" / "index.md").write_text("[broken](nowhere.md)")
    assert build_site(tmp_path).returncode != 0


def build_site(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("zensical")
    return subprocess.run(
        [program, "build", "--strict", "--clean"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    listed = set(re.findall(r'"([a-z/A-Z-]+\.md)"', (ROOT / "zensical.toml").read_text()))
    assert {path.name for path in (ROOT / "docs").glob("*.md")} == {name for name in listed if "/" not in name}


def test_reviewing_lists_every_subcommand_of_the_help() -> None:
    table = (ROOT / "docs" / "reviewing.md").read_text().partition("| `/reviews`")[2]
    words = {words.split()[0] for words in (*SUBCOMMAND_HELP, *ADMIN_SUBCOMMAND_HELP)}
    assert [word for word in sorted(words) if f"`/reviews {word}" not in table] == []


@pytest.mark.parametrize("place", ["README.md", "docs/index.md"])
def test_every_page_of_the_docs_is_listed(place: str) -> None:
    listed = set(re.findall(r"\((?:docs/)?([a-z-]+)\.md\)", (ROOT / place).read_text()))
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages - listed == set()
