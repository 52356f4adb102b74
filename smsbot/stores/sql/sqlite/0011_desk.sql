-- What did not arrive is listed by its time, newest first, without reading all that did.
CREATE INDEX outgoing_failed ON outgoing (created) WHERE status IN ('failed', 'expired', 'undelivered');

-- What the desk searches by: words of texts, and the last digits of numbers. Filled after the texts themselves, many rows
-- at a time, up to the places in `searched`; no text waits for it. Codes are in neither.
CREATE VIRTUAL TABLE words_in USING fts5(text, content='', tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE words_out USING fts5(text, content='', tokenize="unicode61 remove_diacritics 2");
CREATE TABLE numbers (reversed TEXT PRIMARY KEY, number TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE searched (events INTEGER NOT NULL, texts INTEGER NOT NULL);
INSERT INTO searched VALUES (0, 0);

-- What the desk keeps of people: notes that no customer sees; a person who waits may be put off until a time.
CREATE TABLE notes (
  id     INTEGER PRIMARY KEY,
  number TEXT NOT NULL,
  by     TEXT NOT NULL,
  at     REAL NOT NULL,
  text   TEXT NOT NULL
);
CREATE INDEX notes_number ON notes (number, id);
ALTER TABLE handoffs ADD COLUMN put_off REAL;
ALTER TABLE handoffs ADD COLUMN until REAL;
ALTER TABLE handoffs ADD COLUMN done_by TEXT NOT NULL DEFAULT '';
