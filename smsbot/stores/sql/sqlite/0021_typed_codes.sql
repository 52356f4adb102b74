-- Codes that a conversation waits for on a line; those that a program checks have none.
ALTER TABLE codes ADD COLUMN line TEXT NOT NULL DEFAULT '';
