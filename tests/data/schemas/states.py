"""A bot in the classic way: a state and its handler."""

from smsbot import Bot, Chat

bot = Bot(timeout="30d")


@bot.on("order")
def order(chat: Chat) -> str:
    chat.data["began"] = "order"
    chat.contact["seen"] = chat.contact.get("seen", 0) + 1
    chat.goto("qty", timeout="30d")
    return "How many?"


@bot.state("qty")
def qty(chat: Chat, text: str) -> str:
    chat.end("ordered")
    return f"{text} it is, {chat.data['began']} number {chat.contact['seen']}."
