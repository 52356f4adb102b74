"""Imports run downward only, never in a circle, and none exists for the type checker alone."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent / "smsbot"

# Each room, and the rooms that it may import besides itself. Columns never import each other; gateways also
# use the transport.
COLUMNS = ("gateways", "stores", "routing", "flows", "conversations", "policy")
MAY = {
    "core": set(),
    "understanding": {"core"},
    "failpoints": set(),
    "log": set(),
    "threads": {"log"},
    "mypy": set(),
    "client": {"core.errors"},
    "transport": {"core"},
    "gateways": {"core", "transport"},
    "stores": {"core", "understanding", "failpoints", "log", "threads"},
    "routing": {"core", "understanding"},
    "flows": {"core", "understanding"},
    "conversations": {"core"},
    "policy": {"core"},
    "settings": {"core", "policy", "gateways.base", "gateways.providers", "stores.database"},
    "configuration": {"core", "policy", "settings", "gateways.base", "gateways.providers"},
    "accounts": {"core", "gateways", "settings", "transport"},
    "alerting": {"pipeline.alerts", "settings", "transport"},
    "targets": {"core", "routing", "flows"},
    "checks": {"core", "understanding", "routing", "flows", "targets"},
    "serve": {"core", "log", "threads"},
    "site": {
        "core",
        "accounts",
        "desk",
        "pipeline",
        "sandbox",
        "settings",
        "stores.base",
        "targets",
        "turns",
        "web",
    },
    "leaving": {"core", "policy", "settings", "stores.deciding"},
    "builds": {"turns"},
    "lineup": {
        "core",
        "understanding",
        "routing",
        "policy",
        "gateways",
        "settings",
        "accounts",
        "checks",
        "turns",
        "threads",
    },
    "turns": {"core", "understanding", "routing", "flows", "conversations", "policy", "failpoints", "log", "threads"},
    "pipeline": {
        "core",
        "understanding",
        "routing",
        "turns",
        "policy",
        "gateways.base",
        "stores.base",
        "failpoints",
        "log",
    },
    "desk": {"core", "stores.base", "threads"},
    "sandbox": {
        "core",
        "transport",
        "gateways.messageflow_wire",
        "gateways.messageflow_server",
        "stores.base",
        "log",
    },
    "web": {
        "core",
        "gateways.base",
        "gateways.redaction",
        "gateways.split",
        "gateways.fields",
        "gateways.messageflow_wire",
        "gateways.messageflow_server",
        "stores.base",
        "checks",
        "flows.steps",
        "turns",
        "pipeline",
        "policy",
        "desk",
        "failpoints",
        "log",
        "threads",
    },
}
FREE = {"app", "cli", "embedded", "embedding", "__main__", "__init__", "testing"}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "__init__"


def imports(path: Path) -> set[str]:
    """The smsbot modules that a file imports, as dotted names below smsbot."""
    here = module_of(path)
    package = here if path.name == "__init__.py" else here.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {n.name.removeprefix("smsbot.") for n in node.names if n.name.startswith("smsbot.")}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = package if node.level == 1 else package.rpartition(".")[0]
                name = ".".join(filter(None, (base, node.module or "")))
            elif node.module is not None and (node.module == "smsbot" or node.module.startswith("smsbot.")):
                name = node.module.removeprefix("smsbot").removeprefix(".")
            else:
                continue
            for alias in node.names:
                whole = f"{name}.{alias.name}" if name else alias.name
                is_module = (ROOT / (whole.replace(".", "/") + ".py")).exists() or (
                    ROOT / whole.replace(".", "/")
                ).is_dir()
                found.add(whole if is_module else name)
    return found - {""}


GRAPH = {module_of(p): imports(p) for p in ROOT.rglob("*.py") if p.parent.name != "paste"}
"""What people paste is run elsewhere."""


def test_imports_run_downward() -> None:
    wrong = []
    for module, targets in GRAPH.items():
        room = module.split(".")[0]
        if room in FREE:
            continue
        for target in targets:
            allowed = MAY[room]
            if target.split(".")[0] == room or any(target == a or target.startswith(a + ".") for a in allowed):
                continue
            wrong.append(f"{module} imports {target}")
    assert not wrong


def test_columns_never_touch() -> None:
    for column in COLUMNS:
        assert not MAY[column] & (set(COLUMNS) - {column})


def test_there_is_no_circle() -> None:
    state: dict[str, int] = defaultdict(int)

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert state[module] != 1, " → ".join((*path, module))
        if state[module]:
            return
        state[module] = 1
        for target in GRAPH.get(module, ()):
            visit(target, (*path, module))
        state[module] = 2

    for module in list(GRAPH):
        visit(module, ())


def test_nothing_is_imported_for_the_type_checker_alone() -> None:
    assert [str(p) for p in ROOT.rglob("*.py") if "TYPE_CHECKING" in p.read_text(encoding="utf-8")] == []


def test_every_room_is_named() -> None:
    rooms = {m.split(".")[0] for m in GRAPH}
    assert rooms - FREE <= set(MAY), "a new room needs its place in the layers"


def test_the_deciding_code_has_no_clock_randomness_or_socket() -> None:
    banned = {"time", "random", "secrets", "socket", "asyncio", "sqlite3", "aiosqlite", "httpx", "os", "threading"}
    # the clock is where the wall clock enters; the base of a step is a coroutine but never a loop
    # dice whose seed is the run's are a value
    # steps run in tasks, and code that holds up everybody is timed
    allowed = {("core/clock.py", "time"), ("turns/once.py", "asyncio"), ("turns/blocking.py", "time")}
    allowed |= {("routing/session.py", "random"), ("routing/speaking.py", "random")}
    cancelled = "from asyncio import CancelledError"  # what a task is ended with, and no loop
    wrong = []
    deciding = ("core", "understanding", "routing", "flows", "conversations", "policy", "turns", "stores/deciding")
    for room in deciding:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = (
                    [n.name for n in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                    if isinstance(node, ast.ImportFrom) and not node.level and ast.unparse(node) != cancelled
                    else []
                )
                for name in names:
                    place = (str(path.relative_to(ROOT)), name.split(".")[0])
                    if place[1] in banned and place not in allowed:
                        wrong.append(place)
    assert not wrong


def test_what_the_store_decides_knows_no_sql() -> None:
    for path in (ROOT / "stores" / "deciding").glob("*.py"):
        targets = GRAPH[module_of(path)]
        assert all(t.startswith(("core", "stores.deciding")) or t == "stores.base" for t in targets), path
        texts = [n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)]
        assert not [
            t for t in texts if isinstance(t, str) and t.startswith(("SELECT ", "INSERT ", "UPDATE ", "DELETE "))
        ]
