"""The example of the page of errors."""

from smsbot import Bot, Chat, NoReply, StepFailed, TooManyTries

bot = Bot(tries=1)


@bot.on("pay")
async def pay(chat: Chat) -> str:
    try:
        amount = await chat.ask("How much?", int, timeout="10m")
        await chat.step(charge, amount)
    except TooManyTries:
        return "We could not read that."
    except NoReply:
        return "Text PAY to begin again."
    except StepFailed as error:
        return f"It failed: {error.kind.rpartition(':')[2]}"
    return "Paid."


def charge(amount: int) -> None:
    raise ConnectionError("the bank", object())
