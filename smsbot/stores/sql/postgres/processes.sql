-- Statements about the processes that serve the database, which only PostgreSQL has.

-- name: all
SELECT id, place, pid, batch, shares, retires, build, beat, clock_timestamp() AS now
FROM processes ORDER BY id;

-- name: join
INSERT INTO processes (place, pid, shares) VALUES (?, ?, ?) RETURNING id, current_schema()::text AS house;

-- name: end
DELETE FROM processes WHERE id = ?;

-- name: bury
-- Unless it has moved since it was looked at.
DELETE FROM processes WHERE id = ? AND beat = ? AND batch = ? RETURNING id;

-- name: retire
UPDATE processes SET retires = true WHERE id = ? RETURNING id;

-- name: announce
UPDATE processes SET build = ? WHERE id = ? RETURNING id;

-- name: beat
UPDATE processes SET beat = clock_timestamp(), heard = coalesce(?, heard) WHERE id = ? RETURNING id;

-- name: mark
UPDATE processes SET batch = ?, beat = clock_timestamp() WHERE id = ? RETURNING id;

-- name: became
SELECT batch FROM processes WHERE id = ? FOR UPDATE;

-- name: now
SELECT clock_timestamp() AS now;

-- name: deaf
-- Those that have not heard since then.
SELECT id, place, pid FROM processes WHERE heard < ?;

-- name: end_sessions
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = ? AND datname = current_database() AND pid <> pg_backend_pid();

-- name: lock
-- As many of some names as no other transaction has.
SELECT name FROM unnest(CAST(? AS bigint[])) AS name WHERE pg_try_advisory_xact_lock(name);

-- name: mine
SELECT line, number FROM attended WHERE process = ?;

-- name: orphans
-- Conversations in which something waits, and that no process has.
SELECT line, number FROM events e
WHERE state = 0 AND NOT EXISTS (SELECT 1 FROM attended a WHERE a.line = e.line AND a.number = e.number)
GROUP BY line, number ORDER BY min(seq) LIMIT ?;

-- name: takeovers
SELECT line, number, owner, at FROM takeovers;

-- name: suppressed
SELECT 1 FROM suppressions WHERE number = ?;

-- name: at_work
-- Whether something of a conversation is being sent, or another process takes its turns.
SELECT 1 FROM outgoing WHERE line = ?1 AND number = ?2 AND phase = 'attempt'
UNION ALL SELECT 1 FROM attended WHERE line = ?1 AND number = ?2 AND process <> ?3 LIMIT 1;

-- name: give_back
DELETE FROM attended WHERE process = ?;

-- name: left_by_dead
-- Whether processes that are gone have left anything; a send of no process is from before there were several.
SELECT EXISTS (SELECT 1 FROM attended WHERE process NOT IN (SELECT id FROM processes))
OR EXISTS (SELECT 1 FROM attempts WHERE outcome IS NULL
  AND (process IS NULL OR process NOT IN (SELECT id FROM processes))) AS found;

-- name: lives_of_dead
-- An event whose turn a dead process took has lost one of its lives, for it may be what has ended that process; not
-- one that a pause kept, or that waited until it is tried again.
UPDATE events SET attempts = attempts + 1 WHERE seq IN (
  SELECT min(e.seq) FROM events e JOIN attended a ON a.line = e.line AND a.number = e.number
  WHERE e.state = 0 AND a.turns AND a.process NOT IN (SELECT id FROM processes)
  AND (e.retry_at IS NULL OR e.retry_at <= ?1) GROUP BY e.line, e.number);

-- name: attended_by_dead
DELETE FROM attended WHERE process NOT IN (SELECT id FROM processes);

-- name: texts_of_dead
UPDATE outgoing SET phase = CASE WHEN rank < 2 THEN 'check' END, due = ?1,
  status = CASE WHEN rank < 1 THEN 'unknown' ELSE status END, rank = CASE WHEN rank < 1 THEN 1 ELSE rank END,
  detail = 'the process ended while sending'
WHERE phase = 'attempt' AND id IN (SELECT outgoing FROM attempts WHERE outcome IS NULL
  AND (process IS NULL OR process NOT IN (SELECT id FROM processes)));

-- name: attempts_of_dead
UPDATE attempts SET ended = ?1, outcome = 'unknown', detail = 'the process ended while sending'
WHERE outcome IS NULL AND (process IS NULL OR process NOT IN (SELECT id FROM processes));
