"""The example of the page of tests."""

from smsbot import Bot, Chat
from smsbot.testing import Sim

bot = Bot()


@bot.on("rate")
async def rate(chat: Chat) -> str:
    stars = await chat.ask("1 to 5?", int, timeout="1h")
    return f"Thanks for {stars}."


async def test_rate() -> None:
    async with Sim(bot) as sim:
        ann = sim.phone("+48600100200")
        await ann.text("rate")
        await sim.restart()  # another process on the same database
        await ann.text("5")
        assert ann.last == "Thanks for 5."
        await ann.text("rate")
        await sim.advance("61m")
        assert ann.heard[-1] == "1 to 5?"
