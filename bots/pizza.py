"""Pizza: an order as one straight function; every answer, timeout and price survives a restart."""

from decimal import Decimal
from typing import Literal

from smsbot import Bot, Chat, NoReply, choice, integer, text

bot = Bot(timeout="10m")

PRICES = {"S": Decimal(8), "M": Decimal(11), "L": Decimal(14)}
SIZES = choice(Literal["S", "M", "L"], words={"S": ["small"], "M": ["medium"], "L": ["large"]})


@bot.on("hi", "hello")
def hello() -> str:
    return "Hello! Text PIZZA to order."


@bot.on("pizza", "order", "pizza {qty:int}", typos=1)
async def order(chat: Chat) -> None:
    try:
        while True:
            size = await chat.ask("Size? 1) Small $8  2) Medium $11  3) Large $14", SIZES)
            qty = await chat.ask("How many (1-9)?", integer(1, 9), retry="A number from 1 to 9, please.")
            address = await chat.ask("Delivery address?", text(80))
            total = await chat.step(quote, size, qty)
            if await chat.confirm(f"{qty} x {size}, ${total}. OK? YES or NO"):
                break
    except NoReply:
        chat.say("Text PIZZA to start again.")
        chat.end("abandoned")
        return
    await chat.step(place, size, qty, address)
    chat.say("On its way!")
    chat.end("ordered")


def quote(size: str, qty: int) -> Decimal:
    return PRICES[size] * qty


def place(size: str, qty: int, address: str) -> None:
    """Tell the kitchen: runs once, also if the server is killed."""


@bot.anywhere("help")
def help_() -> str:
    return "We sell pizza. Text STOP to leave."


@bot.fallback
def unknown() -> str:
    return "Text PIZZA to order."
