-- Statements of readers, by name; parameters are named.
-- Where a condition says twice what once would do (a phase that is also one of two, a name that is not empty), the second
-- is that of an index of some rows: SQLite uses one only where its own words stand in the statement.

-- name: conversation (hot)
-- One row for each frame of the open run, one row if there is none; a single statement, so a single moment.
SELECT c.version, c.fallback_at, c.late, c.resting, c.answered, c.wrote_first, r.content, r.id AS run, r.bot, r.started_by, r.started,
       (SELECT json_group_object(name, value) FROM contacts WHERE number = :number) AS contact,
       EXISTS (SELECT 1 FROM suppressions s WHERE s.number = :number) AS opted_out,
       (SELECT owner FROM takeovers t WHERE t.line = :line AND t.number = :number) AS owner,
       f.kind, f.name, f.state, f.data, f.prompt, f.deadline, f.then_, f.rest
FROM (SELECT 1)
LEFT JOIN conversations c ON c.line = :line AND c.number = :number
LEFT JOIN runs r ON r.id = c.run
LEFT JOIN frames f ON f.run = c.run
ORDER BY f.depth;

-- name: open_conversations
-- Those that a run is open in, behind a place of the list.
SELECT line, number FROM conversations WHERE run IS NOT NULL AND (line, number) > (:line, :number)
ORDER BY line, number LIMIT :limit;

-- name: open_count
SELECT count(*) AS n FROM conversations WHERE run IS NOT NULL;

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

-- name: last_run (hot)
SELECT id, bot, started_by, started, ended, end_label FROM runs WHERE line = :line AND number = :number
ORDER BY started DESC, ended IS NULL DESC, ended DESC, id DESC LIMIT 1;

-- name: visits_of_run (hot)
SELECT step, at FROM (SELECT seq, step, at FROM visits WHERE run = :run ORDER BY seq DESC LIMIT 100) ORDER BY seq;

-- name: trouble
-- Why the newest event of a number failed.
SELECT note FROM (SELECT note, state, attempts FROM events WHERE number = :number ORDER BY seq DESC LIMIT 1)
WHERE state = 2 OR attempts > 0;

-- name: frames_left
-- Frames of runs that have ended, or above the top of their stack: there are none.
SELECT f.run, f.depth FROM frames f LEFT JOIN conversations c ON c.run = f.run WHERE c.run IS NULL;

-- name: unread
SELECT seq, id, line, number, kind, text, data, account, gateway_id, at, attempts, retry_at
FROM events WHERE state = 0 AND seq > :after ORDER BY seq LIMIT :limit;

-- name: journal (hot)
SELECT seq, kind, value FROM journal WHERE run = :run AND frame = :frame ORDER BY seq;

-- name: due_timers
SELECT line, number, name, due, data FROM timers WHERE due <= :now ORDER BY due, name LIMIT :limit;

-- name: next_due_beside
-- Beside lanes of lines in which there is no room: `full` names them, a line and a lane between line ends.
SELECT min(due) AS due FROM (
  SELECT min(due) AS due FROM timers
  UNION ALL SELECT (SELECT min(o.due) FROM outgoing o WHERE o.phase = 'queue' AND o.line = p.line AND o.lane = p.lane)
    FROM queued_pairs p WHERE NOT instr(:full, char(10) || p.line || char(9) || p.lane || char(10))
  UNION ALL SELECT min(due) FROM outgoing WHERE phase = 'check' AND phase IN ('queue', 'check')
);

-- name: next_due
SELECT min(due) AS due FROM (
  SELECT min(due) AS due FROM timers
  UNION ALL SELECT min(due) FROM outgoing WHERE phase = 'queue' AND phase IN ('queue', 'check')
  UNION ALL SELECT min(due) FROM outgoing WHERE phase = 'check' AND phase IN ('queue', 'check')
);

-- name: due_checks
SELECT o.*, a.started FROM outgoing o JOIN attempts a ON a.outgoing = o.id AND a.n = o.attempts
WHERE o.phase = 'check' AND o.phase IN ('queue', 'check') AND o.due <= :now
AND NOT instr(:full, char(10) || o.account || char(10))
ORDER BY o.due LIMIT :limit;

-- name: hook_secrets
SELECT account, secret, at FROM hook_secrets ORDER BY account, id DESC;

-- name: hook_maps
SELECT account, kind, fields FROM hook_maps;

-- name: quarantined
SELECT id, account, kind, body, headers, reason, at FROM quarantine
WHERE replayed IS NULL AND (:account = '' OR account = :account) ORDER BY id LIMIT :limit;

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
    AND at <= :before AND number <> '' ORDER BY seq DESC LIMIT :limit)
  UNION ALL SELECT * FROM (
    SELECT 'out', id, seq, line, number, CASE kind WHEN 'code' THEN '(a code, hidden)' ELSE text END, created, status,
           detail, parts, reaction
    FROM outgoing WHERE created <= :before AND number <> '' ORDER BY seq DESC LIMIT :limit)
) ORDER BY at DESC, seq DESC LIMIT :limit;

-- name: thread (hot)
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
    AND at <= :before ORDER BY seq DESC LIMIT :limit)
  UNION ALL SELECT * FROM (
    SELECT 'out', id, seq, line, number, CASE kind WHEN 'code' THEN '(a code, hidden)' ELSE text END, created, status,
           detail, parts, reaction
    FROM outgoing WHERE number = :number AND created <= :before ORDER BY seq DESC LIMIT :limit)
) ORDER BY at DESC, seq DESC LIMIT :limit;

-- name: unknown_statuses
-- Words of reports that mean nothing to us, and how often each came.
SELECT account, raw, count(*) AS n, max(at) AS at FROM receipts WHERE status = '' GROUP BY account, raw
ORDER BY n DESC LIMIT 20;

-- name: numbers_like
-- Numbers that end with some digits, those who texted or were texted last first; `reversed` are the digits from behind.
SELECT number FROM (
  SELECT number FROM numbers WHERE reversed >= :reversed AND reversed < :reversed || ':'
  UNION SELECT number FROM events WHERE seq > (SELECT events FROM searched) AND number LIKE '%' || :digits
  UNION SELECT number FROM outgoing WHERE seq > (SELECT texts FROM searched) AND number LIKE '%' || :digits) n
ORDER BY max(
  coalesce((SELECT max(at) FROM (SELECT at FROM events e WHERE e.number = n.number ORDER BY seq DESC LIMIT 1)), 0),
  coalesce((SELECT max(created) FROM (SELECT created FROM outgoing o WHERE o.number = n.number ORDER BY seq DESC LIMIT 1)), 0)
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

-- name: unsearched
-- How many rows nobody can search through yet, of the kind that has more of them.
SELECT max(coalesce((SELECT max(seq) FROM events), 0) - events, coalesce((SELECT max(seq) FROM outgoing), 0) - texts) AS n
FROM searched;

-- name: greeted (hot)
-- A text of ours to somebody, before a moment.
SELECT 1 FROM outgoing WHERE number = :number AND line = :line AND created < :before LIMIT 1;

-- name: outgoing (hot)
SELECT * FROM outgoing WHERE id = :id;

-- name: attempts (hot)
SELECT n, started, ended, outcome, reference, detail FROM attempts WHERE outgoing = :id ORDER BY n;

-- name: references
SELECT a.reference FROM attempts a JOIN outgoing o ON o.id = a.outgoing WHERE o.number = :number AND a.reference <> '';

-- name: receipts (hot)
SELECT status, raw, at, detail, code, operator, part, body FROM receipts
WHERE outgoing = :id AND outgoing <> '' ORDER BY at;

-- name: heard_of (hot)
-- How many answers to an event had left before a moment, and how many were on their way then.
SELECT coalesce(sum(EXISTS (
  SELECT 1 FROM attempts a WHERE a.outgoing = o.id AND a.outcome IN ('accepted', 'unknown') AND a.ended < :before)), 0) AS left,
  coalesce(sum(o.phase IS NOT NULL OR EXISTS (
  SELECT 1 FROM attempts a WHERE a.outgoing = o.id AND a.outcome IN ('accepted', 'unknown') AND a.ended >= :before)), 0) AS going
FROM outgoing o WHERE o.number = :number AND o.event = :event;

-- name: tokens
SELECT name, hash, at, scopes, expires, used FROM tokens ORDER BY at;

-- name: seen
SELECT at FROM seen WHERE key = :key;

-- name: held
SELECT name, at, why FROM holds WHERE scope = 'contact' AND name = :number;

-- name: paced (hot)
-- Conversations that are held because a machine texts.
SELECT name, at FROM holds WHERE scope = 'pace';

-- name: answered_since (hot)
-- The last text of ours that a gateway had taken before a moment.
SELECT max(a.ended) AS at FROM outgoing o JOIN attempts a ON a.outgoing = o.id
WHERE o.number = :number AND o.line = :line AND a.outcome = 'accepted' AND a.ended <= :before;

-- name: parts_waiting
-- Parts of which only their length says that they are some.
SELECT line, number, due FROM timers WHERE name = 'parts';

-- name: parts_of (hot)
SELECT name, data FROM timers WHERE line = :line AND number = :number AND name >= 'parts' AND name < 'parts;'
ORDER BY due, name;

-- name: pauses (hot)
SELECT scope, name, at, why FROM holds WHERE scope IN ('all', 'line', 'lane', 'account') ORDER BY at;

-- name: counts
SELECT
  (SELECT count(*) FROM (SELECT 1 FROM outgoing WHERE phase = 'queue' AND phase IN ('queue', 'check') LIMIT 1001)) AS waiting,
  (SELECT count(*) FROM (SELECT 1 FROM outgoing WHERE phase IS NOT NULL AND phase = 'held' LIMIT 1001)) AS held,
  (SELECT count(*) FROM (SELECT 1 FROM events WHERE state = 0 LIMIT 1001)) AS unread,
  (SELECT count(*) FROM (SELECT 1 FROM events WHERE state = 2 LIMIT 1001)) AS dead,
  (SELECT count(*) FROM (SELECT 1 FROM outgoing WHERE phase IS NULL AND status = 'unknown'
    AND NOT instr(detail, 'sent again as ') LIMIT 1001)) AS unknown,
  (SELECT count(*) FROM (SELECT 1 FROM quarantine WHERE replayed IS NULL LIMIT 1001)) AS quarantined,
  (SELECT count(*) FROM (SELECT 1 FROM suppressions LIMIT 1001)) AS opted_out;

-- name: failed
-- Texts that were not delivered and not sent again, oldest first.
SELECT o.* FROM outgoing o WHERE o.phase IS NULL AND o.number <> '' AND o.created >= :since AND (:line = '' OR o.line = :line)
AND instr(',' || :statuses || ',', ',' || o.status || ',') AND o.lane <> 'consent' AND o.kind <> 'code'
AND (:reason = '' OR instr(lower(o.detail), lower(:reason))) AND NOT instr(o.detail, 'sent again as ')
AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.number = o.number)
ORDER BY o.seq LIMIT 100000;

-- name: failures
-- Texts that did not arrive since a moment and were not sent again, newest first.
SELECT o.*, EXISTS (SELECT 1 FROM suppressions s WHERE s.number = o.number) AS opted_out FROM outgoing o
WHERE o.status IN ('failed', 'expired', 'undelivered') AND o.created >= :since AND o.phase IS NULL AND o.number <> ''
AND (:line = '' OR o.line = :line) AND NOT instr(o.detail, 'sent again as ') ORDER BY o.created DESC LIMIT :limit;

-- name: unsure
-- Texts of which nobody can know whether they left, since a moment and not sent again, newest first.
SELECT o.*, EXISTS (SELECT 1 FROM suppressions s WHERE s.number = o.number) AS opted_out FROM outgoing o
WHERE o.status = 'unknown' AND o.created >= :since AND o.phase IS NULL AND o.number <> ''
AND (:line = '' OR o.line = :line) AND NOT instr(o.detail, 'sent again as ') ORDER BY o.seq DESC LIMIT :limit;

-- name: looked_up
SELECT count(*) AS n FROM outgoing WHERE phase = 'check' AND phase IN ('queue', 'check');

-- name: dead
SELECT seq, id, line, number, kind, text, data, account, gateway_id, at, note AS detail, 'dead' AS status FROM events
WHERE state = 2 AND at >= :since AND (:line = '' OR line = :line)
AND (:reason = '' OR instr(lower(note), lower(:reason))) ORDER BY seq LIMIT 100000;

-- name: unwell
-- Turns that failed: for good, or until they are tried again.
SELECT seq, note FROM events WHERE state = 2
UNION ALL SELECT seq, note FROM events WHERE state = 0 AND attempts > 0 ORDER BY seq LIMIT 1000;

-- name: totals
-- What is tallied, and the rows since then.
SELECT what, line, name, sum(n) AS n, sum(parts) AS parts FROM (
  SELECT what, line, name, n, parts FROM tallies
  UNION ALL SELECT 'in', line, kind, 1, 0 FROM events
  WHERE seq > (SELECT events FROM tallied) AND kind IN ('text', 'media', 'optout', 'optin', 'reaction', 'part')
  UNION ALL SELECT 'out', line, status, 1, parts FROM outgoing WHERE seq > (SELECT texts FROM tallied)
) GROUP BY what, line, name HAVING sum(n) <> 0;

-- name: waiting_people
-- People who wait for the desk, the longest first: whom nobody has put off, or who have texted since; or (:later) the others.
SELECT id, line, number, desk, at, until FROM handoffs h WHERE done IS NULL AND :later <> (
  until IS NULL OR until <= :now
  OR EXISTS (SELECT 1 FROM events e WHERE e.number = h.number AND e.at > h.put_off
    AND e.kind IN ('text', 'media', 'optout', 'optin')))
ORDER BY at LIMIT :limit;

-- name: handoff (hot)
SELECT number FROM handoffs WHERE id = :id AND done IS NULL;

-- name: handed_to
-- The desks that a person was handed to, the newest first.
SELECT desk FROM handoffs WHERE line = :line AND number = :number ORDER BY id DESC;

-- name: handoffs_done
-- Those who were looked after, the latest first.
SELECT id, line, number, desk, at, done, done_by FROM handoffs h WHERE done IS NOT NULL AND number <> ''
AND NOT EXISTS (SELECT 1 FROM takeovers t WHERE t.line = h.line AND t.number = h.number) ORDER BY done DESC LIMIT :limit;

-- name: notes (hot)
SELECT by, at, text FROM notes WHERE number = :number ORDER BY id DESC LIMIT 20;

-- name: event
SELECT seq, hex(id) AS id, line, number, kind, text, at, state, note, attempts FROM events WHERE seq = :seq;

-- name: last_seq
SELECT coalesce((SELECT max(seq) FROM events), 0) AS events, coalesce((SELECT max(seq) FROM outgoing), 0) AS outgoing;

-- name: latest_receipts
SELECT account, max(at) AS at FROM receipts GROUP BY account;

-- name: suppressed (hot)
SELECT number, at, said FROM suppressions WHERE number = :number;

-- name: dedupe_key
SELECT value FROM meta WHERE name = 'dedupe_key';

-- name: unreported
-- The oldest text that was accepted and of which nothing final is known yet.
SELECT min(created) AS at FROM (
  SELECT created FROM outgoing WHERE seq > (SELECT max(seq) FROM outgoing) - 200000
  AND account = :account AND created >= :since AND created < :before AND rank IN (2, 3) ORDER BY seq LIMIT 1);

-- name: began
-- When this database was first opened, or at least the first time that this was kept.
SELECT CAST(value AS REAL) AS at FROM meta WHERE name = 'began';

-- name: sandbox_phones
SELECT number, mode FROM sandbox_phones;

-- name: sandbox_clock
SELECT shift FROM sandbox_clock;

-- name: sandbox_thread
SELECT * FROM (SELECT * FROM sandbox_texts WHERE phone = :phone ORDER BY seq DESC LIMIT :limit) ORDER BY seq;

-- name: sandbox_text
SELECT * FROM sandbox_texts WHERE id = :id;

-- name: sandbox_external
-- By the caller's own id, or as the vendor decorates it.
SELECT * FROM sandbox_texts WHERE external_id <> '' AND external_id = :external_id AND account = :account
UNION ALL SELECT * FROM sandbox_texts WHERE external_id <> '' AND account = :account
  AND external_id >= 'C-' || :external_id || '-' AND external_id < 'C-' || :external_id || '.';

-- name: sandbox_list
SELECT * FROM sandbox_texts WHERE direction = 'out' AND account = :account
AND (:phone = '' OR phone = :phone) AND at >= :since AND at <= :until ORDER BY seq DESC LIMIT 10000;

-- name: sandbox_due
SELECT j.id, j.due, j.kind, j.text, j.value, j.tries, t.phone FROM sandbox_jobs j JOIN sandbox_texts t ON t.id = j.text
WHERE j.due <= :now ORDER BY j.due, j.id LIMIT :limit;

-- name: sandbox_next
SELECT min(due) AS due FROM sandbox_jobs;

-- name: sandbox_held
SELECT id FROM sandbox_texts WHERE phone = :phone AND direction = 'out' AND status IN ('accepted', 'sent') ORDER BY seq;

-- name: pulse
PRAGMA data_version;

-- name: quick_check
PRAGMA quick_check(1);

-- name: consents (hot)
SELECT action, text, line, at, source, shown FROM consents WHERE number = :number ORDER BY id;

-- name: unanswered (hot)
-- The newest thing of a number that no turn has ended for; what waits for its turn stands before what failed.
SELECT kind, line, at, state, retry_at, note FROM (
  SELECT * FROM events WHERE state = 0 AND number = :number AND kind IN ('text', 'media', 'event', 'timer')
  UNION ALL SELECT * FROM events WHERE state = 2 AND number = :number
) ORDER BY seq DESC LIMIT 1;

-- name: newest_out (hot)
-- The last texts to a number, whole.
SELECT * FROM outgoing WHERE number = :number ORDER BY seq DESC LIMIT :limit;

-- name: of_ref (hot)
-- The texts that somebody calls by a name, newest first.
SELECT * FROM outgoing WHERE ref = :ref AND ref <> '' ORDER BY seq DESC LIMIT :limit;

-- name: waiting_ref
-- The person of an event that waits for its turn, by what a program calls it.
SELECT number FROM events WHERE state = 0 AND kind = 'event'
AND CASE WHEN json_valid(data) THEN json_extract(data, '$.ref') = :ref END ORDER BY seq DESC LIMIT 1;

-- name: report_times
-- How long reports of an account took lately, in seconds.
SELECT r.at - a.ended AS took FROM (
  SELECT id, attempts FROM outgoing WHERE seq > (SELECT max(seq) FROM outgoing) - 1000
  AND account = :account AND status = 'delivered' ORDER BY seq DESC LIMIT 200) o
JOIN attempts a ON a.outgoing = o.id AND a.n = o.attempts AND a.outcome = 'accepted'
JOIN receipts r ON r.outgoing = o.id AND r.outgoing <> '' AND r.status = 'delivered';

-- name: wrote (hot)
SELECT 1 FROM events WHERE number = :number AND kind IN ('text', 'media', 'optout', 'optin') LIMIT 1;

-- name: quarantined_with
-- Whether something in quarantine holds the digits of a number.
SELECT 1 FROM quarantine WHERE replayed IS NULL AND instr(body, CAST(:digits AS BLOB)) LIMIT 1;

-- name: first_seen (hot)
-- When a number first texted, or was first texted.
SELECT min(at) AS at FROM (
  SELECT at FROM (SELECT at FROM events WHERE number = :number ORDER BY seq LIMIT 1)
  UNION ALL SELECT created FROM (SELECT created FROM outgoing WHERE number = :number ORDER BY seq LIMIT 1)
) HAVING min(at) IS NOT NULL;

-- name: last_in (hot)
SELECT text, at, kind FROM events WHERE number = :number AND kind IN ('text', 'media', 'optout', 'optin')
ORDER BY seq DESC LIMIT 1;

-- name: handoff_of
SELECT id, line, desk, at FROM handoffs WHERE number = :number AND done IS NULL ORDER BY at LIMIT 1;

-- name: contact_name (hot)
SELECT value FROM contacts WHERE number = :number AND name = 'name';

-- name: lately
-- The last texts since a moment, with what became of each, by whom, and how long a report took.
SELECT o.line, o.lane, o.kind, o.status,
  (SELECT r.operator FROM receipts r WHERE r.outgoing = o.id AND r.outgoing <> '' AND r.operator <> '' LIMIT 1) AS operator,
  (SELECT min(r.at) FROM receipts r WHERE r.outgoing = o.id AND r.outgoing <> '' AND r.status = 'delivered')
    - (SELECT a.ended FROM attempts a WHERE a.outgoing = o.id AND a.n = o.attempts) AS took
FROM outgoing o WHERE o.seq > (SELECT coalesce(max(seq), 0) FROM outgoing) - 2000 AND o.created >= :since;

-- name: number_of (hot)
-- Whose message this is, in or out.
SELECT number, line FROM outgoing WHERE id = :id
UNION ALL SELECT number, line FROM events WHERE seq = :seq LIMIT 1;

-- name: text_reported
-- The text that a report is of, by our id or the provider's.
SELECT line, number, account, created FROM outgoing WHERE id = :id
UNION SELECT o.line, o.number, o.account, o.created FROM attempts a JOIN outgoing o ON o.id = a.outgoing
WHERE a.reference = :reference AND a.reference <> '';

-- name: takeovers
-- Who looks after whom, the longest first.
SELECT line, number, owner, at FROM takeovers ORDER BY at LIMIT :limit;

-- name: began_by
-- The things that may have begun the newest run of a conversation: what came in its second or before, newest first.
SELECT id, kind, text, data, at FROM events WHERE number = :number AND line = :line AND at <= :at
AND kind IN ('text', 'media', 'event') ORDER BY seq DESC LIMIT 50;

-- name: waits
-- What has not come to its end, by what it waits for: how many, and the oldest. Reports are missed of the last texts only.
SELECT phase AS what, count(*) AS n, min(created) AS at, id FROM (
  SELECT phase, created, id FROM outgoing WHERE phase IS NOT NULL LIMIT 100001) GROUP BY phase
UNION ALL SELECT 'report', count(*), min(created), id FROM (
  SELECT created, id FROM outgoing WHERE seq > (SELECT max(seq) FROM outgoing) - :most AND rank IN (2, 3) AND phase IS NULL)
UNION ALL SELECT what, count(*), min(at), 'e' || seq FROM (
  SELECT e.at, e.seq, CASE
    WHEN EXISTS (SELECT 1 FROM holds h WHERE h.scope = 'all' OR h.scope = 'line' AND h.name = e.line) THEN 'held'
    WHEN EXISTS (SELECT 1 FROM takeovers t WHERE t.line = e.line AND t.number = e.number) THEN 'person'
    ELSE 'bot' END AS what
  FROM events e WHERE e.state = 0 AND e.kind <> 'timer' LIMIT 100001) GROUP BY what
UNION ALL SELECT 'person', count(*), min(at), '' FROM handoffs h WHERE done IS NULL AND (until IS NULL OR until <= :now
  OR EXISTS (SELECT 1 FROM events e WHERE e.number = h.number AND e.at > h.put_off
    AND e.kind IN ('text', 'media', 'optout', 'optin')))
UNION ALL SELECT 'quarantine', count(*), min(at), '' FROM quarantine WHERE replayed IS NULL;

-- name: sent_lately
-- The last texts since a moment, many together: by part of that time, line, kind, operator and what became of them.
SELECT CAST((created - :since) / :width AS INTEGER) AS part, line, kind, operator, status, currency,
  count(*) AS n, sum(parts) AS parts, sum(price) AS price, min(created) AS first
FROM (
  SELECT o.created, o.line, coalesce(nullif(o.kind, ''), o.lane) AS kind, o.status, o.parts, o.price, o.currency,
    coalesce((SELECT r.operator FROM receipts r
      WHERE r.outgoing = o.id AND r.outgoing <> '' AND r.operator <> '' LIMIT 1), '') AS operator
  FROM outgoing o WHERE o.seq > (SELECT max(seq) FROM outgoing) - :most AND o.created >= :since)
GROUP BY 1, 2, 3, 4, 5, 6;

-- name: received_lately
-- How many texts came since a moment, by line, among the last events.
SELECT line, count(*) AS n, min(seq) <= (SELECT max(seq) FROM events) - :most + 1 AS cut FROM events
WHERE seq > (SELECT max(seq) FROM events) - :most AND at >= :since
AND kind IN ('text', 'media', 'optout', 'optin', 'reaction') GROUP BY line;

-- name: user
SELECT name, role, password FROM users WHERE name = :called;

-- name: users
SELECT u.name, u.role, u.at, u.password <> '' AS ready, u.link_until,
  (SELECT max(s.seen) FROM sessions s WHERE s.user = u.name) AS seen
FROM users u ORDER BY u.name;

-- name: invited
SELECT name, role FROM users WHERE link = :link AND link_until > :now;

-- name: session
SELECT u.name, u.role, s.began, s.turned, s.seen FROM sessions s JOIN users u ON u.name = s.user
WHERE s.hash = :hash AND s.until > :now;

-- name: audit
SELECT id, at, who, did, about, page FROM audit WHERE id < :before ORDER BY id DESC LIMIT :limit;

-- name: runs_by_step
-- How many runs of a time came by each step of each flow or conversation, and how many entered it (an empty step). A step
-- is called FLOW.STEP, a state of handlers by its name alone: it belongs to the handler that began.
WITH began AS (
  SELECT id, bot, (SELECT step FROM visits v WHERE v.run = r.id ORDER BY seq LIMIT 1) AS first
  FROM (SELECT id, bot FROM runs WHERE started >= :since ORDER BY started DESC LIMIT :limit) r),
came AS MATERIALIZED (
  SELECT DISTINCT b.bot, b.id, CASE instr(v.step, '.') WHEN 0 THEN b.first ELSE substr(v.step, 1, instr(v.step, '.') - 1) END AS flow,
    substr(v.step, instr(v.step, '.') + 1) AS step
  FROM began b JOIN visits v ON v.run = b.id WHERE v.step <> b.first)
SELECT bot, flow, step, count(*) AS n FROM came GROUP BY bot, flow, step
UNION ALL SELECT bot, flow, '', count(DISTINCT id) FROM came GROUP BY bot, flow;

-- name: runs_by_end
-- How they ended: by the flow that they were of, and the step where they were last.
SELECT bot, flow, CASE instr(last, '.') WHEN 0 THEN flow ELSE substr(last, 1, instr(last, '.') - 1) END AS last_flow,
  substr(last, instr(last, '.') + 1) AS step, end_label, count(*) AS n
FROM (
  SELECT bot, end_label, last, CASE WHEN dotted IS NULL THEN first ELSE substr(dotted, 1, instr(dotted, '.') - 1) END AS flow
  FROM (
    SELECT bot, end_label, (SELECT step FROM visits v WHERE v.run = r.id ORDER BY seq LIMIT 1) AS first,
      (SELECT step FROM visits v WHERE v.run = r.id AND instr(step, '.') > 0 ORDER BY seq LIMIT 1) AS dotted,
      (SELECT step FROM visits v WHERE v.run = r.id ORDER BY seq DESC LIMIT 1) AS last
    FROM (SELECT * FROM runs WHERE started >= :since ORDER BY started DESC LIMIT :limit) r WHERE ended IS NOT NULL)
  WHERE dotted IS NOT NULL OR last <> first)
GROUP BY bot, flow, last_flow, step, end_label;

-- name: runs_waiting
-- Where open conversations stand now, whenever they began; and since when the one does that stands longest.
SELECT bot, CASE instr(last, '.') WHEN 0 THEN first ELSE substr(last, 1, instr(last, '.') - 1) END AS flow,
  substr(last, instr(last, '.') + 1) AS step, count(*) AS n, min(at) AS at
FROM (
  SELECT r.bot, (SELECT step FROM visits v WHERE v.run = r.id ORDER BY seq LIMIT 1) AS first,
    (SELECT step FROM visits v WHERE v.run = r.id ORDER BY seq DESC LIMIT 1) AS last,
    (SELECT at FROM visits v WHERE v.run = r.id ORDER BY seq DESC LIMIT 1) AS at
  FROM (SELECT run FROM frames WHERE depth = 0 LIMIT :limit) f JOIN runs r ON r.id = f.run
  UNION ALL SELECT r.bot, (SELECT step FROM visits v WHERE v.run = r.id ORDER BY seq LIMIT 1),
    (SELECT step FROM visits v WHERE v.run = r.id ORDER BY seq DESC LIMIT 1),
    (SELECT at FROM visits v WHERE v.run = r.id ORDER BY seq DESC LIMIT 1)
  FROM (SELECT line, number, resting FROM conversations WHERE resting <> '' LIMIT :limit) c, json_each(c.resting) AS beside
  JOIN runs r ON r.line = c.line AND r.number = c.number AND lower(hex(r.id)) = json_extract(beside.value, '$.id'))
WHERE last IS NOT NULL GROUP BY bot, flow, step;

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
  WHERE r.bot = :bot)
WHERE step IN (:dotted, :state) ORDER BY at LIMIT :limit;

-- name: people_left
-- Whose run of a time ended where it was not finished, the last first.
SELECT * FROM (
  SELECT r.line, r.number, (SELECT step FROM visits v WHERE v.run = r.id ORDER BY seq DESC LIMIT 1) AS step,
    r.ended AS at, r.end_label
  FROM (SELECT * FROM runs WHERE started >= :since ORDER BY started DESC LIMIT :most) r
  WHERE r.bot = :bot AND r.ended IS NOT NULL AND r.end_label IN (SELECT value FROM json_each(:ends)))
WHERE step IN (:dotted, :state) ORDER BY at DESC LIMIT :limit;

-- name: opt_outs
-- Who gets nothing, the latest first, and what proves it.
SELECT s.number, s.at, c.text, c.source, c.line FROM suppressions s
LEFT JOIN consents c ON c.id = (SELECT max(id) FROM consents l WHERE l.number = s.number AND l.action = 'optout')
WHERE s.at <= :before ORDER BY s.at DESC, s.number LIMIT :limit;

-- name: opt_out_numbers
SELECT number FROM suppressions;

-- name: ledger
-- All that was ever said or decided about texts to a number, the latest first.
SELECT line, action, text, at, source, shown FROM consents WHERE number = :number ORDER BY id DESC;

-- name: opted_out
SELECT at FROM suppressions WHERE number = :number;

-- name: lines_of
-- The lines that a number ever had to do with.
SELECT line FROM events WHERE number = :number UNION SELECT line FROM outgoing WHERE number = :number
UNION SELECT line FROM handoffs WHERE number = :number;

-- name: person_events
-- What came with an event or a report may hold a code, so only what came with a text is told.
SELECT line, kind, text, CASE WHEN kind IN ('text', 'media') THEN data ELSE '' END AS data, at, note
FROM events WHERE number = :number ORDER BY seq;

-- name: person_texts
SELECT id, line, lane, CASE kind WHEN 'code' THEN '(a code, hidden)' ELSE text END AS text, parts, created, status, detail,
  requested_by, ref, price, currency FROM outgoing WHERE number = :number ORDER BY seq;

-- name: person_reports
SELECT r.outgoing AS id, r.status, r.raw, r.code, r.operator, r.detail, r.at FROM outgoing o
JOIN receipts r ON r.outgoing = o.id AND r.outgoing <> '' WHERE o.number = :number ORDER BY r.at;

-- name: person_fields
SELECT name, value FROM contacts WHERE number = :number ORDER BY name;

-- name: person_runs
SELECT line, bot, started_by, started, ended, end_label FROM runs WHERE line = :line AND number = :number ORDER BY started;

-- name: person_handoffs
SELECT line, desk, at, done, done_by FROM handoffs WHERE number = :number ORDER BY id;

-- name: spending_of
SELECT scope, name, spent, texts FROM spending WHERE day = :day ORDER BY scope, name;

-- name: spending_since
SELECT day, scope, name, spent, texts FROM spending WHERE day >= :since ORDER BY day DESC, scope, name;

-- name: held_texts
-- Texts that quiet hours or caps keep, by the reason.
SELECT detail, count(*) AS n, min(due) AS due FROM (
  SELECT detail, due FROM outgoing WHERE phase = 'queue' AND (detail LIKE 'quiet hours%' OR detail LIKE 'the cap%') LIMIT 200000)
GROUP BY detail ORDER BY n DESC LIMIT :most;

-- name: spent_by
-- What the last texts cost, by what requested them.
SELECT requested_by AS name, count(*) AS n, sum(cost) AS spent FROM outgoing
WHERE seq > (SELECT max(seq) FROM outgoing) - :most AND cost_day >= :since AND cost > 0
GROUP BY requested_by ORDER BY spent DESC LIMIT 20;

-- name: codes_by_outcome
SELECT sum(used IS NOT NULL) AS typed, sum(used IS NULL AND wrong >= most) AS void,
  sum(used IS NULL AND wrong < most AND expires <= :now) AS expired, sum(used IS NULL AND wrong < most AND expires > :now) AS open
FROM codes INDEXED BY codes_at WHERE at >= :since;

-- name: broadcast
SELECT * FROM broadcasts WHERE event = :event;

-- name: broadcast_named
SELECT * FROM broadcasts WHERE name = :called;

-- name: broadcasts
SELECT * FROM broadcasts ORDER BY at DESC, name LIMIT :limit;

-- name: of_broadcast
-- The texts of a broadcast, in its order.
SELECT * FROM outgoing WHERE event = :event AND requested_by >= 'broadcast ' AND requested_by < 'broadcast!' AND seq > :after
ORDER BY seq LIMIT :limit;

-- name: broadcast_counts
-- How its texts fare. Reasons that name a moment or a place are told apart by how they begin.
SELECT status, phase, CASE WHEN detail LIKE 'quiet hours%' THEN 'quiet hours' WHEN detail LIKE 'the cap%' THEN 'the cap'
    WHEN detail LIKE 'cancelled%' THEN 'cancelled' WHEN instr(detail, 'opted out') THEN 'opted out' ELSE '' END AS detail,
  count(*) AS n, sum(parts) AS parts FROM outgoing
WHERE event = :event AND requested_by >= 'broadcast ' AND requested_by < 'broadcast!' GROUP BY 1, 2, 3;

-- name: alerts
SELECT kind, about, due, tried FROM alerts;

-- name: alerts_due
SELECT kind, about, since, words, page, tries, told FROM alerts WHERE due <= :now ORDER BY kind, since;

-- name: people_to_tell
-- Who waits for a desk that wants to be told at once.
SELECT id, number, desk, at FROM handoffs WHERE done IS NULL AND alert = 1 ORDER BY at;

-- name: stalled
-- Texts that nothing keeps and that have not left, by account.
SELECT account, count(*) AS n, min(due) AS at FROM outgoing
WHERE phase = 'queue' AND phase IN ('queue', 'check') AND due <= :due AND lane <> 'bulk' GROUP BY account;

-- name: lines_unreported
-- Of the last texts of an hour, those that were taken long enough ago, by line: how many have a final report, or none.
SELECT line, sum(rank IN (2, 3)) AS missing, sum(rank > 3) AS told, min(created) AS at,
  EXISTS (SELECT 1 FROM outgoing r WHERE r.seq > (SELECT max(seq) FROM outgoing) - 2000 AND r.line = o.line AND r.rank > 3) AS ever
FROM outgoing o WHERE seq > (SELECT max(seq) FROM outgoing) - 2000 AND created >= :since AND created <= :until AND rank > 1
GROUP BY line;

-- name: newest_out_place (hot)
SELECT max(seq) AS seq FROM outgoing;

-- name: newest_in_place (hot)
SELECT max(seq) AS seq FROM events;

-- name: out_place_at (hot)
SELECT created AS at FROM outgoing WHERE seq <= :seq ORDER BY seq DESC LIMIT 1;

-- name: in_place_at (hot)
SELECT at FROM events WHERE seq <= :seq ORDER BY seq DESC LIMIT 1;

-- name: texts_out
-- Texts out of a share of all places, newest first; what is asked for as '' does not matter.
SELECT 'out' AS direction, id, seq, line, number, CASE kind WHEN 'code' THEN '(a code, hidden)' ELSE text END AS text,
  created AS at, status, detail, parts, reaction
FROM outgoing WHERE seq >= :after AND seq < :below AND number <> '' AND :status IN ('', status) AND :line IN ('', line)
AND :kind IN ('', CASE kind WHEN '' THEN lane ELSE kind END) ORDER BY seq DESC LIMIT :limit;

-- name: texts_in
SELECT 'in' AS direction, hex(id) AS id, seq, line, number, text, at, kind AS status, note AS detail, 1 AS parts,
  '' AS reaction
FROM events WHERE seq >= :after AND seq < :below AND :line IN ('', line) AND number <> ''
AND (:kind = '' AND kind IN ('text', 'media', 'optout', 'optin', 'reaction') OR kind = :kind)
AND (:status = '' OR :status = 'failed' AND state = 2 OR :status = 'waiting' AND state = 0) ORDER BY seq DESC LIMIT :limit;

-- name: newest_by_hand
-- The last text that somebody at the desk wrote to a number, among its newest.
SELECT requested_by, created FROM (SELECT * FROM outgoing WHERE number = :number ORDER BY seq DESC LIMIT 20)
WHERE lane = 'desk' LIMIT 1;

-- name: newest_ref
SELECT ref FROM (SELECT * FROM outgoing WHERE number = :number ORDER BY seq DESC LIMIT 200) WHERE ref <> '' LIMIT 1;

-- name: merging
SELECT CAST(value AS INTEGER) AS n FROM meta WHERE name = 'merge_words';

-- name: asked (hot)
SELECT body, at, status, answer FROM asked WHERE key = :key;

-- name: of_request
-- The texts of one request of a program, in its order.
SELECT * FROM outgoing WHERE event = :event AND requested_by >= 'token ' AND requested_by < 'token!' AND seq > :after
ORDER BY seq LIMIT :limit;

-- name: request_counts
-- How the texts of one request fare, in the words of programs; what is kept from leaving, or waits, is told apart.
SELECT CASE WHEN phase = 'queue' AND (detail LIKE 'quiet hours%' OR detail LIKE 'the cap%') THEN 'held'
    WHEN phase = 'queue' AND scheduled = 1 THEN 'scheduled' WHEN status <> 'blocked' THEN status WHEN detail LIKE 'cancelled by %' THEN 'cancelled'
    WHEN instr(detail, 'opted out') THEN 'opted_out' ELSE 'skipped' END AS word,
  phase, count(*) AS n, sum(parts) AS parts, max(due) AS due FROM outgoing
WHERE event = :event AND requested_by >= 'token ' AND requested_by < 'token!' GROUP BY 1, phase;

-- name: endpoints
SELECT e.*, (SELECT count(*) FROM (SELECT 1 FROM pushes p WHERE p.endpoint = e.id AND p.state = 0 LIMIT 10001)) AS owed
FROM endpoints e ORDER BY at;

-- name: happened
SELECT seq, type, line, number, what, status FROM happened ORDER BY seq LIMIT :limit;

-- name: pushes_due
-- What an endpoint may be told now: of each conversation, nothing before what came before it.
SELECT * FROM pushes p WHERE endpoint = :endpoint AND state = 0 AND due <= :now AND NOT EXISTS (
  SELECT 1 FROM pushes b WHERE b.endpoint = p.endpoint AND b.line = p.line AND b.number = p.number AND b.state = 0
  AND b.seq < p.seq)
ORDER BY due, seq LIMIT :limit;

-- name: pushes_of
-- What an endpoint was told, or is to be told, the latest first.
SELECT seq, id, type, line, number, at, state, tries, due, answer, ended FROM pushes
WHERE endpoint = :endpoint AND seq < :before ORDER BY seq DESC LIMIT :limit;

-- name: pushes_between
SELECT seq FROM pushes WHERE endpoint = :endpoint AND at >= :since AND at <= :until AND state <> 0
AND (:failed = 0 OR state = 2) ORDER BY seq;

-- name: push_body
SELECT body FROM pushes WHERE seq = :seq AND endpoint = :endpoint;

-- name: received (hot)
-- A text in, as it is told to programs.
SELECT hex(id) AS id, line, number, kind, text, data, at FROM events WHERE seq = :seq AND number <> '';

-- name: run_by_id (hot)
SELECT hex(id) AS id, line, number, bot, started_by, started, ended, end_label FROM runs WHERE id = :id AND number <> '';

-- name: consent_by_id (hot)
SELECT number, line, action, text, at, source FROM consents WHERE id = :id;

-- name: outside_of (hot)
SELECT endpoint, external FROM outside WHERE outgoing = :id;

-- name: outside_list
-- Texts of a time that a program of the vendor's shape sent, newest first; ids begin with the second of their making.
SELECT o.*, x.external, coalesce(
  (SELECT max(r.at) FROM receipts r WHERE r.outgoing = o.id AND r.outgoing <> ''),
  (SELECT max(a.ended) FROM attempts a WHERE a.outgoing = o.id)) AS moved
FROM outside x JOIN outgoing o ON o.id = x.outgoing
WHERE x.outgoing >= :since AND x.outgoing < :until AND o.requested_by = :by AND :number IN ('', o.number)
ORDER BY x.outgoing DESC LIMIT :limit;

-- name: outside_parts
SELECT sum(o.parts) AS parts FROM outside x JOIN outgoing o ON o.id = x.outgoing;

-- name: link_of (hot)
SELECT url, clicks FROM links WHERE code = :code;

-- name: runs_of
-- The last runs of a conversation, the latest first.
SELECT hex(id) AS id, bot, started_by, started, ended, end_label FROM runs WHERE line = :line AND number = :number
ORDER BY started DESC LIMIT :limit;

-- name: of_ids
SELECT * FROM outgoing WHERE id IN (SELECT value FROM json_each(:ids));

-- name: number_out
-- Texts to one number, newest first.
SELECT * FROM outgoing WHERE number = :number AND seq < :below ORDER BY seq DESC LIMIT :limit;

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

-- name: event_of
-- What became of an event of a person.
SELECT state, note FROM events WHERE number = :number AND id = :id ORDER BY seq DESC LIMIT 1;

-- name: all_asked
-- What is kept of requests that named a key.
SELECT key, at, status, answer FROM asked ORDER BY at;

-- name: codes_of
-- The codes of a person that programs check, since a moment, the latest first.
SELECT * FROM codes WHERE number = :number AND line = '' AND at >= :since ORDER BY at DESC, id DESC LIMIT 100;

-- name: codes_open
-- Whom a code was sent to that may still be typed.
SELECT id, number, line, expires, digits FROM codes INDEXED BY codes_at WHERE at >= :since AND expires > :now AND used IS NULL;

-- name: code_of_text (hot)
SELECT c.* FROM code_texts t JOIN codes c ON c.id = t.code WHERE t.outgoing = :id;

-- name: code_by_id (hot)
SELECT * FROM codes WHERE id = :id;
