"""The example of the page of bots."""

from smsbot import Bot, CallNext, Chat, Router

bot = Bot("parcels", timeout="24h", language="en")
prices = Router()


@bot.on("track {code}", typos=1)
def track(code: str) -> str:
    return f"{code} is on its way."


@prices.anywhere("price")
def price() -> str:
    return "A parcel is 12 PLN."


@bot.middleware
async def polite(chat: Chat, call_next: CallNext) -> str | None:
    said = await call_next()
    return said and f"{said} Thank you."


bot.include(prices)
