-- Counts for /metrics that cost a text nothing: rows are counted many at a time, and only a text that was counted and
-- changes its status later is counted anew at once.
DROP TRIGGER events_tally;
DROP TRIGGER outgoing_tally;
DROP TRIGGER status_tally;
DROP TRIGGER parts_tally;
DROP TABLE tallies;

-- Texts in by line and kind, texts out by line and status with their SMS, of the rows up to the places in `tallied`.
CREATE TABLE tallies (what TEXT NOT NULL, line TEXT NOT NULL, name TEXT NOT NULL, n INTEGER NOT NULL,
  parts INTEGER NOT NULL, PRIMARY KEY (what, line, name)) WITHOUT ROWID;
CREATE TABLE tallied (events INTEGER NOT NULL, texts INTEGER NOT NULL);
INSERT INTO tallied VALUES (0, 0);

CREATE TRIGGER status_tally AFTER UPDATE OF status ON outgoing
WHEN OLD.seq <= (SELECT texts FROM tallied) AND NEW.status <> OLD.status BEGIN
  UPDATE tallies SET n = n - 1, parts = parts - OLD.parts WHERE what = 'out' AND line = OLD.line AND name = OLD.status;
  INSERT INTO tallies VALUES ('out', NEW.line, NEW.status, 1, NEW.parts)
  ON CONFLICT (what, line, name) DO UPDATE SET n = n + 1, parts = parts + excluded.parts;
END;
