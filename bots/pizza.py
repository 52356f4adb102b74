"""Pizza: an order as a state machine: size, how many, address, confirm."""

from decimal import Decimal

from smsbot import Bot, Chat

bot = Bot()

PRICES = {"S": Decimal(8), "M": Decimal(11), "L": Decimal(14)}
SIZES = {"1": "S", "s": "S", "small": "S", "2": "M", "m": "M", "medium": "M", "3": "L", "l": "L", "large": "L"}
ASK_SIZE = "Size? 1) Small $8  2) Medium $11  3) Large $14"


@bot.on("hi", "hello")
def hello() -> str:
    return "Hello! Text PIZZA to order."


@bot.on("pizza", "order", "pizza {qty:int}")
def order(chat: Chat, qty: int | None) -> None:
    if qty is not None and 1 <= qty <= 9:
        chat.data["qty"] = qty
    wait(chat, ASK_SIZE, "size")


@bot.state("size")
def size(chat: Chat, text: str) -> None:
    choice = SIZES.get(text.strip(" .!").lower())
    if choice is None:
        chat.say(f"Please answer 1, 2 or 3. {ASK_SIZE}")
        return
    chat.data["size"] = choice
    if "qty" in chat.data:
        wait(chat, "Delivery address?", "address")
    else:
        wait(chat, "How many (1-9)?", "qty")


@bot.state("qty")
def quantity(chat: Chat, text: str) -> None:
    if text.strip() not in set("123456789"):
        chat.say("A number from 1 to 9, please.")
        return
    chat.data["qty"] = int(text)
    wait(chat, "Delivery address?", "address")


@bot.state("address")
def address(chat: Chat, text: str) -> None:
    chat.data["address"] = text[:80]
    total = PRICES[chat.data["size"]] * chat.data["qty"]
    wait(chat, f"{chat.data['qty']} x {chat.data['size']}, ${total}. OK? YES or NO", "confirm")


@bot.state("confirm")
def confirm(chat: Chat, text: str) -> None:
    answer = text.strip(" .!").lower()
    if answer in ("yes", "y", "ok"):
        chat.say("On its way!")
        chat.end("ordered")
    elif answer in ("no", "n"):
        chat.data.pop("qty", None)
        wait(chat, ASK_SIZE, "size")
    else:
        chat.say("Please answer YES or NO.")


@bot.state("gone")
def gone(chat: Chat) -> str:
    chat.end("abandoned")
    return "Text PIZZA to start again."


@bot.anywhere("help")
def help_() -> str:
    return "We sell pizza. Text STOP to leave."


@bot.fallback
def unknown() -> str:
    return "Text PIZZA to order."


def wait(chat: Chat, question: str, state: str) -> None:
    chat.say(question)
    chat.goto(state, timeout="10m", then="gone")
