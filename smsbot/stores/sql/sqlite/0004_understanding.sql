-- Understanding: the last answer (an answer sent twice is a repeat), reactions to our texts, why somebody is held.

ALTER TABLE conversations ADD COLUMN answered BLOB NOT NULL DEFAULT x'';

ALTER TABLE outgoing ADD COLUMN reaction TEXT NOT NULL DEFAULT '';

ALTER TABLE holds ADD COLUMN why TEXT NOT NULL DEFAULT '';

-- What was shown to the person when they said it; the ledger is only ever added to.
ALTER TABLE consents ADD COLUMN shown TEXT NOT NULL DEFAULT '';
CREATE TRIGGER consents_stay BEFORE UPDATE ON consents
BEGIN SELECT raise(ABORT, 'the ledger of consents is only added to'); END;

-- Programs that use the API; only hashes of their tokens are kept.
CREATE TABLE tokens (name TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, at REAL NOT NULL) WITHOUT ROWID;
