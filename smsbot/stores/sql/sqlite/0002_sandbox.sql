-- The sandbox: a network of phones that `smsbot dev` talks to; empty in production.

CREATE TABLE sandbox_phones (number TEXT PRIMARY KEY, mode TEXT NOT NULL) WITHOUT ROWID;

-- Texts as the network sees them. direction: in (phone to bot), out (bot to phone).
CREATE TABLE sandbox_texts (
  seq         INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  direction   TEXT NOT NULL,
  line        TEXT NOT NULL,
  phone       TEXT NOT NULL,
  text        TEXT NOT NULL,
  parts       INTEGER NOT NULL,
  at          REAL NOT NULL,
  status      TEXT NOT NULL,
  external_id TEXT NOT NULL DEFAULT '',
  account     TEXT NOT NULL DEFAULT '',
  webhook     TEXT NOT NULL DEFAULT '',
  expires     REAL
);
CREATE INDEX sandbox_texts_phone ON sandbox_texts (phone, seq);
CREATE INDEX sandbox_texts_external ON sandbox_texts (external_id) WHERE external_id <> '';

-- What the network will do when it is due: deliver a webhook, or change a text's status.
CREATE TABLE sandbox_jobs (
  id    INTEGER PRIMARY KEY,
  due   REAL NOT NULL,
  kind  TEXT NOT NULL,
  text  TEXT NOT NULL,
  value TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX sandbox_jobs_due ON sandbox_jobs (due);

CREATE TABLE sandbox_clock (id INTEGER PRIMARY KEY CHECK (id = 1), shift REAL NOT NULL);
