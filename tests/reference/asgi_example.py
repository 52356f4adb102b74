"""The example of the page of ASGI applications."""

import smsbot

bot = smsbot.Bot("shop")


@bot.on("hi")
def hi() -> str:
    return "hello"


def application() -> smsbot.embedded.Embedded:
    """For uvicorn --factory, or to mount: it begins and ends with the application around it."""
    return smsbot.asgi(bot, lines=["+48732000111"])
