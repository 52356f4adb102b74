// @WHAT@: SMSBOT_TOKEN=smsbot_... node @FILE@ (Node.js 18 or later)

const answer = await fetch("@URL@", {
  method: "@METHOD@",
  headers: {
    Authorization: `Bearer ${process.env.SMSBOT_TOKEN}`,
    // only POST
    "Content-Type": "application/json",
    "Idempotency-Key": "@KEY@",
    // end
  },
  // only POST
  body: JSON.stringify("@BODY@"),
  // end
  signal: AbortSignal.timeout(30_000),
});
console.log(answer.status);
console.log(await answer.text());
process.exitCode = answer.status >= 400 ? 1 : 0;
