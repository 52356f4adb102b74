"""The example of the page of messages."""

from smsbot import Bot, Chat, Delivery, Message, Status

bot = Bot()


@bot.fallback
def echo(message: Message, chat: Chat) -> None:
    chat.say(f"{message.text} at {message.at:%H}h", ref="echo-1")


@bot.on_delivery("delivered")
def arrived(report: Delivery, chat: Chat) -> None:
    if report.status is Status.DELIVERED:
        chat.contact["arrived"] = report.ref
