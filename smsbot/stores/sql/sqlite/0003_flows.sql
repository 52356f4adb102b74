-- Flows: what runs stand on, by its hash (C8), and the timed-out question that may still be answered.

CREATE TABLE contents (hash TEXT PRIMARY KEY, value TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;

-- People whom a flow has handed to a desk, until somebody there says that it is done.
CREATE TABLE handoffs (
  id     INTEGER PRIMARY KEY,
  line   TEXT NOT NULL,
  number TEXT NOT NULL,
  desk   TEXT NOT NULL,
  at     REAL NOT NULL,
  done   REAL
);
CREATE INDEX handoffs_open ON handoffs (at) WHERE done IS NULL;

CREATE INDEX runs_conversation ON runs (line, number, started);

ALTER TABLE conversations ADD COLUMN late TEXT NOT NULL DEFAULT '';
