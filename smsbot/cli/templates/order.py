"""The actions that the flow calls."""

from decimal import Decimal

from smsbot import Bot

bot = Bot(flows="flows")

PRICES = {"S": Decimal(8), "M": Decimal(11), "L": Decimal(14)}


@bot.action
def quote(size: str, qty: int) -> Decimal:
    """The price of an order."""
    return PRICES[size] * qty


@bot.action
async def place(size: str, qty: int, address: str) -> str:
    """Tell the kitchen; runs once, also if the server is killed. Returns the order's number."""
    return f"{qty}{size}"
