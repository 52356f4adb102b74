"""The baseline of the API: a FastAPI endpoint that validates the same body, answers alike, and keeps nothing."""

from fastapi import FastAPI

from smsbot.web.api.messages import Sending, Sent
from smsbot.web.api.wishes import Send

app = FastAPI()


@app.post("/api/v1/messages", status_code=202)
async def send(asked: Send) -> Sending:
    to = asked.to if isinstance(asked.to, str) else "many"
    sent = Sent(
        id="0" * 22, reference=asked.reference, line=asked.line, to=to, status="queued", why="", kind=asked.kind,
        parts=1, send_at=None,
    )  # fmt: skip
    return Sending(id="0" * 32, messages=[sent])
