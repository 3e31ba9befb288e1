"""The project's own files keep the rules of CONTRIBUTING."""

import ast
import re
import socket
import subprocess
import tomllib
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from sqlalchemy import create_engine, text

ROOT = Path(__file__).parent.parent
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = {contract["id"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}

LARGE = 1_000_000  # bytes: three times the largest picture


def run_make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_help_lists_every_target_with_a_sentence() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = dict(re.findall(r"^make (\w+) +(\w.+\.)$", run_make().stdout, re.MULTILINE))
    assert set(listed) == set(phony.split())


def test_make_refuses_a_python_that_is_too_old_before_it_makes_anything() -> None:
    answer = run_make("--always-make", ".venv/.ready", "PYTHON=false")
    assert answer.returncode != 0
    assert "needs Python 3.11 or newer, and 'false' is not" in answer.stderr


def test_every_version_bound_has_a_comment() -> None:
    bounds = [
        line
        for line in (ROOT / "pyproject.toml").read_text().splitlines()
        if re.search(r'"[A-Za-z0-9_.\[\]-]*[<>=~!]=', line)
    ]
    assert len(bounds) > 5
    assert [line for line in bounds if "#" not in line] == []


def test_the_demo_installs_the_service_alone() -> None:
    plan = subprocess.run(["make", "-nB", "demo"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [line.split("--editable")[1:] for line in plan.splitlines() if "--editable" in line] == [[" ."]]


def test_no_large_file_is_kept_in_the_repository() -> None:
    """What was committed by mistake is in every clone, for ever."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    sizes = {name: path.stat().st_size for name in listed.split("\0") if (path := ROOT / name).is_file()}
    assert [name for name, size in sizes.items() if size > LARGE] == []


def packages(below: str = ".") -> set[str]:
    return {path.parent.name for path in (ROOT / below).glob("*/__init__.py")} - {"tests", "bench"}


def installed(pyproject: dict[str, Any]) -> set[str]:
    wheel = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]
    return set(wheel.get("only-include", [])) | set(wheel.get("packages", []))


def test_every_package_is_installed_and_checked_by_the_import_linter() -> None:
    assert packages() <= installed(PYPROJECT)
    assert packages("sdk") <= installed(tomllib.loads((ROOT / "sdk" / "pyproject.toml").read_text()))
    assert packages() | packages("sdk") == set(PYPROJECT["tool"]["importlinter"]["root_packages"])


def test_every_package_has_its_layer() -> None:
    layers = " ".join(CONTRACTS["layers"]["layers"])
    assert packages() | packages("sdk") <= set(re.findall(r"\w+", layers))


def test_the_rules_may_use_no_dependency_but_pydantic() -> None:
    names = (re.match(r"[\w-]+", requirement) for requirement in PYPROJECT["project"]["dependencies"])
    modules = {name[0].replace("-", "_") for name in names if name}
    assert modules - set(CONTRACTS["pure-rules"]["forbidden_modules"]) == {"pydantic"}


@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_has_a_database_of_its_own(database_url: str, time: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE mine (time TEXT)"))
        connection.execute(text("INSERT INTO mine VALUES (:time)"), {"time": time})
        assert connection.execute(text("SELECT time FROM mine")).scalars().all() == [time]
    engine.dispose()


def test_a_test_cannot_leave_this_machine() -> None:
    with socket.socket() as outward, pytest.raises(RuntimeError, match="loopback addresses only"):
        outward.connect(("192.0.2.1", 80))


PRODUCT = ("rules", "blocks", "store", "scheduler", "bot", "playground")
MODULES = [
    path for name in PRODUCT for path in sorted((ROOT / name).rglob("*.py")) if path.parent.name != "versions"
]  # migrations are left out: they are never changed after their release


# One flat package: users import these modules by name, so a folder for a subject would be part of their programs.
SDK_MODULES = sorted((ROOT / "sdk" / "countersign").glob("*.py"))


def test_no_file_of_the_product_is_longer_than_300_lines() -> None:
    paths = [*MODULES, *SDK_MODULES]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in paths}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_no_file_of_the_tests_is_longer_than_500_lines() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in (ROOT / "tests").rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > 500} == {}


def test_no_folder_of_the_product_has_more_than_16_modules() -> None:
    modules = Counter(str(path.parent.relative_to(ROOT)) for path in MODULES if path.name != "__init__.py")
    assert {folder: count for folder, count in modules.items() if count > 16} == {}


def test_half_of_the_products_functions_have_at_most_six_lines() -> None:
    lengths = [length for path in MODULES for length in lengths_of_functions(path)]
    longest = sorted(MODULES, key=lambda path: median(lengths_of_functions(path) or [0]))[-5:]
    assert median(lengths) <= 6, f"the files with the longest functions: {', '.join(map(str, longest))}"


def lengths_of_functions(path: Path) -> list[int]:
    functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, FUNCTION))
    return [(node.end_lineno or 0) - node.lineno + 1 for node in functions]


FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
VAGUE = {"its", "told", "said", "found", "made", "each", "took"}
VAGUE_IN_THE_PRODUCT = VAGUE | {"given", "what"}


@pytest.mark.parametrize("folder", [*PRODUCT, "sdk", "bench", "tests"])
def test_the_name_of_a_value_says_what_it_is(folder: str) -> None:
    vague = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / folder).rglob("*.py")
        if path.parent.name != "schema"  # there names are those of columns
        for node in ast.walk(ast.parse(path.read_text()))
        if (name := bound_name(node)) in (VAGUE_IN_THE_PRODUCT if folder in (*PRODUCT, "sdk") else VAGUE)
    }
    assert vague == set()


def bound_name(node: ast.AST) -> str | None:
    """The name that an assignment, a loop, a parameter, a pattern or an `as` gives to a value."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return name
        case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
            return name
        case _:
            return None


@pytest.mark.parametrize("package", PRODUCT)
def test_the_name_of_a_public_function_is_unique_in_its_package(package: str) -> None:
    """Stories of the demo are run alike, and so are not counted."""
    paths = [path for path in MODULES if path.is_relative_to(ROOT / package) and path.parent.name != "stories"]
    names = Counter(name for path in paths for name in public_functions(path))
    assert {name: count for name, count in names.items() if count > 1} == {}


def public_functions(path: Path) -> list[str]:
    functions = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, FUNCTION)]
    return [name for name in functions if not name.startswith("_")]
