"""The problems that the API answers with; `smsbot explain` and the page of each tell them."""

from __future__ import annotations

from collections.abc import Mapping

PROBLEMS: Mapping[str, tuple[int, str, str]] = {
    "SB700": (400, "the body is not JSON", "Send one JSON value in UTF-8 and say so: Content-Type: application/json."),
    "SB701": (401, "a token is needed", "Send Authorization: Bearer TOKEN. `smsbot token add NAME`, or the API page, makes one; a token may have been revoked, or have expired."),
    "SB702": (403, "the token may not do this", "The detail names the scope that is missing. Make a token that has it; each program should have its own, with no more than it needs."),
    "SB703": (404, "there is nothing of that name", "Look at the address: ids are those that an answer told, numbers are written as +48500100100, and a line as the server calls it."),
    "SB704": (422, "it cannot be taken", "Every problem is listed under errors, each with its place. Nothing of the request was done."),
    "SB705": (413, "it is too large", "One request has at most a megabyte, and at most 1,000 recipients. Send several."),
    "SB706": (405, "the address does not take this method", "The OpenAPI document lists the methods of each address."),
    "SB707": (409, "it does not fit what is there", "The key of another request was used again, or what you wanted to change has moved on. Ask how it stands, then decide."),
    "SB708": (429, "too many requests", "Wait as long as Retry-After says. RateLimit-Remaining tells how many are left, and the setting api.rate how many there are."),
    "SB709": (503, "it was not kept", "The database did not take it: a full disk, or the server is ending. Nothing was done; send the same again, best with an Idempotency-Key."),
}  # fmt: skip
"""code → its HTTP status, what it is, and what usually helps."""
