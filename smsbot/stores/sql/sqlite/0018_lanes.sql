-- Lanes: what is queued is found by line and lane, so that many texts of one hold up nothing of another.
CREATE INDEX outgoing_lane ON outgoing (line, lane, due, seq) WHERE phase = 'queue';
