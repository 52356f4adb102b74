-- Runs by when they began, for the funnels of a time.
CREATE INDEX runs_started ON runs (started);
