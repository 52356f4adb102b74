"""The bot of the benchmark: three turns of an order, then its state is cleared."""

from smsbot import Bot, Chat

bot = Bot()


@bot.on("order")
def order(chat: Chat) -> str:
    chat.goto("many")
    return "How many?"


@bot.state("many")
def many(chat: Chat, text: str) -> str:
    chat.data["n"] = text
    chat.goto("confirm")
    return f"Confirm {text}? (yes/no)"


@bot.state("confirm")
def confirm(chat: Chat) -> str:
    chat.end()
    return "Done"
