-- What of shared/writes.sql SQLite writes in its own way.

-- name: park_aside
-- What a pause puts aside holds nothing back: all of a lane, or of a broadcast.
UPDATE outgoing SET phase = 'held', scheduled = 1 WHERE phase = 'queue' AND lane <> 'consent'
AND (?1 = 'lane' AND lane = ?2 OR ?1 = 'broadcast' AND hex(event) = upper(?2));

-- name: unpark
-- What no other pause keeps is queued again.
UPDATE outgoing SET phase = 'queue' WHERE phase = 'held' AND NOT EXISTS (
  SELECT 1 FROM holds h WHERE h.scope = 'all' OR h.scope = 'line' AND h.name = outgoing.line
  OR h.scope = 'account' AND h.name = outgoing.account
  OR h.scope = 'lane' AND h.name = outgoing.lane
  OR h.scope = 'broadcast' AND upper(h.name) = hex(outgoing.event));

-- name: hook_map
-- Fields that were named before stay named.
INSERT INTO hook_maps (account, kind, fields, at) VALUES (?, ?, ?, ?)
ON CONFLICT (account, kind) DO UPDATE SET fields = json_patch(fields, excluded.fields), at = excluded.at;

-- name: search_in
-- The next rows, so many at most, for whoever searches by a word; `searched` moves on behind them.
INSERT INTO words_in (rowid, text) SELECT seq, text FROM events
WHERE seq > (SELECT events FROM searched) AND seq <= (SELECT events FROM searched) + ?1
AND kind IN ('text', 'media', 'optout', 'optin');

-- name: search_out
INSERT INTO words_out (rowid, text) SELECT seq, text FROM outgoing
WHERE seq > (SELECT texts FROM searched) AND seq <= (SELECT texts FROM searched) + ?1 AND kind <> 'code';

-- name: erase_words_in
INSERT INTO words_in (words_in, rowid, text) SELECT 'delete', seq, text FROM events
WHERE number = ?1 AND seq <= (SELECT events FROM searched) AND kind IN ('text', 'media', 'optout', 'optin');

-- name: erase_words_out
INSERT INTO words_out (words_out, rowid, text) SELECT 'delete', seq, text FROM outgoing
WHERE number = ?1 AND seq <= (SELECT texts FROM searched) AND kind <> 'code';

-- name: merge_words_in
INSERT INTO words_in (words_in, rank) VALUES ('merge', -500);

-- name: merge_words_out
INSERT INTO words_out (words_out, rank) VALUES ('merge', -500);

-- name: erase_asked
-- Answers that hold the number are given again as things stand then.
UPDATE asked SET answer = x'', status = NULL WHERE instr(answer, CAST(?1 AS BLOB));

-- name: tally_events
INSERT INTO tallies SELECT 'in', line, kind, count(*), 0 FROM events
WHERE seq > (SELECT events FROM tallied) AND kind IN ('text', 'media', 'optout', 'optin', 'reaction', 'part')
GROUP BY line, kind ON CONFLICT (what, line, name) DO UPDATE SET n = tallies.n + excluded.n;

-- name: tally_texts
INSERT INTO tallies SELECT 'out', line, status, count(*), sum(parts) FROM outgoing
WHERE seq > (SELECT texts FROM tallied) GROUP BY line, status
ON CONFLICT (what, line, name) DO UPDATE SET n = tallies.n + excluded.n, parts = tallies.parts + excluded.parts;
