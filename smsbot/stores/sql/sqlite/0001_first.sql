-- The first schema. Times are seconds since 1970 UTC. Ids of events and runs are 16-byte hashes.

CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

-- Every webhook message and API event that was ever acknowledged; rows are never dropped (C1).
CREATE TABLE seen (key BLOB PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;

-- The ordered inbox of all conversations. state: 0 unread, 1 done, 2 dead letter.
CREATE TABLE events (
  seq        INTEGER PRIMARY KEY,
  id         BLOB NOT NULL,
  line       TEXT NOT NULL,
  number     TEXT NOT NULL,
  kind       TEXT NOT NULL,
  text       TEXT NOT NULL,
  data       TEXT NOT NULL DEFAULT '',
  account    TEXT NOT NULL DEFAULT '',
  gateway_id TEXT NOT NULL DEFAULT '',
  at         REAL NOT NULL,
  state      INTEGER NOT NULL DEFAULT 0,
  attempts   INTEGER NOT NULL DEFAULT 0,
  retry_at   REAL,
  note       TEXT NOT NULL DEFAULT ''
);
CREATE INDEX events_unread ON events (seq) WHERE state = 0;
CREATE INDEX events_number ON events (number, seq);

CREATE TABLE conversations (
  line        TEXT NOT NULL,
  number      TEXT NOT NULL,
  version     INTEGER NOT NULL,
  run         BLOB,
  fallback_at REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (line, number)
) WITHOUT ROWID;

CREATE TABLE runs (
  id         BLOB PRIMARY KEY,
  line       TEXT NOT NULL,
  number     TEXT NOT NULL,
  bot        TEXT NOT NULL,
  started_by TEXT NOT NULL,
  content    TEXT NOT NULL DEFAULT '',
  started    REAL NOT NULL,
  ended      REAL,
  end_label  TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

-- The stack of an open run; depth 0 is the bottom. Rows go when the run ends.
CREATE TABLE frames (
  run      BLOB NOT NULL,
  depth    INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  name     TEXT NOT NULL,
  state    TEXT NOT NULL,
  data     TEXT NOT NULL,
  prompt   TEXT NOT NULL DEFAULT '',
  deadline REAL,
  then_    TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (run, depth)
) WITHOUT ROWID;

-- What already happened inside a turn or a conversation, so that it happens once.
CREATE TABLE journal (
  run   BLOB NOT NULL,
  frame BLOB NOT NULL,
  seq   INTEGER NOT NULL,
  kind  TEXT NOT NULL,
  value TEXT NOT NULL,
  codec INTEGER NOT NULL,
  PRIMARY KEY (run, frame, seq)
) WITHOUT ROWID;

-- States and routes entered, for funnels.
CREATE TABLE visits (
  run  BLOB NOT NULL,
  seq  INTEGER NOT NULL,
  step TEXT NOT NULL,
  at   REAL NOT NULL,
  PRIMARY KEY (run, seq)
) WITHOUT ROWID;

CREATE TABLE timers (
  line   TEXT NOT NULL,
  number TEXT NOT NULL,
  name   TEXT NOT NULL,
  due    REAL NOT NULL,
  data   TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (line, number, name)
) WITHOUT ROWID;
CREATE INDEX timers_due ON timers (due);

-- Texts owed to the network. phase: queue (waits until due), behind (waits for the text before it in its
-- conversation), attempt (being sent), check (unknown, looked up when due), NULL (settled, or held for the
-- desk). scheduled: its due time was chosen, so until then it holds nothing back.
CREATE TABLE outgoing (
  seq       INTEGER PRIMARY KEY,
  id        TEXT NOT NULL UNIQUE,
  line      TEXT NOT NULL,
  number    TEXT NOT NULL,
  account   TEXT NOT NULL,
  event     BLOB NOT NULL,
  lane      TEXT NOT NULL,
  text      TEXT NOT NULL,
  parts     INTEGER NOT NULL,
  created   REAL NOT NULL,
  due       REAL NOT NULL,
  expires   REAL NOT NULL,
  status    TEXT NOT NULL,
  rank      INTEGER NOT NULL,
  phase     TEXT,
  scheduled INTEGER NOT NULL DEFAULT 0,
  attempts  INTEGER NOT NULL DEFAULT 0,
  resends   INTEGER NOT NULL DEFAULT 0,
  absences  INTEGER NOT NULL DEFAULT 0,
  detail    TEXT NOT NULL DEFAULT ''
);
CREATE INDEX outgoing_due ON outgoing (phase, due) WHERE phase IN ('queue', 'check');
CREATE INDEX outgoing_open ON outgoing (line, number, seq) WHERE phase IS NOT NULL;
CREATE INDEX outgoing_number ON outgoing (number, seq);

-- Committed before connecting; an attempt without an outcome after a start is unknown (C5).
CREATE TABLE attempts (
  outgoing  TEXT NOT NULL,
  n         INTEGER NOT NULL,
  started   REAL NOT NULL,
  ended     REAL,
  outcome   TEXT,
  reference TEXT NOT NULL DEFAULT '',
  detail    TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (outgoing, n)
) WITHOUT ROWID;
CREATE INDEX attempts_reference ON attempts (reference) WHERE reference <> '';

-- Delivery reports as they came, kept even before their text is known.
CREATE TABLE receipts (
  account   TEXT NOT NULL,
  reference TEXT NOT NULL,
  raw       TEXT NOT NULL,
  status    TEXT,
  outgoing  TEXT NOT NULL DEFAULT '',
  at        REAL NOT NULL,
  detail    TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (account, reference, raw)
) WITHOUT ROWID;
CREATE INDEX receipts_outgoing ON receipts (outgoing) WHERE outgoing <> '';

CREATE TABLE contacts (number TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (number, name)) WITHOUT ROWID;

-- Numbers that must get nothing, and the append-only proof of why.
CREATE TABLE suppressions (number TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE consents (
  id     INTEGER PRIMARY KEY,
  number TEXT NOT NULL,
  line   TEXT NOT NULL,
  action TEXT NOT NULL,
  text   TEXT NOT NULL,
  at     REAL NOT NULL,
  source TEXT NOT NULL
);
CREATE INDEX consents_number ON consents (number);

-- What is paused or taken over: scope is bot, line, lane or conversation.
CREATE TABLE holds (
  scope TEXT NOT NULL,
  name  TEXT NOT NULL,
  at    REAL NOT NULL,
  by_   TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (scope, name)
) WITHOUT ROWID;

CREATE TABLE quarantine (
  id       INTEGER PRIMARY KEY,
  account  TEXT NOT NULL,
  kind     TEXT NOT NULL,
  key      BLOB NOT NULL,
  body     BLOB NOT NULL,
  headers  TEXT NOT NULL,
  reason   TEXT NOT NULL,
  at       REAL NOT NULL,
  replayed REAL
);
CREATE INDEX quarantine_key ON quarantine (key, at);

-- Secret parts of webhook addresses (two may live at once) and field maps given by `smsbot hooks map`.
CREATE TABLE hook_secrets (id INTEGER PRIMARY KEY, account TEXT NOT NULL, secret TEXT NOT NULL UNIQUE,
  at REAL NOT NULL);
CREATE TABLE hook_maps (account TEXT NOT NULL, kind TEXT NOT NULL, fields TEXT NOT NULL, at REAL NOT NULL,
  PRIMARY KEY (account, kind)) WITHOUT ROWID;
