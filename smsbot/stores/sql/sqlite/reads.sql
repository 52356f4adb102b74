-- What of shared/reads.sql SQLite writes in its own way.

-- name: conversation
-- One row for each frame of the open run, one row if there is none; a single statement, so a single moment.
SELECT c.version, c.fallback_at, c.late, c.resting, c.answered, c.wrote_first, r.content, r.id AS run, r.bot, r.started_by, r.started,
       (SELECT json_group_object(name, value) FROM contacts WHERE number = :number) AS contact,
       EXISTS (SELECT 1 FROM suppressions s WHERE s.number = :number) AS opted_out,
       (SELECT owner FROM takeovers t WHERE t.line = :line AND t.number = :number) AS owner,
       f.kind, f.name, f.state, f.data, f.prompt, f.deadline, f.then_, f.rest
FROM (SELECT 1) AS t1
LEFT JOIN conversations c ON c.line = :line AND c.number = :number
LEFT JOIN runs r ON r.id = c.run
LEFT JOIN frames f ON f.run = c.run
ORDER BY f.depth;

-- name: contents_in_use
-- What open runs, questions that may still be answered late, and turns that were cut short stand on.
SELECT hash, value FROM contents WHERE hash IN (
  SELECT r.content FROM conversations c JOIN runs r ON r.id = c.run WHERE r.content <> ''
  UNION SELECT json_extract(late, '$.content') FROM conversations WHERE late <> ''
  UNION SELECT json_extract(beside.value, '$.content') FROM conversations c, json_each(c.resting) AS beside
        WHERE c.resting <> ''
  UNION SELECT json_extract(j.value, '$.of') FROM events e JOIN journal j ON j.frame = e.id
        WHERE e.state = 0 AND j.kind = 'act'
);

-- name: feed
-- The newest messages in and out, and events that failed; :before pages backwards by time.
SELECT * FROM (
  SELECT * FROM (
    SELECT 'in' AS direction, hex(id) AS id, seq, line, number,
           CASE WHEN kind IN ('event', 'timer') THEN '(' || kind || ' ' || text || ')'
             WHEN kind = 'media' OR kind = 'text' AND data LIKE '{"media"%' THEN trim(text || ' (' ||
               coalesce(nullif(json_extract(data, '$.media[0][1]'), ''), 'picture') ||
               coalesce(' ' || json_extract(data, '$.media[0][0]'), '') || ')')
             ELSE text END AS text,
           at, kind AS status, note AS detail, 1 AS parts, '' AS reaction
    FROM events WHERE (kind IN ('text', 'media', 'optout', 'optin', 'reaction') OR state = 2 OR state = 0 AND attempts > 0)
    AND at <= :before AND number <> '' ORDER BY seq DESC LIMIT :limit) AS t1
  UNION ALL SELECT * FROM (
    SELECT 'out', id, seq, line, number, CASE kind WHEN 'code' THEN '(a code, hidden)' ELSE text END, created, status,
           detail, parts, reaction
    FROM outgoing WHERE created <= :before AND number <> '' ORDER BY seq DESC LIMIT :limit) AS t2
) AS t3 ORDER BY at DESC, seq DESC LIMIT :limit;

-- name: thread
-- All messages of one number, and events that failed, newest first.
SELECT * FROM (
  SELECT * FROM (
    SELECT 'in' AS direction, hex(id) AS id, seq, line, number,
           CASE WHEN kind IN ('event', 'timer') THEN '(' || kind || ' ' || text || ')'
             WHEN kind = 'media' OR kind = 'text' AND data LIKE '{"media"%' THEN trim(text || ' (' ||
               coalesce(nullif(json_extract(data, '$.media[0][1]'), ''), 'picture') ||
               coalesce(' ' || json_extract(data, '$.media[0][0]'), '') || ')')
             ELSE text END AS text,
           at, kind AS status, CASE WHEN state = 0 AND note = '' THEN 'waits for its turn' ELSE note END AS detail,
           1 AS parts, '' AS reaction
    FROM events WHERE number = :number
    AND (kind IN ('text', 'media', 'optout', 'optin', 'reaction') OR state = 2
      OR state = 0 AND (attempts > 0 OR kind = 'event'))
    AND at <= :before ORDER BY seq DESC LIMIT :limit) AS t1
  UNION ALL SELECT * FROM (
    SELECT 'out', id, seq, line, number, CASE kind WHEN 'code' THEN '(a code, hidden)' ELSE text END, created, status,
           detail, parts, reaction
    FROM outgoing WHERE number = :number AND created <= :before ORDER BY seq DESC LIMIT :limit) AS t2
) AS t3 ORDER BY at DESC, seq DESC LIMIT :limit;

-- name: numbers_like
-- Numbers that end with some digits, those who texted or were texted last first; `reversed` are the digits from behind.
SELECT number FROM (
  SELECT number FROM numbers WHERE reversed >= :reversed AND reversed < :reversed || ':'
  UNION SELECT number FROM events WHERE seq > (SELECT events FROM searched) AND number LIKE '%' || :digits
  UNION SELECT number FROM outgoing WHERE seq > (SELECT texts FROM searched) AND number LIKE '%' || :digits) n
ORDER BY max(
  coalesce((SELECT max(at) FROM (SELECT at FROM events e WHERE e.number = n.number ORDER BY seq DESC LIMIT 1) AS t1), 0),
  coalesce((SELECT max(created) FROM (SELECT created FROM outgoing o WHERE o.number = n.number ORDER BY seq DESC LIMIT 1) AS t2), 0)
) DESC LIMIT :limit;

-- name: with_words
-- The newest messages in which words stand, with what is not searched through yet.
SELECT * FROM (
  SELECT 'in' AS direction, hex(id) AS id, seq, line, number, text, at, kind AS status, note AS detail, 1 AS parts,
         '' AS reaction
  FROM events WHERE seq IN (SELECT rowid FROM words_in WHERE words_in MATCH :match ORDER BY rowid DESC LIMIT :limit)
  OR seq > (SELECT events FROM searched) AND kind IN ('text', 'media', 'optout', 'optin')
    AND NOT EXISTS (SELECT 1 FROM json_each(:words) w WHERE NOT instr(lower(text), lower(w.value)))
  UNION ALL SELECT 'out', id, seq, line, number, text, created, status, detail, parts, reaction
  FROM outgoing WHERE seq IN (SELECT rowid FROM words_out WHERE words_out MATCH :match ORDER BY rowid DESC LIMIT :limit)
  OR seq > (SELECT texts FROM searched) AND kind <> 'code'
    AND NOT EXISTS (SELECT 1 FROM json_each(:words) w WHERE NOT instr(lower(text), lower(w.value)))
) ORDER BY at DESC, seq DESC LIMIT :limit;

-- name: event
SELECT seq, hex(id) AS id, line, number, kind, text, at, state, note, attempts FROM events WHERE seq = :seq;

-- name: pulse
PRAGMA data_version;

-- name: quick_check
PRAGMA quick_check(1);

-- name: waiting_ref
-- The person of an event that waits for its turn, by what a program calls it.
SELECT number FROM events WHERE state = 0 AND kind = 'event'
AND CASE WHEN json_valid(data) THEN json_extract(data, '$.ref') = :ref END ORDER BY seq DESC LIMIT 1;

-- name: quarantined_with
-- Whether something in quarantine holds the digits of a number.
SELECT 1 FROM quarantine WHERE replayed IS NULL AND instr(body, CAST(:digits AS BLOB)) LIMIT 1;

-- name: waits
-- What has not come to its end, by what it waits for: how many, and the oldest. Reports are missed of the last texts only.
SELECT phase AS what, count(*) AS n, min(created) AS at, id FROM (
  SELECT phase, created, id FROM outgoing WHERE phase IS NOT NULL LIMIT 100001) AS t1 GROUP BY phase
UNION ALL SELECT 'report', count(*), min(created), id FROM (
  SELECT created, id FROM outgoing WHERE seq > (SELECT max(seq) FROM outgoing) - :most AND rank IN (2, 3) AND phase IS NULL) AS t2
UNION ALL SELECT what, count(*), min(at), 'e' || seq FROM (
  SELECT e.at, e.seq, CASE
    WHEN EXISTS (SELECT 1 FROM holds h WHERE h.scope = 'all' OR h.scope = 'line' AND h.name = e.line) THEN 'held'
    WHEN EXISTS (SELECT 1 FROM takeovers t WHERE t.line = e.line AND t.number = e.number) THEN 'person'
    ELSE 'bot' END AS what
  FROM events e WHERE e.state = 0 AND e.kind <> 'timer' LIMIT 100001) AS t3 GROUP BY what
UNION ALL SELECT 'person', count(*), min(at), '' FROM handoffs h WHERE done IS NULL AND (until IS NULL OR until <= :now
  OR EXISTS (SELECT 1 FROM events e WHERE e.number = h.number AND e.at > h.put_off
    AND e.kind IN ('text', 'media', 'optout', 'optin')))
UNION ALL SELECT 'quarantine', count(*), min(at), '' FROM quarantine WHERE replayed IS NULL;

-- name: runs_by_path
-- The ways that runs of a time took through their steps, parted by U+001F; how many took each, and how they ended. A step
-- is called FLOW.STEP, a state of handlers by its name alone: it belongs to the handler that began.
SELECT bot, path, over, end_label, count(*) AS n FROM (
  SELECT bot, end_label, ended IS NOT NULL AS over,
    (SELECT group_concat(step, char(31)) FROM (SELECT step FROM visits v WHERE v.run = r.id ORDER BY seq)) AS path
  FROM (SELECT * FROM runs WHERE started >= :since ORDER BY started DESC LIMIT :limit) r) AS t1
WHERE path IS NOT NULL GROUP BY bot, path, over, end_label;

-- name: runs_waiting
-- Where open conversations stand now, whenever they began; and since when the one does that stands longest.
SELECT bot, CASE instr(last, '.') WHEN 0 THEN first ELSE substr(last, 1, instr(last, '.') - 1) END AS flow,
  substr(last, instr(last, '.') + 1) AS step, count(*) AS n, min(at) AS at
FROM (
  SELECT r.bot, r.started_by AS first, v.step AS last, v.at
  FROM (SELECT run FROM frames WHERE depth = 0 LIMIT :limit) f JOIN runs r ON r.id = f.run
  JOIN visits v ON v.run = r.id AND v.seq = (SELECT max(w.seq) FROM visits w WHERE w.run = r.id)
  UNION ALL SELECT r.bot, r.started_by, v.step, v.at
  FROM (SELECT line, number, resting FROM conversations WHERE resting <> '' LIMIT :limit) c, json_each(c.resting) AS beside
  JOIN runs r ON r.line = c.line AND r.number = c.number AND lower(hex(r.id)) = json_extract(beside.value, '$.id')
  JOIN visits v ON v.run = r.id AND v.seq = (SELECT max(w.seq) FROM visits w WHERE w.run = r.id)) AS t1
GROUP BY bot, flow, step;

-- name: people_waiting
-- Who stands at a step now, the longest first; it is called FLOW.STEP, or by the name of a state alone.
SELECT * FROM (
  SELECT r.line, r.number, (SELECT step FROM visits v WHERE v.run = r.id ORDER BY seq DESC LIMIT 1) AS step,
    (SELECT at FROM visits v WHERE v.run = r.id ORDER BY seq DESC LIMIT 1) AS at, '' AS end_label
  FROM (SELECT run FROM frames WHERE depth = 0 LIMIT :most) f JOIN runs r ON r.id = f.run WHERE r.bot = :bot
  UNION ALL SELECT r.line, r.number, (SELECT step FROM visits v WHERE v.run = r.id ORDER BY seq DESC LIMIT 1),
    (SELECT at FROM visits v WHERE v.run = r.id ORDER BY seq DESC LIMIT 1), ''
  FROM (SELECT line, number, resting FROM conversations WHERE resting <> '' LIMIT :most) c, json_each(c.resting) AS beside
  JOIN runs r ON r.line = c.line AND r.number = c.number AND lower(hex(r.id)) = json_extract(beside.value, '$.id')
  WHERE r.bot = :bot) AS t1
WHERE step IN (:dotted, :state) ORDER BY at LIMIT :limit;

-- name: people_left
-- Whose run of a time ended where it was not finished, the last first.
SELECT * FROM (
  SELECT r.line, r.number, (SELECT step FROM visits v WHERE v.run = r.id ORDER BY seq DESC LIMIT 1) AS step,
    r.ended AS at, r.end_label
  FROM (SELECT * FROM runs WHERE started >= :since ORDER BY started DESC LIMIT :most) r
  WHERE r.bot = :bot AND r.ended IS NOT NULL AND r.end_label IN (SELECT value FROM json_each(:ends))) AS t1
WHERE step IN (:dotted, :state) ORDER BY at DESC LIMIT :limit;

-- name: texts_in
SELECT 'in' AS direction, hex(id) AS id, seq, line, number, text, at, kind AS status, note AS detail, 1 AS parts,
  '' AS reaction
FROM events WHERE seq >= :after AND seq < :below AND :line IN ('', line) AND number <> ''
AND (:kind = '' AND kind IN ('text', 'media', 'optout', 'optin', 'reaction') OR kind = :kind)
AND (:status = '' OR :status = 'failed' AND state = 2 OR :status = 'waiting' AND state = 0) ORDER BY seq DESC LIMIT :limit;

-- name: received
-- A text in, as it is told to programs.
SELECT hex(id) AS id, line, number, kind, text, data, at FROM events WHERE seq = :seq AND number <> '';

-- name: run_by_id
SELECT hex(id) AS id, line, number, bot, started_by, started, ended, end_label FROM runs WHERE id = :id AND number <> '';

-- name: runs_of
-- The last runs of a conversation, the latest first.
SELECT hex(id) AS id, bot, started_by, started, ended, end_label FROM runs WHERE line = :line AND number = :number
ORDER BY started DESC LIMIT :limit;

-- name: of_ids
SELECT * FROM outgoing WHERE id IN (SELECT value FROM json_each(:ids));

-- name: number_in
SELECT seq, hex(id) AS id, line, number, kind, text, data, at FROM events WHERE number = :number AND seq < :below
AND kind IN ('text', 'media', 'optout', 'optin', 'reaction') AND (text <> '' OR kind = 'media')
ORDER BY seq DESC LIMIT :limit;

-- name: rows_out
-- Whole texts by their places.
SELECT * FROM outgoing WHERE seq IN (SELECT value FROM json_each(:places)) ORDER BY seq DESC;

-- name: rows_in
SELECT seq, hex(id) AS id, line, number, kind, text, data, at FROM events
WHERE seq IN (SELECT value FROM json_each(:places)) AND (text <> '' OR kind = 'media') ORDER BY seq DESC;

-- name: sent_lately
-- The last texts since a moment, many together: by part of that time, line, kind, operator and what became of them.
SELECT CAST((created - :since) / :width AS INTEGER) AS part, line, kind, operator, status, currency,
  count(*) AS n, sum(parts) AS parts, sum(price) AS price
FROM (
  SELECT o.created, o.line, coalesce(nullif(o.kind, ''), o.lane) AS kind, o.status, o.parts, o.price, o.currency,
    coalesce((SELECT r.operator FROM receipts r
      WHERE r.outgoing = o.id AND r.outgoing <> '' AND r.operator <> '' LIMIT 1), '') AS operator
  FROM outgoing o WHERE o.seq > (SELECT max(seq) FROM outgoing) - :most AND o.created >= :since) AS t1
GROUP BY 1, 2, 3, 4, 5, 6;
