"""@WHAT@: pip install smsbot; SMSBOT_TOKEN=smsbot_... python3 @FILE@"""

import os

from smsbot.client import Client

with Client("@BASE@", os.environ["SMSBOT_TOKEN"]) as sms:
    print(sms.begin("@FLOW@", "+48500100100", line="@LINE@", key="@KEY@"))
