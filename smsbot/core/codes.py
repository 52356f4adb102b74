"""What each code of `smsbot check` means; `smsbot explain` prints it."""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, tuple[str, str]] = {
    "SB601": ("the file cannot be read as YAML", "Usual causes: a tab, a missing space after a colon, a quote without its partner, a line that is indented too little or too much. Put texts that hold a colon or begin with a brace into quotes."),
    "SB602": ("something that flow files do without", "Anchors (&), aliases (*), tags (!), several documents in one file, more than 256 kB, or more than 20 levels. Write the thing out where it is needed."),
    "SB603": ("a key stands twice", "YAML would keep only the last; smsbot keeps neither. Give one of them another name, or make them one."),
    "SB604": ("an unknown key", "The keys of a step are listed in docs/flows.md; `smsbot schema` lets an editor complete them."),
    "SB605": ("a key is missing", "A flow needs `flow: NAME` and `steps:`; a question needs `say:`."),
    "SB606": ("the wrong shape", "Where one thing is expected, another stands: a text, a list (lines that begin with -), or a map (name: value)."),
    "SB607": ("a value that does not fit", "Durations are 30s, 10m, 24h or 7d; names are letters, digits and _, and begin with a letter; types are text, integer, number, yes_no, date, time, phone and email."),
    "SB608": ("keys that exclude each other", "A step waits for one thing at most: ask, wait or call. A step that ends the flow goes nowhere else."),
    "SB609": ("a text that ends at a #", "In YAML a # behind a space begins a comment. Put the text into quotes: \"Call us #1 in town\"."),
    "SB610": ("a step that does not exist", "Links are ids: a step's `id:`, else the name that it asks for or saves, else its action's name."),
    "SB611": ("two steps with one name", "Give one of them an `id:` of its own."),
    "SB612": ("a step that nothing reaches", "The step before it always goes elsewhere. Link to it, or take it out. Steps that are only reached by name belong under `asides:`."),
    "SB613": ("a question that never gives up", "People stop answering. Add `timeout: {after: 24h, then: STEP}` to the question, or to `defaults:` for all of them."),
    "SB614": ("a step that leads nowhere", "An aside is reached by name and never falls into the next step, so it needs `end:`, `then:` or `goto:`."),
    "SB615": ("a step that does nothing", "A step says, asks, does, sets, calls, waits, hands off, goes or ends."),
    "SB616": ("something that goes round without end", "Steps that lead back to each other without a question or a wait, or flows that call each other, would run for ever. Ask something in the round, or end it."),
    "SB620": ("an expression that cannot be read", "Expressions are written as in Python: names, numbers, 'texts', comparisons, and, or, not, in, + - * / // %, and the functions in docs/flows.md."),
    "SB621": ("a name that is not known", "Names are what the flow asks for, saves, sets, its `vars` and `args`, holes of its start words, and now, today, contact, event, answer, line, number."),
    "SB622": ("an unknown function, or one called wrongly", "docs/flows.md lists the functions that expressions know. Python is called by `do:`."),
    "SB623": ("types that do not fit", "A text cannot be compared with a number, or added to one. integer(x) reads a number out of a text, text(x) writes it as one."),
    "SB624": ("something that expressions do without", "There are no loops, no assignments, no attributes of objects, no calls but the listed functions, and at most 500 characters."),
    "SB625": ("a format that does not fit", "Numbers take .2f and the like, dates and times take %d %b %H:%M and the like."),
    "SB626": ("a brace without its partner", "In texts {name} is replaced; write {{ for a brace that is meant to be seen."),
    "SB630": ("an unknown action", "`do:` calls functions decorated with @bot.action. Check the name, or that the bot's file is the target that you check."),
    "SB631": ("an action called with the wrong arguments", "Give the arguments of the Python function, in its order or by name."),
    "SB632": ("an unknown flow", "`call:` names another flow of the same bot by its `flow:` name."),
    "SB633": ("a flow called with the wrong arguments", "`args:` of the call are those that the called flow lists under its own `args:`."),
    "SB640": ("a word that opts people out", "Whole messages such as STOP (END, CANCEL and QUIT in the US) never reach a flow: they unsubscribe. Choose another word."),
    "SB641": ("a keyword that leads to two places", "Each start word starts one flow or one handler on a line."),
    "SB642": ("two choices that share a word", "A word is the answer of one choice only."),
    "SB643": ("an answer that is not one of the choices", "The keys under `then:` are choices of the question (yes and no for yes_no), or end labels of a called flow."),
    "SB650": ("a translation is missing", "Where one text of a flow is given in several languages, the others should be too; until then the first language is sent."),
    "SB651": ("letters that make a text dearer", "Letters outside the GSM alphabet force UCS-2: 70 instead of 160 characters a part. Plain letters, or straight quotes, make it cheaper."),
    "SB652": ("a text that is too long", "One text is at most 9 SMS parts. Say it in several, as a list."),
    "SB660": ("a story that cannot be read", "A story has `story:` and `script:`, a list of me, bot, wait, restart and ended; docs/stories.md shows each."),
    "SB661": ("a story of a bot that does not exist", "`bot:` names a bot of the settings; with a single bot it may be left out."),
    "SB680": ("something unsafe in a conversation", "A conversation in Python is replayed from its journal after a restart, so clocks, dice, files and networks go through chat: chat.now, chat.random, await chat.sleep(…), await chat.step(function, …)."),
    "SB681": ("a verb that is not awaited", "ask, confirm, menu, form, sleep, run, step and gather wait for something, so without `await` nothing happens. Write `await chat.ask(…)`; a step may be kept in a variable for `await chat.gather(…)`."),
    "SB682": ("a name that nothing has", "chat.goto names a state with a @bot.state handler, chat.run a flow of the bot, chat.start an event with a @bot.event handler or a flow that it starts."),
    "SB670": ("a story that went differently", "The bot said something else than the story tells. Mend the flow, or let `smsbot test --update` take what it says now for right."),
}  # fmt: skip
"""code → what it is, and what usually helps."""
