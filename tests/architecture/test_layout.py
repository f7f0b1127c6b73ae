"""What import-linter cannot see: the mirror of tests, sizes, what headless runs load, documentation."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "krakked_tui"
MODULE_LINES = 500
FUNCTION_LINES = 60


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_small_enough_to_see(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MODULE_LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            assert node.end_lineno - first.lineno < FUNCTION_LINES, f"{node.name} is too long"


def test_every_package_says_what_it_is_and_what_it_must_not_do() -> None:
    for path in PACKAGE.glob("*/__init__.py"):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        assert docstring, path
        assert re.search(r"\b(no|not|nothing|never|neither|only)\b", docstring, re.IGNORECASE), path


def test_unit_tests_mirror_the_package() -> None:
    for path in (ROOT / "tests" / "unit").rglob("test_*.py"):
        package = path.relative_to(ROOT / "tests" / "unit").parent
        name = path.name.removeprefix("test_").removesuffix(".py")
        source = PACKAGE / package / name
        assert source.with_suffix(".py").exists() or source.is_dir(), f"{path} tests no module"


def test_a_headless_run_loads_no_textual(tmp_path: Path) -> None:
    imports = tmp_path / "imports"
    with imports.open("w") as stderr, subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "krakked_tui", "--demo", "--no-ui"],
        stdout=subprocess.PIPE, stderr=stderr, text=True,
        env={**os.environ, "KRAKKED_HOME": str(tmp_path)},
    ) as headless:  # fmt: skip
        assert headless.stdout is not None
        log = ""
        while '"event": "engine_started"' not in log:
            line = headless.stdout.readline()
            assert line, f"it ended before it ran: {log}"
            log += line
        headless.terminate()
        headless.stdout.read()
    assert headless.returncode == 0
    loaded = imports.read_text()
    assert "krakked_tui.engine.engine" in loaded
    assert "textual" not in loaded


def test_the_version_costs_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "krakked_tui", "--version"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    for heavy in ("polars", "cyclopts", "msgspec", "asyncio"):
        assert f" {heavy}" not in done.stderr


def test_the_readme_names_every_option_of_the_main_command_that_a_user_needs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for option in (
        "--demo",
        "--no-ui",
        "--fresh",
        "--speed",
        "--seed",
        "--run-for",
        "--sandbox",
        "--profile",
        "--log-format",
    ):
        assert option in readme
