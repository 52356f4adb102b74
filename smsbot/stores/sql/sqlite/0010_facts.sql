-- What the desk asks of a text: who requested it, what they call it, whether it holds a code, and what it cost.

ALTER TABLE outgoing ADD COLUMN requested_by TEXT NOT NULL DEFAULT '';
ALTER TABLE outgoing ADD COLUMN ref TEXT NOT NULL DEFAULT '';
ALTER TABLE outgoing ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE outgoing ADD COLUMN price REAL;
ALTER TABLE outgoing ADD COLUMN currency TEXT NOT NULL DEFAULT '';
CREATE INDEX outgoing_ref ON outgoing (ref) WHERE ref <> '';
