-- What units read inside the writer's transaction; parameters are positional.

-- name: waiting
SELECT * FROM outgoing WHERE line = ? AND number = ? AND phase = 'queue' AND scheduled = 0 ORDER BY seq;

-- name: due
-- Due texts with no earlier one of their conversation under way.
SELECT * FROM outgoing AS o WHERE phase = 'queue' AND due <= ?1 AND NOT EXISTS (
  SELECT 1 FROM outgoing AS b WHERE b.line = o.line AND b.number = o.number AND b.phase IS NOT NULL
  AND (b.phase = 'attempt' OR b.phase = 'queue' AND b.scheduled = 0 AND b.seq < o.seq))
ORDER BY due, seq LIMIT ?2;

-- name: suppressed
SELECT 1 FROM suppressions WHERE number = ?;

-- name: early_reports
SELECT status, detail FROM receipts WHERE account = ? AND reference = ? AND outgoing = '' AND status <> '';

-- name: of_reference
SELECT a.outgoing FROM attempts a JOIN outgoing o ON o.id = a.outgoing WHERE a.reference = ? AND o.account = ?;

-- name: outgoing
SELECT * FROM outgoing WHERE id = ?;

-- name: open_texts
SELECT line, number, count(*) AS n FROM outgoing
WHERE phase = 'attempt' OR phase = 'queue' AND scheduled = 0 GROUP BY line, number;

-- name: last_event
SELECT coalesce(max(seq), 0) AS seq FROM events;
