"""The bot of the shop."""

from pathlib import Path
from typing import TypedDict

from smsbot import Bot, Chat


class Shipped(TypedDict):
    order: str


bot = Bot(flows=Path(__file__).parent / "flows")


@bot.event("shipped")
def shipped(chat: Chat, event: Shipped) -> str:
    return f"Order {event['order']} has left."


@bot.on("hello")
async def hello(chat: Chat) -> str:
    return f"Hello {await chat.ask('Your name?')}!"
