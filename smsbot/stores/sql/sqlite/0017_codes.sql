-- One-time codes: who was sent one, for what, until when. The code itself stands nowhere: it follows from `nonce` and a
-- secret that is not in the database. `wrong` are the tries so far, `sends` the texts.
CREATE TABLE codes (
  id      TEXT PRIMARY KEY,
  number  TEXT NOT NULL,
  purpose TEXT NOT NULL,
  nonce   BLOB NOT NULL,
  digits  INTEGER NOT NULL,
  at      REAL NOT NULL,
  expires REAL NOT NULL,
  most    INTEGER NOT NULL,
  wrong   INTEGER NOT NULL DEFAULT 0,
  sends   INTEGER NOT NULL DEFAULT 0,
  again   INTEGER NOT NULL,
  used    REAL,
  by      TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX codes_number ON codes (number, at);
CREATE INDEX codes_at ON codes (at);

-- The texts that a code left with.
CREATE TABLE code_texts (outgoing TEXT PRIMARY KEY, code TEXT NOT NULL) WITHOUT ROWID;
