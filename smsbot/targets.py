"""From what a person names, an import string or a file, to the bot it means."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from traceback import walk_tb
from types import ModuleType

from smsbot.core.errors import RouteError, SmsbotError, TargetError
from smsbot.core.nearest import nearest
from smsbot.flows.flow_set import SUFFIXES, files
from smsbot.routing.bot import Bot
from smsbot.routing.router import Router

_HERE = Path(__file__).parent
_PLAIN = ("fallback", "action", "provide", "middleware", "on_reaction", "answer")
"""Decorators that are written without parentheses."""
_LEFT_OUT = re.compile(r"(Bot|Router)\.(\w+)\(\) missing \d+ required positional argument")
_UNKNOWN = re.compile(r"(Bot|Router)\.(\w+)\(\) got an unexpected keyword argument '(\w+)'")


def flow_paths(bot: Bot, folder: Path | None = None) -> list[Path]:
    """The files and folders that a bot names: beside the file that made it, above that, else in the folder."""
    folder = folder or Path.cwd()
    found: list[Path] = []
    for name in bot.flows:
        home = Path(bot.home).parent
        places = [home / name, home.parent / name, folder / name]
        place = next((p for p in places if p.exists()), None)
        if place is None:
            raise TargetError(f"there are no flows {name}; looked in {folder} and beside {bot.home}")
        found.append(place)
    return found


def flow_files(bot: Bot, folder: Path | None = None) -> list[Path]:
    """The flow files of a bot."""
    return files(flow_paths(bot, folder))


def load(target: str, folder: Path | None = None) -> Bot:
    """The bot of ``bots.pizza:bot``, ``bots/pizza.py``, ``bots/pizza.py:bot``, or of flows in a file or a folder.

    The folder is importable. A folder of flows that holds a ``bot.py`` is that bot's.
    """
    folder = folder or Path.cwd()
    if (made := _of_flows(folder, target)) is not None:
        return made
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    place, _, name = target.partition(":")
    try:
        module = _from_file(folder, place) if place.endswith(".py") else _from_name(place, target, folder)
    except SmsbotError:
        raise
    except SystemExit as error:
        raise TargetError(f"{target} cannot be imported: it ended Python{_place(error)}") from error
    except Exception as error:
        if why := _misused(error):
            raise RouteError(f"{why}{_place(error, ours=False)}") from error
        raise TargetError(f"{target} cannot be imported: {type(error).__name__}: {error}{_place(error)}") from error
    return _bot(module, name, target)


def load_as(name: str, target: str, folder: Path | None = None) -> Bot:
    """The bot of a target, under the name that the settings give it."""
    bot = load(target, folder)
    bot.name = name
    return bot


def _of_flows(folder: Path, target: str) -> Bot | None:
    """The bot of flows without Python, or with a ``bot.py`` beside them; None if the target names no flows."""
    place = folder / target
    if place.suffix in SUFFIXES:
        if not place.is_file():
            raise TargetError(f"there is no file {target}")
        return Bot(place.stem, flows=str(place.resolve()))
    if not place.is_dir() or not files([place]):
        return None
    if (place / "bot.py").is_file():
        return load(str(place / "bot.py"), folder)
    return Bot(place.resolve().name, flows=str(place.resolve()))


def _from_file(folder: Path, place: str) -> ModuleType:
    path = (folder / place).resolve()
    if not path.is_file():
        raise TargetError(f"there is no file {place}")
    parts = path.with_suffix("").parts
    name = "_".join(parts[-2:]).replace("-", "_")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TargetError(f"{place} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _from_name(place: str, target: str, folder: Path) -> ModuleType:
    if not all(part.isidentifier() for part in place.split(".")):
        what = "a folder" if (folder / place).is_dir() else "neither a file nor an import string"
        raise TargetError(f"{target!r} is {what}; write for example bots/pizza.py or bots.pizza:bot")
    if (folder / place).is_dir() and "." not in place:
        raise TargetError(f"{target} is a folder; name a file in it or an import string such as {place}.pizza:bot")
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is not None and (place == error.name or place.startswith(error.name + ".")):
            tried = folder / (place.replace(".", "/") + ".py")
            raise TargetError(f"there is no module {error.name} for {target!r}; looked for {tried}") from None
        raise


def _misused(error: Exception) -> str:
    """The misuse of a bot, where Python says only that a call does not fit; empty for anything else."""
    said = str(error)
    if isinstance(error, TypeError) and (found := _LEFT_OUT.match(said)) and _is_ours(error, found[1]):
        return f"@bot.{found[2]} is written without parentheses, on a bot: bot = Bot()" if found[2] in _PLAIN else ""
    if isinstance(error, TypeError) and (found := _UNKNOWN.match(said)) and _is_ours(error, found[1]):
        known = [n for n in inspect.signature(getattr(Bot, found[2])).parameters if n not in ("self", "keywords")]
        near = nearest(found[3], known)
        verb = "Bot" if found[2] == "__init__" else f"bot.{found[2]}"
        return f"{verb}() has no {found[3]}=; " + (f"did you mean {near}=?" if near else f"it has {', '.join(known)}")
    if isinstance(error, AttributeError) and isinstance(error.obj, Bot):
        near = nearest(error.name or "", [n for n in dir(Bot) if not n.startswith("_")])
        return f"a bot has no {error.name}" + (f"; did you mean {near}?" if near else "")
    if isinstance(error, AttributeError | TypeError) and _of_smsbot(error):
        return f"this is not how a decorator of smsbot is written ({type(error).__name__}: {error})"
    return ""


def _is_ours(error: Exception, name: str) -> bool:
    """Whether a call that does not fit was of our class, not of another's with the same name."""
    *_, (frame, _) = walk_tb(error.__traceback__)
    there = frame.f_globals.get(name)
    if inspect.isclass(there):
        return there in (Bot, Router)
    return any(isinstance(v, Router) or v is Bot or v is Router for v in frame.f_globals.values())


def _of_smsbot(error: BaseException) -> bool:
    """Whether it was raised inside smsbot, by what somebody gave it."""
    trace = error.__traceback__
    files = [frame.f_code.co_filename for frame, _ in walk_tb(trace)]
    return any(Path(file).is_relative_to(_HERE / "routing") for file in files)


def _place(error: BaseException, *, ours: bool = True) -> str:
    """Where it was raised; without `ours`, the last place in somebody else's code."""
    if isinstance(error, SyntaxError) and error.filename:
        line = f"\n   | {error.text.strip()}" if error.text else ""
        return f"\n  --> {error.filename}:{error.lineno}{line}"
    places = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    theirs = [p for p in places if not Path(p[0]).is_relative_to(_HERE) and "site-packages" not in p[0]]
    chosen = places if ours else theirs or places
    return "\n  --> {}:{}".format(*chosen[-1]) if chosen else ""


def _bot(module: ModuleType, name: str, target: str) -> Bot:
    bots = {n: v for n, v in vars(module).items() if isinstance(v, Bot)}
    if not name:
        if len(bots) != 1 and "bot" not in bots:
            first = f"; name one, such as {target}:{next(iter(bots))}" if bots else "; write: bot = Bot()"
            raise TargetError(f"{target} defines {len(bots) or 'no'} bots{first}")
        name = "bot" if "bot" in bots else next(iter(bots))
    found = getattr(module, name, None)
    if not isinstance(found, Bot):
        there = f"; it defines {', '.join(bots)}" if bots else "; it defines no Bot"
        raise TargetError(f"{target}: {name} is not a Bot{there}")
    found.name = found.name or module.__name__.rpartition(".")[2]
    return found
