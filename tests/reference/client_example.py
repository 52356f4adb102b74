"""The example of the page of the client."""

from smsbot.client import Client


def remind(sms: Client, number: str) -> str:
    sent = sms.send(number, "Your parcel is here.", reference="parcel-7", key="parcel-7-here")
    return sent.messages[0].status


def main() -> None:
    with Client("https://sms.example.org", "the token of smsbot token add") as sms:
        print(remind(sms, "+48600100200"))
