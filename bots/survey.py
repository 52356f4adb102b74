"""Survey: a score, what went wrong, and how to reach you; BACK corrects an answer."""

from dataclasses import dataclass, field

from smsbot import Bot, Chat, integer, text, yes_no

bot = Bot(timeout="24h")


@dataclass(frozen=True)
class Reach:
    """How to reach somebody."""

    name: str = field(metadata={"ask": "Your first name?"})
    day: str = field(metadata={"ask": "When may we call?", "kind": text(40)})


@bot.on("survey", "survey {score:int}")
async def survey(chat: Chat) -> None:
    score = await chat.ask("How likely are you to recommend us, 0 to 10?", integer(0, 10), retry="0 to 10, please.")
    chat.contact["score"] = score
    if score >= 9:
        chat.say("Thank you! Tell a friend.")
        chat.end("promoter")
        return
    answers = await chat.form({"why": "What should we do better?", "call": ("May we call you? YES or NO", yes_no())})
    reach = await chat.ask("", Reach) if answers["call"] else None
    await chat.step(keep, score, answers["why"], reach)
    chat.say(f"Thank you{', ' + reach.name if reach else ''}. We read every word.")
    chat.end("passive" if score >= 7 else "detractor")


def keep(score: int, why: str, reach: Reach | None) -> None:
    """Write it down."""


@bot.anywhere("help")
def help_() -> str:
    return "Text SURVEY to tell us how we did. Text STOP to leave."
