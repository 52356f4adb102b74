-- Programs: what each token may, until when, and when it was last used. Those of before may what they could.
ALTER TABLE tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT 'events:write messages:status';
ALTER TABLE tokens ADD COLUMN expires REAL;
ALTER TABLE tokens ADD COLUMN used REAL;

-- Requests that name a key: what was asked, and (once it was answered) the answer, to be given again.
CREATE TABLE asked (
  key    BLOB PRIMARY KEY,
  body   BLOB NOT NULL,
  at     REAL NOT NULL,
  status INTEGER,
  answer BLOB NOT NULL DEFAULT x''
) WITHOUT ROWID;
CREATE INDEX asked_at ON asked (at);

-- The texts of one request of a program.
CREATE INDEX outgoing_request ON outgoing (event, seq) WHERE requested_by >= 'token ' AND requested_by < 'token!';

-- Addresses of the user's own systems that are told what happens. `failing`: since when nothing is taken there.
CREATE TABLE endpoints (
  id      TEXT PRIMARY KEY,
  url     TEXT NOT NULL,
  secret  TEXT NOT NULL,
  types   TEXT NOT NULL,
  at      REAL NOT NULL,
  by      TEXT NOT NULL,
  shape   TEXT NOT NULL DEFAULT '',
  failing REAL,
  tries   INTEGER NOT NULL DEFAULT 0,
  due     REAL NOT NULL DEFAULT 0,
  paused  REAL,
  why     TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

-- Texts whose reports go to an address of their own, and what their program calls them.
CREATE TABLE outside (outgoing TEXT PRIMARY KEY, endpoint TEXT NOT NULL, external TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX outside_external ON outside (external);

-- Short addresses in texts, where they lead, and how often they were opened.
CREATE TABLE links (code TEXT PRIMARY KEY, url TEXT NOT NULL, at REAL NOT NULL, clicks INTEGER NOT NULL DEFAULT 0)
WITHOUT ROWID;

-- What has happened and nobody has been told of yet; written by the triggers below with whatever it belongs to.
CREATE TABLE happened (
  seq    INTEGER PRIMARY KEY AUTOINCREMENT,
  type   TEXT NOT NULL,
  line   TEXT NOT NULL,
  number TEXT NOT NULL,
  what   TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT ''
);

-- What an endpoint is told, in order. state: 0 owed, 1 told, 2 given up.
CREATE TABLE pushes (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  id       TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  type     TEXT NOT NULL,
  line     TEXT NOT NULL,
  number   TEXT NOT NULL,
  body     TEXT NOT NULL,
  at       REAL NOT NULL,
  state    INTEGER NOT NULL DEFAULT 0,
  tries    INTEGER NOT NULL DEFAULT 0,
  due      REAL NOT NULL,
  answer   TEXT NOT NULL DEFAULT '',
  ended    REAL
);
CREATE INDEX pushes_owed ON pushes (endpoint, line, number, seq) WHERE state = 0;
CREATE INDEX pushes_due ON pushes (endpoint, due) WHERE state = 0;
CREATE INDEX pushes_ended ON pushes (ended) WHERE state <> 0;
CREATE INDEX pushes_endpoint ON pushes (endpoint, at);
CREATE INDEX pushes_number ON pushes (number);

CREATE TRIGGER text_came AFTER INSERT ON events
WHEN NEW.kind IN ('text', 'media', 'reaction', 'optout', 'optin') AND (NEW.text <> '' OR NEW.kind = 'media')
AND EXISTS (SELECT 1 FROM endpoints) BEGIN
  INSERT INTO happened (type, line, number, what) VALUES ('message.received', NEW.line, NEW.number, NEW.seq);
END;
CREATE TRIGGER text_moved AFTER UPDATE OF status ON outgoing
WHEN NEW.status <> OLD.status AND NEW.status NOT IN ('queued', 'sending') AND NEW.number <> ''
AND EXISTS (SELECT 1 FROM endpoints) BEGIN
  INSERT INTO happened (type, line, number, what, status)
  VALUES ('message.status', NEW.line, NEW.number, NEW.id, NEW.status);
END;
CREATE TRIGGER text_refused AFTER INSERT ON outgoing
WHEN NEW.status NOT IN ('queued', 'sending') AND EXISTS (SELECT 1 FROM endpoints) BEGIN
  INSERT INTO happened (type, line, number, what, status)
  VALUES ('message.status', NEW.line, NEW.number, NEW.id, NEW.status);
END;
CREATE TRIGGER run_was_short AFTER INSERT ON runs WHEN NEW.ended IS NOT NULL AND EXISTS (SELECT 1 FROM endpoints) BEGIN
  INSERT INTO happened (type, line, number, what) VALUES ('conversation.ended', NEW.line, NEW.number, hex(NEW.id));
END;
CREATE TRIGGER run_ended AFTER UPDATE OF ended ON runs
WHEN NEW.ended IS NOT NULL AND OLD.ended IS NULL AND NEW.number <> '' AND EXISTS (SELECT 1 FROM endpoints) BEGIN
  INSERT INTO happened (type, line, number, what) VALUES ('conversation.ended', NEW.line, NEW.number, hex(NEW.id));
END;
CREATE TRIGGER consent_changed AFTER INSERT ON consents WHEN EXISTS (SELECT 1 FROM endpoints) BEGIN
  INSERT INTO happened (type, line, number, what) VALUES ('optout.changed', NEW.line, NEW.number, NEW.id);
END;
