-- Broadcasts: one text to many. Its texts have the event `event`, so that each is the same however often it is asked for.
CREATE TABLE broadcasts (
  event   BLOB PRIMARY KEY,
  name    TEXT NOT NULL UNIQUE,
  line    TEXT NOT NULL,
  total   INTEGER NOT NULL,
  at      REAL NOT NULL,
  by      TEXT NOT NULL,
  written INTEGER NOT NULL DEFAULT 0,
  stopped REAL,
  paused  REAL
) WITHOUT ROWID;
CREATE INDEX outgoing_broadcast ON outgoing (event, seq) WHERE requested_by >= 'broadcast ' AND requested_by < 'broadcast!';
