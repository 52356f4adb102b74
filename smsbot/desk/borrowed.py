"""Words of the rooms below that the desk shows as they are: marked here, as those rooms know no catalogue."""

from __future__ import annotations

from typing import Final

from .words import N_

BORROWED: Final = (
    # where a text stands, and how an attempt ended
    N_("queued"), N_("sending"), N_("unknown"), N_("accepted"), N_("sent"), N_("blocked"), N_("failed"),
    N_("undelivered"), N_("expired"), N_("delivered"), N_("refused"), N_("later"), N_("not sent"),
    # where the texts of a broadcast stand
    N_("on the way"), N_("leaving"), N_("waiting for their turn"), N_("held: quiet hours"),
    N_("held: a cap of money"), N_("not sent: opted out"), N_("stopped before they left"), N_("not sent in time"),
    N_("refused, or not delivered"), N_("nobody knows yet"),
    # why something that was asked for is not done
    N_("nobody has taken this conversation over"), N_("nothing is known of this number"),
    N_("somebody is being answered, or a text is just leaving; try again in a moment"),
    N_("this broadcast was not begun"),
    # what a program may be told
    N_("somebody texted: also an answer to a bot, STOP and START"),
    N_("a text of ours has moved on: taken, sent, delivered, failed …"),
    N_("a conversation is over, and how"), N_("somebody opted out, or in again"),
    # what a cap of money is of, and why a webhook is in quarantine
    N_("all texts"), N_("one person"), N_("a text to a number that is none of our lines"),
    # what is due in a conversation
    N_("answer is taken"), N_("reminder"), N_("timeout"), N_("goes on"),
    # roles, and why a text is held
    N_("support"), N_("admin"),
    N_("waits for its turn"), N_("the gateway cannot look texts up"), N_("unknown again after one resend"),
    N_("a bulk text is never resent by itself"), N_("too late, or opted out, to send it again"),
)  # fmt: skip
"""Each is in every catalogue; a word that is not stands in English, and the page is whole."""
