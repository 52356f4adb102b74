"""The example of the page of chats."""

from smsbot import Bot, Chat, NoReply, integer

bot = Bot()


@bot.on("book")
async def book(chat: Chat) -> str:
    try:
        seats = await chat.ask("How many seats?", integer(1, 9), remind=["10m", "1h"], timeout="2h")
    except NoReply:
        chat.end("abandoned")
        return "Text BOOK to begin again."
    total = await chat.step(quote, seats)
    if not await chat.confirm(f"{seats} seats, ${total}. OK? YES or NO"):
        return "Nothing was booked."
    chat.contact["seats"] = seats
    return "See you!"


def quote(seats: int) -> int:
    return 8 * seats
