"""On call: an alert goes to the first phone; unacknowledged after 10 minutes, or escalated, to the next."""

from typing import Literal

from smsbot import Bot, Chat, NoReply, choice

bot = Bot()

ROTA = ("+48600100200", "+48600100301")
ANSWERS = choice(Literal["ACK", "ESC"], words={"ACK": ["a", "acknowledge"], "ESC": ["e", "escalate"]})
DONE = choice(Literal["DONE"], words={"DONE": ["resolved", "fixed"]})


@bot.event("alert")
def alert(chat: Chat, event: dict[str, str]) -> None:
    """Something is broken: page the first of the rota, whoever the alert was for."""
    chat.start("page", {"what": event["what"], "place": 0}, to=ROTA[0], busy="replace")


@bot.event("page")
async def page(chat: Chat, event: dict[str, str]) -> None:
    what, place = event["what"], int(event["place"])
    try:
        answer = await chat.ask(f"ALERT {what}. Reply ACK or ESC.", ANSWERS, remind="5m", timeout="10m")
    except NoReply:
        answer = "ESC"
    if answer == "ESC":
        escalate(chat, what, place)
        return
    chat.say(f"Yours: {what}. Reply DONE when it is over.")
    try:
        await chat.ask("Still at it?", DONE, timeout="1h", tries=9)
    except NoReply:
        escalate(chat, what, place)
        return
    chat.say("Thank you. Closed.")
    chat.end("resolved")


def escalate(chat: Chat, what: str, place: int) -> None:
    if place + 1 < len(ROTA):
        chat.start("page", {"what": what, "place": place + 1}, to=ROTA[place + 1], busy="replace")
        chat.say(f"{what} goes to the next one.")
    else:
        chat.handoff("duty manager")
        chat.say(f"{what} goes to the duty manager.")
    chat.end("escalated")


@bot.anywhere("help")
def help_() -> str:
    return "Alerts for people on call. Reply ACK or ESC. Text STOP to leave."
