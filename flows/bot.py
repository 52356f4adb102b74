"""What the example flows ask of Python: prices, a kitchen, a calendar."""

from decimal import Decimal

from smsbot import Bot

bot = Bot(flows="flows")

PRICES = {"S": Decimal(8), "M": Decimal(11), "L": Decimal(14)}


@bot.action
def quote(size: str, qty: int) -> Decimal:
    return PRICES[size] * qty


@bot.action
async def place(size: str, qty: int, address: str) -> str:
    return f"{qty}{size}"
