"""The example of the page of kinds."""

from datetime import date
from enum import Enum

from smsbot import Bot, Chat, Unsure, choice, integer, pattern


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


bot = Bot()


@bot.answer
def room(text: str) -> str | Unsure | None:
    number = text.strip()
    return number if number in ("12", "14") else None


@bot.on("visit")
async def visit(chat: Chat) -> str:
    size = await chat.ask("Size? S or L", Size)
    tea = await chat.ask("Tea or coffee?", choice("tea", "coffee"))
    many = await chat.ask("How many?", integer(1, 9), check=lambda n: n % 2 == 0 or "An even number, please.")
    day = await chat.ask("Which day?", date)
    plate = await chat.ask("Your plate?", pattern(r"[A-Z]{2} ?[0-9]{4,5}"))
    door = await chat.ask("Room 12 or 14?", room)
    return f"{size.name} {tea} {many} {day} {plate} {door}"
