-- What the desk asks of a text: who requested it, what they call it, whether it holds a code, and what it cost.

ALTER TABLE outgoing ADD COLUMN requested_by TEXT NOT NULL DEFAULT '';
ALTER TABLE outgoing ADD COLUMN ref TEXT NOT NULL DEFAULT '';
ALTER TABLE outgoing ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE outgoing ADD COLUMN price REAL;
ALTER TABLE outgoing ADD COLUMN currency TEXT NOT NULL DEFAULT '';

-- Each SMS of a long text may be reported under one id.
CREATE TABLE receipts_by_part (
  account   TEXT NOT NULL,
  reference TEXT NOT NULL,
  raw       TEXT NOT NULL,
  status    TEXT,
  outgoing  TEXT NOT NULL DEFAULT '',
  at        REAL NOT NULL,
  detail    TEXT NOT NULL DEFAULT '',
  code      TEXT NOT NULL DEFAULT '',
  operator  TEXT NOT NULL DEFAULT '',
  part      TEXT NOT NULL DEFAULT '',
  body      TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (account, reference, raw, part)
) WITHOUT ROWID;
INSERT INTO receipts_by_part SELECT account, reference, raw, status, outgoing, at, detail, code, operator, part, body
FROM receipts;
DROP TABLE receipts;
ALTER TABLE receipts_by_part RENAME TO receipts;
CREATE INDEX receipts_outgoing ON receipts (outgoing) WHERE outgoing <> '';
CREATE INDEX receipts_unknown ON receipts (account, raw) WHERE status = '';

-- Conversations that a person looks after: the bot is silent in them.
CREATE TABLE takeovers (
  line   TEXT NOT NULL,
  number TEXT NOT NULL,
  owner  TEXT NOT NULL,
  at     REAL NOT NULL,
  PRIMARY KEY (line, number)
) WITHOUT ROWID;

CREATE INDEX outgoing_ref ON outgoing (ref) WHERE ref <> '';
