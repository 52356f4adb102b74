-- What did not arrive is listed by its time, newest first, without reading all that did.
CREATE INDEX outgoing_failed ON outgoing (created) WHERE status IN ('failed', 'expired', 'undelivered');

-- What the desk searches by: words of texts, and the last digits of numbers. Filled after the texts themselves, many rows
-- at a time, up to the places in `searched`; no text waits for it. Codes are in neither.
CREATE VIRTUAL TABLE words_in USING fts5(text, content='', tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE words_out USING fts5(text, content='', tokenize="unicode61 remove_diacritics 2");
CREATE TABLE numbers (reversed TEXT PRIMARY KEY, number TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE searched (events INTEGER NOT NULL, texts INTEGER NOT NULL);
INSERT INTO searched VALUES (0, 0);
