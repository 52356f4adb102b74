"""What `import smsbot` gives, and what it does not load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import smsbot
from smsbot.core import errors

ROOT = Path(smsbot.__file__).parent


def test_all_is_what_is_visible() -> None:
    modules = {
        "core",
        "flows",
        "conversations",
        "checks",
        "testing",
        "routing",
        "policy",
        "gateways",
        "stores",
        "pipeline",
        "desk",
        "sandbox",
        "web",
        "cli",
        "app",
        "client",
        "embedded",
        "embedding",
        "site",
        "alerting",
        "leaving",
        "lineup",
        "builds",
    }
    modules |= {
        "settings",
        "configuration",
        "targets",
        "transport",
        "serve",
        "failpoints",
        "accounts",
        "log",
        "turns",
        "understanding",
        "threads",
    }
    visible = {n for n in vars(smsbot) if not n.startswith("_")} - modules
    assert visible | {"__version__"} == set(smsbot.__all__)


def test_import_is_light() -> None:
    code = "import sys, smsbot; print([m for m in ('pydantic', 'starlette', 'httpx', 'structlog', 'phonenumbers', 'jinja2', 'sqlite3') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_loads_no_command() -> None:
    code = (
        "import sys; sys.argv = ['smsbot', '--help']\n"
        "from smsbot.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('pydantic', 'starlette', 'httpx', 'uvicorn') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "doctor" in done.stdout


def test_the_error_tree_is_drawn_and_coded() -> None:
    drawing = errors.__doc__ or ""
    classes = list(errors.tree())
    assert len({c.code for c in classes}) == len(classes)
    for kind in classes:
        assert kind.__name__ in drawing
        assert kind.__doc__
        assert kind.remedy
    indents = {
        line.strip("│├└─ ").split()[0]: len(line) - len(line.lstrip("│├└─ "))
        for line in drawing.splitlines()
        if "──" in line or "SmsbotError" in line
    }
    for kind in classes:
        parent = kind.__mro__[1]
        if parent in classes:
            assert indents[kind.__name__] > indents[parent.__name__]


def test_public_names_have_docstrings() -> None:
    missing = []
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node):
                missing.append(f"{path.name}:{node.lineno} {node.name}")
        if not ast.get_docstring(tree) and path.read_text(encoding="utf-8").strip():
            missing.append(str(path))
    assert missing == []
