"""The example of the page of contacts."""

from typing import TypedDict

from smsbot import Bot, Contact


class Guest(TypedDict, total=False):
    """What this bot keeps of a person."""

    name: str
    visits: int


bot = Bot()


@bot.on("i am {name}")
def named(contact: Contact, name: str) -> str:
    contact["name"] = name
    contact["visits"] = 1
    return f"Welcome, {name}."


@bot.on("hello")
def hello(contact: Guest) -> str:  # the same mapping, with the fields that a type checker knows
    return f"Hello {contact.get('name', 'stranger')}, visit {contact.get('visits', 0)}."
