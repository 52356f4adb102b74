"""The bot; the survey needs no Python of its own yet."""

from smsbot import Bot

bot = Bot(flows="flows")
