-- Runs by when they began, for the funnels of a time.
CREATE INDEX runs_started ON runs (started);

-- Opt-outs by when they came, for their list.
CREATE INDEX suppressions_at ON suppressions (at);
