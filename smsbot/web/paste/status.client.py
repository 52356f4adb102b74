"""@WHAT@: pip install smsbot; SMSBOT_TOKEN=smsbot_... python3 @FILE@"""

import os

from smsbot.client import Client

with Client("@BASE@", os.environ["SMSBOT_TOKEN"]) as sms:
    judged = sms.message("@MESSAGE@")
    print(judged.verdict, judged.at, judged.why)
