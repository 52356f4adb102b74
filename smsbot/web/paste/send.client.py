"""@WHAT@: pip install smsbot; SMSBOT_TOKEN=smsbot_... python3 @FILE@"""

import os

from smsbot.client import Client

with Client("@BASE@", os.environ["SMSBOT_TOKEN"]) as sms:
    sending = sms.send(
        "+48500100100",
        "Your order 1001 is on its way.",
        line="@LINE@",
        reference="order-1001",
        key="order-1001-shipped",
    )
    for text in sending.messages:
        print(text.id, text.status)
