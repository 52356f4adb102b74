-- What of shared/selects.sql PostgreSQL writes in its own way.

-- name: kept_by_account
-- The first text that an account's hold keeps, to see whether the account works again.
SELECT {text} FROM outgoing o WHERE o.phase = 'held' AND o.account = ?1 AND o.expires > ?2 AND o.due <= ?2 AND NOT EXISTS (
  SELECT 1 FROM holds h WHERE h.scope = 'all' OR h.scope = 'line' AND h.name = o.line
  OR h.scope = 'lane' AND h.name = o.lane
  OR h.scope = 'broadcast' AND lower(h.name) = encode(o.event, 'hex')) ORDER BY o.due, o.seq LIMIT 1;

-- name: kept_too_long
-- Texts that an account's hold has kept until they were not worth sending any more.
SELECT {text} FROM outgoing WHERE phase IS NOT NULL AND phase = 'held' AND account = ?1 AND expires <= ?2 LIMIT 200;

-- name: places
-- Places for so many events; whoever has locked a number gives later ones to what comes later.
SELECT nextval('events_seq_seq') FROM generate_series(1, ?1);

-- name: attending
-- Which process has a conversation, and what waits there, in order.
SELECT a.process, e.seq, e.id, e.kind, e.text, e.data, e.account, e.gateway_id, e.at, e.attempts, e.retry_at
FROM (SELECT (SELECT process FROM attended WHERE line = ?1 AND number = ?2) AS process) AS a
LEFT JOIN events e ON e.state = 0 AND e.line = ?1 AND e.number = ?2 ORDER BY e.seq;
