#!/usr/bin/env bash
# @WHAT@. The secret and the three webhook- headers are in the environment, the body is on standard input:
# WEBHOOK_SECRET=whsec_... WEBHOOK_ID=... WEBHOOK_TIMESTAMP=... WEBHOOK_SIGNATURE=... bash @FILE@ < body
# It needs openssl, which shows the key in the process list for a moment: not for a machine that others use too.
set -euo pipefail

# Whether the body on standard input, byte for byte as it came, was signed with this secret, not long ago.
genuine() {
  local secret=$1 id=$2 timestamp=$3 signatures=$4 age key expected blind given signature
  [[ $timestamp =~ ^[0-9]{1,12}$ ]] || return 1
  age=$(($(date +%s) - 10#$timestamp))
  ((age >= -300 && age <= 300)) || return 1
  key=$(printf %s "${secret#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n') || return 1
  [[ -n $key ]] || return 1
  expected=$({ printf '%s.%s.' "$id" "$timestamp" && cat; } | hmac "$key" | openssl base64 -A) || return 1
  # Compared under a key that nobody knows, so that the time it takes tells nothing.
  blind=$(openssl rand -hex 32) || return 1
  expected=$(printf %s "v1,$expected" | hmac "$blind" | openssl base64 -A) || return 1
  IFS=' ' read -r -a given <<<"$signatures"
  for signature in "${given[@]:-}"; do
    [[ $(printf %s "$signature" | hmac "$blind" | openssl base64 -A) != "$expected" ]] || return 0
  done
  return 1
}

hmac() {
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -binary
}

if genuine "$WEBHOOK_SECRET" "$WEBHOOK_ID" "$WEBHOOK_TIMESTAMP" "$WEBHOOK_SIGNATURE"; then
  echo genuine
else
  echo forged
  exit 1
fi
