-- What a batch of writes has to know, read inside its transaction; parameters are positional.
-- Of conditions that stand twice, the second is that of an index of some rows, as in reads.sql.

-- name: due
SELECT {text} FROM outgoing WHERE phase = 'queue' AND line = ?1 AND lane = ?2 AND due <= ?3
ORDER BY due, seq LIMIT ?4;

-- name: queued_pairs
SELECT line, lane FROM queued_pairs;

-- name: early_reports
SELECT status, detail, part FROM receipts WHERE account = ? AND reference = ? AND outgoing = '' AND status <> '';

-- name: of_reference
SELECT a.outgoing FROM attempts a JOIN outgoing o ON o.id = a.outgoing
WHERE a.reference = ?1 AND a.reference <> '' AND o.account = ?2
UNION SELECT p.outgoing FROM part_references p JOIN outgoing o ON o.id = p.outgoing
WHERE p.reference = ?1 AND o.account = ?2;

-- name: parts_reported
-- What each SMS of a long text has come to.
SELECT part, status FROM receipts WHERE outgoing = ? AND outgoing <> '' AND part <> '' AND status <> '';

-- name: kept_by_account (own)

-- name: kept_too_long (own)

-- name: outgoing
SELECT {text} FROM outgoing WHERE id = ?;

-- name: pauses
SELECT scope, name FROM holds WHERE scope IN ('all', 'line', 'lane', 'account', 'broadcast');

-- name: last_event
SELECT coalesce(max(seq), 0) AS seq FROM events;

-- name: places (postgres)

-- name: attending (own)

-- name: seen_at
SELECT at FROM seen WHERE key = ?;

-- name: conversation
SELECT (SELECT version FROM conversations WHERE line = ?1 AND number = ?2) AS version,
  EXISTS (SELECT 1 FROM suppressions WHERE number = ?2) AS opted_out,
  (SELECT why FROM holds WHERE scope = 'contact' AND name = ?2) AS why,
  (SELECT owner FROM takeovers WHERE line = ?1 AND number = ?2) AS owner;

-- name: person
SELECT (SELECT value FROM contacts WHERE number = ?1 AND name = 'timezone') AS zone,
  (SELECT at FROM events WHERE number = ?1 AND kind IN ('text', 'media') ORDER BY seq DESC LIMIT 1) AS wrote;

-- name: spending
SELECT day, scope, name, spent FROM spending WHERE day >= ?;

-- name: spent_on
SELECT coalesce(sum(cost), 0) FROM outgoing WHERE number = ?1 AND cost_day = ?2;

-- name: codes_of_purpose
SELECT id, at, expires, most, wrong, sends, again, used FROM codes
WHERE number = ?1 AND purpose = ?2 AND line = ?3 AND at >= ?4 ORDER BY at DESC, id DESC LIMIT 100;

-- name: codes_to_range
SELECT coalesce(sum(sends), 0) FROM codes WHERE number >= ?1 AND number < ?1 || ':' AND at >= ?2;

-- name: codes_typed
-- Of the last codes of a range that are over, how many were typed.
SELECT count(*), coalesce(sum(CASE WHEN used IS NOT NULL THEN 1 ELSE 0 END), 0) FROM (
  SELECT used FROM codes WHERE number >= ?1 AND number < ?1 || ':' AND (expires <= ?2 OR used IS NOT NULL)
  ORDER BY at DESC LIMIT ?3) AS t1;

-- name: open_texts
-- Those that wait for each other, the first of them; others wait for a time of their own.
SELECT {text} FROM outgoing WHERE line = ? AND number = ? AND phase IS NOT NULL
AND NOT (phase IN ('queue', 'held') AND scheduled = 1) ORDER BY seq LIMIT 200;

-- name: open_of_number
SELECT {text} FROM outgoing WHERE number = ? AND phase IS NOT NULL ORDER BY seq;

-- name: parts_beside
SELECT name, data FROM timers WHERE line = ? AND number = ? AND name >= 'parts' AND name < 'parts;';

-- name: timer_due
SELECT due FROM timers WHERE line = ? AND number = ? AND name = ?;

-- name: receipts_of
SELECT raw, part FROM receipts WHERE account = ? AND reference = ?;

-- name: parts_named
-- Of which text an id is that of one SMS among several.
SELECT outgoing FROM part_references WHERE reference = ?;
