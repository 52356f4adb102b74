"""@WHAT@. The secret and the three webhook- headers are in the environment, the body is on standard input.

WEBHOOK_SECRET=whsec_... WEBHOOK_ID=... WEBHOOK_TIMESTAMP=... WEBHOOK_SIGNATURE=... python3 @FILE@ < body
"""

import base64
import hashlib
import hmac
import os
import sys
import time


def genuine(secret: str, id: str, timestamp: str, signatures: str, body: bytes) -> bool:  # noqa: A002
    """Whether the body, byte for byte as it came, was signed with this secret, not long ago."""
    try:
        age = int(time.time()) - int(timestamp)
    except ValueError:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    if abs(age) > 300 or not key:
        return False
    code = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(code)
    return any(hmac.compare_digest(expected, given.encode()) for given in signatures.split())


is_genuine = genuine(
    os.environ["WEBHOOK_SECRET"],
    os.environ["WEBHOOK_ID"],
    os.environ["WEBHOOK_TIMESTAMP"],
    os.environ["WEBHOOK_SIGNATURE"],
    sys.stdin.buffer.read(),
)
print("genuine" if is_genuine else "forged")
sys.exit(0 if is_genuine else 1)
