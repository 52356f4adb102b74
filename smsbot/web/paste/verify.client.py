"""@WHAT@. The secret and the three webhook- headers are in the environment, the body is on standard input.

WEBHOOK_SECRET=whsec_... WEBHOOK_ID=... WEBHOOK_TIMESTAMP=... WEBHOOK_SIGNATURE=... python3 @FILE@ < body
"""

import os
import sys

from smsbot.client import verify

names = ("id", "timestamp", "signature")
headers = {f"webhook-{name}": os.environ[f"WEBHOOK_{name.upper()}"] for name in names}
try:
    verify(os.environ["WEBHOOK_SECRET"], headers, sys.stdin.buffer.read())
except Exception:
    print("forged")
    sys.exit(1)
print("genuine")
