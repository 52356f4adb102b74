"""A parcel locker: a parcel has come, its code opens the door, and who does not come is reminded, then it goes back."""

from __future__ import annotations

from dataclasses import dataclass

from smsbot import Bot, Chat, NoReply

bot = Bot(language="en", stranded=False)
OPENED: list[str] = []


@dataclass
class Parcel:
    """What the depot tells."""

    code: str
    place: str
    days: int = 2


def open_door(code: str, idempotency_key: str = "") -> None:
    """The locker's own API."""
    OPENED.append(code)


@bot.event("parcel.in")
async def arrived(chat: Chat, event: Parcel) -> None:
    chat.say(f"Your parcel is in {event.place}. Text OPEN {event.code} in front of it.", ref=event.code)
    chat.contact["parcel"] = event.code
    for left in range(event.days - 1, -1, -1):
        await chat.sleep("1d")
        if chat.contact.get("parcel") != event.code:
            return chat.end("fetched")
        if left:
            chat.say(f"Your parcel {event.code} waits {left} more day{'s' if left > 1 else ''}.")
    chat.say("Your parcel has gone back.")
    return chat.end("returned")


@bot.on("open {code}")
async def opens(chat: Chat, code: str) -> str:
    if chat.contact.get("parcel") != code:
        return "There is no parcel with this code."
    try:
        sure = await chat.confirm("Are you in front of the locker?", timeout="10m")
    except NoReply:
        return "Text OPEN again when you are there."
    if not sure:
        return "Text OPEN when you are there."
    await chat.step(open_door, code)
    chat.contact["parcel"] = "none"
    return "The door is open."


@bot.on("status {code}")
def status(chat: Chat, code: str) -> str:
    return "It waits for you." if chat.contact.get("parcel") == code else "We do not know this parcel."


@bot.fallback
def other() -> str:
    return "Text OPEN and your code, or STATUS and your code."
