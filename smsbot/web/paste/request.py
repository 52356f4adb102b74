"""@WHAT@: SMSBOT_TOKEN=smsbot_... python3 @FILE@"""

# only POST
import json

# end
import os
import sys
import urllib.error
import urllib.request

# only POST
body = "@BODY@"
# end
request = urllib.request.Request(  # noqa: S310
    "@URL@",
    method="@METHOD@",
    # only POST
    data=json.dumps(body).encode(),
    # end
    headers={
        "Authorization": f"Bearer {os.environ['SMSBOT_TOKEN']}",
        # only POST
        "Content-Type": "application/json",
        "Idempotency-Key": "@KEY@",
        # end
    },
)
try:
    answer = urllib.request.urlopen(request, timeout=30)  # noqa: S310
except urllib.error.HTTPError as refused:  # it has a status and a body like every answer
    answer = refused
print(answer.status)
print(answer.read().decode())
sys.exit(1 if answer.status >= 400 else 0)
