-- What of shared/selects.sql SQLite writes in its own way.

-- name: kept_by_account
-- The first text that an account's hold keeps, to see whether the account works again.
SELECT {text} FROM outgoing o WHERE o.phase = 'held' AND o.account = ?1 AND o.expires > ?2 AND o.due <= ?2 AND NOT EXISTS (
  SELECT 1 FROM holds h WHERE h.scope = 'all' OR h.scope = 'line' AND h.name = o.line
  OR h.scope = 'lane' AND h.name = o.lane OR h.scope = 'broadcast' AND upper(h.name) = hex(o.event)) ORDER BY o.due, o.seq LIMIT 1;

-- name: kept_too_long
-- Texts that an account's hold has kept until they were not worth sending any more.
SELECT {text} FROM outgoing INDEXED BY outgoing_open
WHERE phase IS NOT NULL AND phase = 'held' AND account = ?1 AND expires <= ?2 LIMIT 200;

-- name: attending
-- What waits in a conversation, in order. A file has one process, which has them all.
SELECT NULL AS process, seq, id, kind, text, data, account, gateway_id, at, attempts, retry_at
FROM events WHERE state = 0 AND line = ?1 AND number = ?2 ORDER BY seq;
