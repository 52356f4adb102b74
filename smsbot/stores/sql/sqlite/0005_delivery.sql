-- Delivery: texts that phones show at once (flash), and what order asks of unknown ones.
-- A further phase of outgoing, 'held': a pause keeps it from leaving.

ALTER TABLE outgoing ADD COLUMN flash INTEGER NOT NULL DEFAULT 0;

-- An unknown text holds back those behind it in its conversation, until nobody can say whether it arrived.
ALTER TABLE outgoing ADD COLUMN passed INTEGER NOT NULL DEFAULT 0;
