-- Bad days: what a provider says of a STOP and of a text that did not arrive, and counts that need no whole table.

-- The provider's time of the STOP, where it has one: a START that was sent before it must not undo it.
ALTER TABLE suppressions ADD COLUMN said REAL;

-- What a report says beside its status. A part is one SMS of a long text, where the report is of that alone.
ALTER TABLE receipts ADD COLUMN code TEXT NOT NULL DEFAULT '';
ALTER TABLE receipts ADD COLUMN operator TEXT NOT NULL DEFAULT '';
ALTER TABLE receipts ADD COLUMN part TEXT NOT NULL DEFAULT '';
ALTER TABLE receipts ADD COLUMN body TEXT NOT NULL DEFAULT '';

CREATE INDEX receipts_unknown ON receipts (account, raw) WHERE status = '';

-- Further ids of a text that its provider names by its SMS.
CREATE TABLE part_references (
  reference TEXT NOT NULL,
  outgoing  TEXT NOT NULL,
  PRIMARY KEY (reference, outgoing)
) WITHOUT ROWID;

-- Texts in by line and kind, texts out by line and status, SMS that were accepted by line.
CREATE TABLE tallies (what TEXT NOT NULL, line TEXT NOT NULL, name TEXT NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (what, line, name)) WITHOUT ROWID;
INSERT INTO tallies
  SELECT 'in', line, kind, count(*) FROM events
  WHERE kind IN ('text', 'media', 'optout', 'optin', 'reaction', 'part') GROUP BY line, kind;
INSERT INTO tallies SELECT 'out', line, status, count(*) FROM outgoing GROUP BY line, status;
INSERT INTO tallies SELECT 'parts', line, '', sum(parts) FROM outgoing
  WHERE rank IN (2, 3, 5) OR status = 'undelivered' GROUP BY line;

CREATE TRIGGER events_tally AFTER INSERT ON events
WHEN NEW.kind IN ('text', 'media', 'optout', 'optin', 'reaction', 'part') BEGIN
  INSERT INTO tallies VALUES ('in', NEW.line, NEW.kind, 1)
  ON CONFLICT (what, line, name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER outgoing_tally AFTER INSERT ON outgoing BEGIN
  INSERT INTO tallies VALUES ('out', NEW.line, NEW.status, 1)
  ON CONFLICT (what, line, name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER status_tally AFTER UPDATE OF status ON outgoing WHEN NEW.status <> OLD.status BEGIN
  UPDATE tallies SET n = n - 1 WHERE what = 'out' AND line = OLD.line AND name = OLD.status;
  INSERT INTO tallies VALUES ('out', NEW.line, NEW.status, 1)
  ON CONFLICT (what, line, name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER parts_tally AFTER UPDATE OF rank, status ON outgoing
WHEN (OLD.rank IN (2, 3, 5) OR OLD.status = 'undelivered') <> (NEW.rank IN (2, 3, 5) OR NEW.status = 'undelivered') BEGIN
  INSERT INTO tallies VALUES ('parts', NEW.line, '', NEW.parts)
  ON CONFLICT (what, line, name) DO UPDATE SET n = n + CASE
    WHEN NEW.rank IN (2, 3, 5) OR NEW.status = 'undelivered' THEN NEW.parts ELSE -NEW.parts END;
END;
