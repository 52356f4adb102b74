-- All keys of one session have one family: they end together. Sessions of before have none, so everybody signs in once.
DELETE FROM sessions;
ALTER TABLE sessions ADD COLUMN family BLOB NOT NULL DEFAULT x'';
CREATE INDEX sessions_family ON sessions (family);

CREATE INDEX handoffs_number ON handoffs (number);

-- Through which channels an alert was told, and when it was first tried.
ALTER TABLE alerts ADD COLUMN told TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN tried REAL;
