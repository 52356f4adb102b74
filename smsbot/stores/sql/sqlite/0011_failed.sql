-- What did not arrive is listed by its time, newest first, without reading all that did.
CREATE INDEX outgoing_failed ON outgoing (created) WHERE status IN ('failed', 'expired', 'undelivered');
