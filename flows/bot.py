"""What the example flows ask of Python: prices and a kitchen, a calendar and its book."""

from datetime import date
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


@bot.action
def hours(day: date) -> list[str]:
    return [] if day.isoweekday() > 5 else ["9:00", "11:30", "15:00"]


@bot.action
async def book(slot: str) -> str:
    return f"V{int.from_bytes(slot.encode()) % 900 + 100}"
