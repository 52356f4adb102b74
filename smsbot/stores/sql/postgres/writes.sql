-- What of shared/writes.sql PostgreSQL writes in its own way.

-- name: park_aside
-- What a pause puts aside holds nothing back: all of a lane, or of a broadcast.
UPDATE outgoing SET phase = 'held', scheduled = 1 WHERE phase = 'queue' AND lane <> 'consent'
AND (?1 = 'lane' AND lane = ?2 OR ?1 = 'broadcast' AND encode(event, 'hex') = lower(?2));

-- name: unpark
-- What no other pause keeps is queued again.
UPDATE outgoing SET phase = 'queue' WHERE phase = 'held' AND NOT EXISTS (
  SELECT 1 FROM holds h WHERE h.scope = 'all' OR h.scope = 'line' AND h.name = outgoing.line
  OR h.scope = 'account' AND h.name = outgoing.account
  OR h.scope = 'lane' AND h.name = outgoing.lane
  OR h.scope = 'broadcast' AND lower(h.name) = encode(outgoing.event, 'hex'));

-- name: hook_map
-- Fields that were named before stay named.
INSERT INTO hook_maps (account, kind, fields, at) VALUES (?, ?, ?, ?)
ON CONFLICT (account, kind) DO UPDATE
SET fields = (hook_maps.fields::jsonb || excluded.fields::jsonb)::text, at = excluded.at;

-- name: search_in
-- The next rows, so many at most, for whoever searches by a word, without accents; `searched` moves on behind them.
INSERT INTO words_in SELECT e.seq, coalesce((
  SELECT array_to_tsvector(array_agg(DISTINCT left(word, 60))) FROM regexp_split_to_table(
    lower(regexp_replace(normalize(e.text, NFKD), '[\u0300-\u036F]', '', 'g') COLLATE "default"), '[^[:alnum:]]+') AS word
  WHERE word <> ''), '')
FROM events e WHERE seq > (SELECT events FROM searched) AND seq <= (SELECT events FROM searched) + ?1
AND kind IN ('text', 'media', 'optout', 'optin') ON CONFLICT DO NOTHING;

-- name: search_out
INSERT INTO words_out SELECT o.seq, coalesce((
  SELECT array_to_tsvector(array_agg(DISTINCT left(word, 60))) FROM regexp_split_to_table(
    lower(regexp_replace(normalize(o.text, NFKD), '[\u0300-\u036F]', '', 'g') COLLATE "default"), '[^[:alnum:]]+') AS word
  WHERE word <> ''), '')
FROM outgoing o WHERE seq > (SELECT texts FROM searched) AND seq <= (SELECT texts FROM searched) + ?1 AND kind <> 'code'
ON CONFLICT DO NOTHING;

-- name: erase_words_in
DELETE FROM words_in WHERE seq IN (SELECT seq FROM events WHERE number = ?1);

-- name: erase_words_out
DELETE FROM words_out WHERE seq IN (SELECT seq FROM outgoing WHERE number = ?1);

-- name: merge_words_in
-- Here the server's vacuum does it.
SELECT 1;

-- name: merge_words_out
SELECT 1;

-- name: erase_asked
-- Answers that hold the number are given again as things stand then.
UPDATE asked SET answer = '', status = NULL WHERE position(convert_to(?1, 'UTF8') IN answer) > 0;

-- name: attend
INSERT INTO attended (line, number, turns) VALUES (?, ?, ?);

-- name: unattend
DELETE FROM attended WHERE line = ? AND number = ?;

-- name: tally_events
INSERT INTO tallies (what, line, name, n, parts) SELECT 'in', line, kind, count(*), 0 FROM events
WHERE seq > (SELECT events FROM tallied) AND kind IN ('text', 'media', 'optout', 'optin', 'reaction', 'part')
GROUP BY line, kind ON CONFLICT (what, line, name, process) DO UPDATE SET n = tallies.n + excluded.n;

-- name: tally_texts
INSERT INTO tallies (what, line, name, n, parts) SELECT 'out', line, status, count(*), sum(parts) FROM outgoing
WHERE seq > (SELECT texts FROM tallied) GROUP BY line, status
ON CONFLICT (what, line, name, process) DO UPDATE SET n = tallies.n + excluded.n, parts = tallies.parts + excluded.parts;
