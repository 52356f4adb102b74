"""Echo: says back what you text."""

from smsbot import Bot

bot = Bot()


@bot.fallback
def echo(text: str) -> str:
    return f"You said: {text[:200]}"


@bot.anywhere("help")
def help_() -> str:
    return "Text anything and it comes back. Text STOP to leave."
