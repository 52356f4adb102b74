#!/usr/bin/env bash
# @WHAT@: SMSBOT_TOKEN=smsbot_... bash @FILE@
set -euo pipefail

curl --silent --show-error --fail-with-body --max-time 30 --write-out '\n%{http_code}\n' \
  '@URL@' \
# only POST
  --header "Authorization: Bearer $SMSBOT_TOKEN" \
  --header 'Content-Type: application/json' \
  --header 'Idempotency-Key: @KEY@' \
  --data-binary @- <<'JSON'
@BODY@
JSON
# end
# only GET
  --header "Authorization: Bearer $SMSBOT_TOKEN"
# end
