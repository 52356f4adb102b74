"""Clinic: a reminder a day ahead; YES keeps the visit, NO frees it, MOVE finds another slot."""

from datetime import datetime, timedelta
from typing import Literal

from smsbot import Bot, Chat, NoReply, choice

bot = Bot(timeout="20h")

ANSWERS = choice(Literal["YES", "NO", "MOVE"], words={"YES": ["tak", "ok"], "NO": ["nie"], "MOVE": ["change", "other"]})


@bot.event("visit.booked")
def booked(chat: Chat, event: dict[str, str]) -> str:
    """A visit is in the book: remind a day ahead, once for each visit."""
    at = datetime.fromisoformat(event["at"]).replace(tzinfo=chat.now.tzinfo)
    chat.start("visit.reminder", event, at=at - timedelta(days=1), key=event["id"], valid="20h")
    return f"{event['who']}: {at:%a %d %b %H:%M}, Dr {event['doctor']}. We will remind you."


@bot.event("visit.reminder")
async def remind(chat: Chat, event: dict[str, str]) -> None:
    when = datetime.fromisoformat(event["at"])
    while True:
        prompt = f"{event['who']}: {when:%a %H:%M}, Dr {event['doctor']}. Reply YES, NO or MOVE."
        try:
            answer = await chat.ask(prompt, ANSWERS, remind="4h", late="1d")
        except NoReply:
            chat.handoff("front desk")
            chat.end("no reply")
            return
        if answer != "MOVE":
            break
        slots = await chat.step(free_slots, event["doctor"], when)
        picked = await chat.menu("Which time?", [f"{s:%a %H:%M}" for s in slots])
        when = next(s for s in slots if f"{s:%a %H:%M}" == picked)
    if answer == "NO":
        await chat.step(release, event["id"])
        chat.say("Cancelled. Text us to book again.")
        chat.end("cancelled")
        return
    await chat.step(keep, event["id"], when)
    chat.say(f"See you {when:%a %H:%M}.")
    chat.end("confirmed")


def free_slots(doctor: str, near: datetime) -> list[datetime]:
    return [near + timedelta(days=1), near + timedelta(days=2), near + timedelta(days=2, hours=3)]


def release(visit: str) -> None:
    """Give the slot to somebody else."""


def keep(visit: str, at: datetime) -> None:
    """Write it into the book."""


@bot.anywhere("help")
def help_() -> str:
    return "We remind you of visits. Text STOP to leave."
