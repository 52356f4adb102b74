-- Delivery: texts that phones show at once (flash). A further phase of outgoing, 'held': a pause keeps it from leaving.

ALTER TABLE outgoing ADD COLUMN flash INTEGER NOT NULL DEFAULT 0;
