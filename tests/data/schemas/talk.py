"""A conversation in straight-line Python."""

from smsbot import Bot, Chat, integer

bot = Bot(timeout="30d")


async def price(qty: int) -> int:
    return qty * 11


@bot.on("buy")
async def buy(chat: Chat) -> str:
    qty = await chat.ask("How many (1-9)?", integer(1, 9))
    total = await chat.step(price, qty)
    address = await chat.ask(f"${total}. Where to?")
    return f"{qty} to {address} for ${total}."
