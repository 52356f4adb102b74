-- What is rare, and counted whenever somebody looks: found without reading all that ever came and left.
CREATE INDEX events_dead ON events (seq) WHERE state = 2;
CREATE INDEX outgoing_unknown ON outgoing (seq) WHERE status = 'unknown';
