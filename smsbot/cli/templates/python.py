"""A bot in Python alone: an order as one conversation, written from the top to the bottom."""

from smsbot import Bot, Chat, NoReply, integer

bot = Bot()

PRICES = {"small": 8, "medium": 11, "large": 14}


def place(size: str, qty: int, address: str, idempotency_key: str = "") -> str:
    """Tell the kitchen; runs again if it raises, with the same key. Returns the order's number."""
    return f"{qty}{size[0].upper()}"


@bot.on("pizza", "order", typos=1)
async def order(chat: Chat) -> str:
    """From the first word to the kitchen; a restart of the server goes on at the open question."""
    try:
        size = await chat.ask("Size? small $8, medium $11, large $14", list(PRICES), remind="5m", timeout="10m")
        qty = await chat.ask("How many (1-9)?", integer(1, 9), timeout="10m")
        address = await chat.ask("Delivery address?", timeout="10m", settle="5s")
    except NoReply:
        return "Text PIZZA to start again."
    if not await chat.confirm(f"{qty} x {size}, ${PRICES[size] * qty}. OK? YES or NO"):
        return "Then not. Text PIZZA to start again."
    number = await chat.step(place, size, qty, address)
    return f"On its way, number {number}!"


@bot.fallback
def other() -> str:
    """What nothing else takes."""
    return "Text PIZZA to order."
