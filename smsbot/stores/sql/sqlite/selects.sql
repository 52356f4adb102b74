-- What units read inside the writer's transaction; parameters are positional.

-- name: behind
-- Texts of a conversation that waited behind others, in order; none while one is still ahead of them.
SELECT * FROM outgoing WHERE line = ?1 AND number = ?2 AND phase = 'behind' AND NOT EXISTS (
  SELECT 1 FROM outgoing AS h WHERE h.line = ?1 AND h.number = ?2
  AND (h.phase = 'attempt' OR h.phase = 'check' AND h.passed = 0 OR h.phase IN ('queue', 'held') AND h.scheduled = 0))
ORDER BY seq LIMIT 100;

-- name: due
SELECT * FROM outgoing WHERE phase = 'queue' AND due <= ?1 AND NOT instr(?2, char(10) || account || char(10))
ORDER BY due, seq LIMIT ?3;

-- name: blockable
-- What an opt-out keeps from leaving.
SELECT id, line, number, scheduled FROM outgoing
WHERE number = ? AND phase IN ('queue', 'behind', 'held') AND lane <> 'consent';

-- name: suppressed
SELECT 1 FROM suppressions WHERE number = ?;

-- name: early_reports
SELECT status, detail, part FROM receipts WHERE account = ? AND reference = ? AND outgoing = '' AND status <> '';

-- name: of_reference
SELECT a.outgoing FROM attempts a JOIN outgoing o ON o.id = a.outgoing WHERE a.reference = ?1 AND o.account = ?2
UNION SELECT p.outgoing FROM part_references p JOIN outgoing o ON o.id = p.outgoing
WHERE p.reference = ?1 AND o.account = ?2;

-- name: part_reference_of
-- Whether an id is that of one SMS of a text, of which there are several.
SELECT 1 FROM part_references WHERE reference = ? AND outgoing = ?;

-- name: parts_reported
-- What each SMS of a long text has come to.
SELECT part, status FROM receipts WHERE outgoing = ? AND part <> '' AND status <> '';

-- name: kept_by_account
-- The first text that an account's hold keeps, to see whether the account works again.
SELECT o.* FROM outgoing o WHERE o.phase = 'held' AND o.account = ?1 AND o.expires > ?2 AND NOT EXISTS (
  SELECT 1 FROM holds h WHERE h.scope = 'all' OR h.scope = 'line' AND h.name = o.line
  OR h.scope = 'lane' AND h.name = o.lane) ORDER BY o.due, o.seq LIMIT 1;

-- name: outgoing
SELECT * FROM outgoing WHERE id = ?;

-- name: open_texts
SELECT line, number, count(*) AS n FROM outgoing
WHERE phase IN ('attempt', 'behind') OR phase = 'check' AND passed = 0 OR phase IN ('queue', 'held') AND scheduled = 0
GROUP BY line, number;

-- name: queued_in_lane
SELECT id, line, number, scheduled FROM outgoing WHERE phase = 'queue' AND lane = ?;

-- name: pauses
SELECT scope, name FROM holds WHERE scope IN ('all', 'line', 'lane', 'account');

-- name: last_event
SELECT coalesce(max(seq), 0) AS seq FROM events;
