-- Flows: what runs stand on, by its hash (C8), and the timed-out question that may still be answered.

CREATE TABLE contents (hash TEXT PRIMARY KEY, value TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;

CREATE INDEX runs_conversation ON runs (line, number, started);

ALTER TABLE conversations ADD COLUMN late TEXT NOT NULL DEFAULT '';
