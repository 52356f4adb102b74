-- Statements of readers, by name; parameters are named.
-- Where a condition says twice what once would do (a phase that is also one of two, a name that is not empty), the second
-- is that of an index of some rows: SQLite uses one only where its own words stand in the statement.

-- name: conversation (hot, own)

-- name: open_conversations
-- Those that a run is open in, behind a place of the list.
SELECT line, number FROM conversations WHERE run IS NOT NULL AND (line, number) > (:line, :number)
ORDER BY line, number LIMIT :limit;

-- name: open_count
SELECT count(*) AS n FROM conversations WHERE run IS NOT NULL;

-- name: contents_in_use (own)

-- name: last_run (hot)
SELECT id, bot, started_by, started, ended, end_label FROM runs WHERE line = :line AND number = :number
ORDER BY started DESC, ended IS NULL DESC, ended DESC, id DESC LIMIT 1;

-- name: visits_of_run (hot)
SELECT step, at FROM (SELECT seq, step, at FROM visits WHERE run = :run ORDER BY seq DESC LIMIT 100) AS t1 ORDER BY seq;

-- name: trouble
-- Why the newest event of a number failed.
SELECT note FROM (SELECT note, state, attempts FROM events WHERE number = :number ORDER BY seq DESC LIMIT 1) AS t1
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
-- Beside lanes of lines in which there is no room: `full` names them, a line, a tab and a lane between line ends.
SELECT min(due) AS due FROM (
  SELECT min(due) AS due FROM timers
  UNION ALL SELECT (SELECT min(o.due) FROM outgoing o WHERE o.phase = 'queue' AND o.line = p.line AND o.lane = p.lane)
    FROM queued_pairs p WHERE replace(:full, '
' || p.line || '	' || p.lane || '
', '') = :full
  UNION ALL SELECT min(due) FROM outgoing WHERE phase = 'check' AND phase IN ('queue', 'check')
) AS t1;

-- name: contents_since
-- Flows that a process has begun to serve since then.
SELECT hash, value FROM contents WHERE at > :since;

-- name: next_due
SELECT min(due) AS due FROM (
  SELECT min(due) AS due FROM timers
  UNION ALL SELECT min(due) FROM outgoing WHERE phase = 'queue' AND phase IN ('queue', 'check')
  UNION ALL SELECT min(due) FROM outgoing WHERE phase = 'check' AND phase IN ('queue', 'check')
) AS t1;

-- name: due_checks
-- Of accounts that are none of `full`, which stand there between line ends.
SELECT o.*, a.started FROM outgoing o JOIN attempts a ON a.outgoing = o.id AND a.n = o.attempts
WHERE o.phase = 'check' AND o.phase IN ('queue', 'check') AND o.due <= :now
AND replace(:full, '
' || o.account || '
', '') = :full
ORDER BY o.due LIMIT :limit;

-- name: hook_secrets
SELECT account, secret, at FROM hook_secrets ORDER BY account, id DESC;

-- name: hook_maps
SELECT account, kind, fields FROM hook_maps;

-- name: quarantined
SELECT id, account, kind, body, headers, reason, at FROM quarantine
WHERE replayed IS NULL AND (:account = '' OR account = :account) ORDER BY id LIMIT :limit;

-- name: feed (own)

-- name: thread (hot, own)

-- name: unknown_statuses
-- Words of reports that mean nothing to us, and how often each came.
SELECT account, raw, count(*) AS n, max(at) AS at FROM receipts WHERE status = '' GROUP BY account, raw
ORDER BY n DESC LIMIT 20;

-- name: numbers_like (own)

-- name: with_words (own)

-- name: unsearched
-- How many rows nobody can search through yet, of the kind that has more of them.
SELECT max(n) AS n FROM (
  SELECT coalesce((SELECT max(seq) FROM events), 0) - events AS n FROM searched
  UNION ALL SELECT coalesce((SELECT max(seq) FROM outgoing), 0) - texts FROM searched) AS behind;

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
SELECT coalesce(sum(CASE WHEN EXISTS (
  SELECT 1 FROM attempts a WHERE a.outgoing = o.id AND a.outcome IN ('accepted', 'unknown') AND a.ended < :before) THEN 1 ELSE 0 END), 0) AS "left",
  coalesce(sum(CASE WHEN o.phase IS NOT NULL OR EXISTS (
  SELECT 1 FROM attempts a WHERE a.outgoing = o.id AND a.outcome IN ('accepted', 'unknown') AND a.ended >= :before) THEN 1 ELSE 0 END), 0) AS going
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
  (SELECT count(*) FROM (SELECT 1 FROM outgoing WHERE phase = 'queue' AND phase IN ('queue', 'check') LIMIT 1001) AS t1) AS waiting,
  (SELECT count(*) FROM (SELECT 1 FROM outgoing WHERE phase IS NOT NULL AND phase = 'held' LIMIT 1001) AS t2) AS held,
  (SELECT count(*) FROM (SELECT 1 FROM events WHERE state = 0 LIMIT 1001) AS t3) AS unread,
  (SELECT count(*) FROM (SELECT 1 FROM events WHERE state = 2 LIMIT 1001) AS t4) AS dead,
  (SELECT count(*) FROM (SELECT 1 FROM outgoing WHERE phase IS NULL AND status = 'unknown'
    AND detail NOT LIKE '%sent again as %' LIMIT 1001) AS t5) AS unknown,
  (SELECT count(*) FROM (SELECT 1 FROM quarantine WHERE replayed IS NULL LIMIT 1001) AS t6) AS quarantined,
  (SELECT count(*) FROM (SELECT 1 FROM suppressions LIMIT 1001) AS t7) AS opted_out;

-- name: failed
-- Texts that were not delivered and not sent again, oldest first.
SELECT o.* FROM outgoing o WHERE o.phase IS NULL AND o.number <> '' AND o.created >= :since AND (:line = '' OR o.line = :line)
AND replace(',' || :statuses || ',', ',' || o.status || ',', '') <> ',' || :statuses || ',' AND o.lane <> 'consent' AND o.kind <> 'code'
AND (:reason = '' OR replace(lower(o.detail), lower(:reason), '') <> lower(o.detail)) AND o.detail NOT LIKE '%sent again as %'
AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.number = o.number)
ORDER BY o.seq LIMIT 100000;

-- name: failures
-- Texts that did not arrive since a moment and were not sent again, newest first.
SELECT o.*, EXISTS (SELECT 1 FROM suppressions s WHERE s.number = o.number) AS opted_out FROM outgoing o
WHERE o.status IN ('failed', 'expired', 'undelivered') AND o.created >= :since AND o.phase IS NULL AND o.number <> ''
AND (:line = '' OR o.line = :line) AND o.detail NOT LIKE '%sent again as %' ORDER BY o.created DESC LIMIT :limit;

-- name: unsure
-- Texts of which nobody can know whether they left, since a moment and not sent again, newest first.
SELECT o.*, EXISTS (SELECT 1 FROM suppressions s WHERE s.number = o.number) AS opted_out FROM outgoing o
WHERE o.status = 'unknown' AND o.created >= :since AND o.phase IS NULL AND o.number <> ''
AND (:line = '' OR o.line = :line) AND o.detail NOT LIKE '%sent again as %' ORDER BY o.seq DESC LIMIT :limit;

-- name: looked_up
SELECT count(*) AS n FROM outgoing WHERE phase = 'check' AND phase IN ('queue', 'check');

-- name: dead
SELECT seq, id, line, number, kind, text, data, account, gateway_id, at, note AS detail, 'dead' AS status FROM events
WHERE state = 2 AND at >= :since AND (:line = '' OR line = :line)
AND (:reason = '' OR replace(lower(note), lower(:reason), '') <> lower(note)) ORDER BY seq LIMIT 100000;

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
) AS t1 GROUP BY what, line, name HAVING sum(n) <> 0;

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

-- name: event (own)

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
  AND account = :account AND created >= :since AND created < :before AND rank IN (2, 3) ORDER BY seq LIMIT 1) AS t1;

-- name: began
-- When this database was first opened, or at least the first time that this was kept.
SELECT value FROM meta WHERE name = 'began';

-- name: sandbox_phones
SELECT number, mode FROM sandbox_phones;

-- name: sandbox_clock
SELECT shift FROM sandbox_clock;

-- name: sandbox_thread
SELECT * FROM (SELECT * FROM sandbox_texts WHERE phone = :phone ORDER BY seq DESC LIMIT :limit) AS t1 ORDER BY seq;

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

-- name: pulse (own)

-- name: quick_check (own)

-- name: consents (hot)
SELECT action, text, line, at, source, shown FROM consents WHERE number = :number ORDER BY id;

-- name: unanswered (hot)
-- The newest thing of a number that no turn has ended for; what waits for its turn stands before what failed.
SELECT kind, line, at, state, retry_at, note FROM (
  SELECT * FROM events WHERE state = 0 AND number = :number AND kind IN ('text', 'media', 'event', 'timer')
  UNION ALL SELECT * FROM events WHERE state = 2 AND number = :number
) AS t1 ORDER BY seq DESC LIMIT 1;

-- name: newest_out (hot)
-- The last texts to a number, whole.
SELECT * FROM outgoing WHERE number = :number ORDER BY seq DESC LIMIT :limit;

-- name: of_ref (hot)
-- The texts that somebody calls by a name, newest first.
SELECT * FROM outgoing WHERE ref = :ref AND ref <> '' ORDER BY seq DESC LIMIT :limit;

-- name: waiting_ref (own)

-- name: report_times
-- How long reports of an account took lately, in seconds.
SELECT r.at - a.ended AS took FROM (
  SELECT id, attempts FROM outgoing WHERE seq > (SELECT max(seq) FROM outgoing) - 1000
  AND account = :account AND status = 'delivered' ORDER BY seq DESC LIMIT 200) o
JOIN attempts a ON a.outgoing = o.id AND a.n = o.attempts AND a.outcome = 'accepted'
JOIN receipts r ON r.outgoing = o.id AND r.outgoing <> '' AND r.status = 'delivered';

-- name: wrote (hot)
SELECT 1 FROM events WHERE number = :number AND kind IN ('text', 'media', 'optout', 'optin') LIMIT 1;

-- name: quarantined_with (own)

-- name: first_seen (hot)
-- When a number first texted, or was first texted.
SELECT min(at) AS at FROM (
  SELECT at FROM (SELECT at FROM events WHERE number = :number ORDER BY seq LIMIT 1) AS t1
  UNION ALL SELECT created FROM (SELECT created FROM outgoing WHERE number = :number ORDER BY seq LIMIT 1) AS t2
) AS t3 HAVING min(at) IS NOT NULL;

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

-- name: waits (own)

-- name: sent_lately (own)

-- name: received_lately
-- How many texts came since a moment, by line, among the last events.
SELECT line, count(*) AS n, min(seq) <= (SELECT max(seq) FROM events) - :most + 1 AS cut FROM events
WHERE seq > (SELECT max(seq) FROM events) - :most AND at >= :since
AND kind IN ('text', 'media', 'optout', 'optin', 'reaction') GROUP BY line;

-- name: user
SELECT name, role, password FROM users WHERE lower(name) = lower(:called);

-- name: users
SELECT u.name, u.role, u.at, u.password <> '' AS ready, u.link_until,
  (SELECT max(s.seen) FROM sessions s WHERE s.user = u.name) AS seen
FROM users u ORDER BY lower(u.name);

-- name: invited
SELECT name, role FROM users WHERE link = :link AND link_until > :now;

-- name: session
SELECT u.name, u.role, s.began, s.turned, s.seen FROM sessions s JOIN users u ON u.name = s.user
WHERE s.hash = :hash AND s.until > :now;

-- name: audit
SELECT id, at, who, did, about, page FROM audit WHERE id < :before ORDER BY id DESC LIMIT :limit;

-- name: runs_by_path (own)

-- name: runs_waiting (own)

-- name: people_waiting (own)

-- name: people_left (own)

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
  SELECT detail, due FROM outgoing WHERE phase = 'queue' AND (detail LIKE 'quiet hours%' OR detail LIKE 'the cap%') LIMIT 200000) AS t1
GROUP BY detail ORDER BY n DESC LIMIT :most;

-- name: spent_by
-- What the last texts cost, by what requested them.
SELECT requested_by AS name, count(*) AS n, sum(cost) AS spent FROM outgoing
WHERE seq > (SELECT max(seq) FROM outgoing) - :most AND cost_day >= :since AND cost > 0
GROUP BY requested_by ORDER BY spent DESC LIMIT 20;

-- name: codes_by_outcome
SELECT sum(CASE WHEN used IS NOT NULL THEN 1 ELSE 0 END) AS typed, sum(CASE WHEN used IS NULL AND wrong >= most THEN 1 ELSE 0 END) AS void,
  sum(CASE WHEN used IS NULL AND wrong < most AND expires <= :now THEN 1 ELSE 0 END) AS expired,
  sum(CASE WHEN used IS NULL AND wrong < most AND expires > :now THEN 1 ELSE 0 END) AS open
FROM codes WHERE at >= :since;

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
    WHEN detail LIKE 'cancelled%' THEN 'cancelled' WHEN detail LIKE '%opted out%' THEN 'opted out' ELSE '' END AS detail,
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
SELECT line, sum(CASE WHEN rank IN (2, 3) THEN 1 ELSE 0 END) AS missing, sum(CASE WHEN rank > 3 THEN 1 ELSE 0 END) AS told, min(created) AS at,
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

-- name: texts_in (own)

-- name: newest_by_hand
-- The last text that somebody at the desk wrote to a number, among its newest.
SELECT requested_by, created FROM (SELECT * FROM outgoing WHERE number = :number ORDER BY seq DESC LIMIT 20) AS t1
WHERE lane = 'desk' LIMIT 1;

-- name: newest_ref
SELECT ref FROM (SELECT * FROM outgoing WHERE number = :number ORDER BY seq DESC LIMIT 200) AS t1 WHERE ref <> '' LIMIT 1;

-- name: merging
SELECT value FROM meta WHERE name = 'merge_words';

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
    WHEN detail LIKE '%opted out%' THEN 'opted_out' ELSE 'skipped' END AS word,
  phase, count(*) AS n, sum(parts) AS parts, max(due) AS due FROM outgoing
WHERE event = :event AND requested_by >= 'token ' AND requested_by < 'token!' GROUP BY 1, phase;

-- name: endpoints
SELECT e.*, (SELECT count(*) FROM (SELECT 1 FROM pushes p WHERE p.endpoint = e.id AND p.state = 0 LIMIT 10001) AS t1) AS owed
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

-- name: received (hot, own)

-- name: run_by_id (hot, own)

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

-- name: runs_of (own)

-- name: of_ids (own)

-- name: number_out
-- Texts to one number, newest first.
SELECT * FROM outgoing WHERE number = :number AND seq < :below ORDER BY seq DESC LIMIT :limit;

-- name: number_in (own)

-- name: rows_out (own)

-- name: rows_in (own)

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
SELECT id, number, line, expires, digits FROM codes WHERE at >= :since AND +expires > :now AND used IS NULL;

-- name: codes_open_of (hot)
-- The codes of a person that may still be typed.
SELECT id, number, line, expires, digits FROM codes WHERE number = :number AND expires > :now AND used IS NULL;

-- name: code_of_text (hot)
SELECT c.* FROM code_texts t JOIN codes c ON c.id = t.code WHERE t.outgoing = :id;

-- name: code_by_id (hot)
SELECT * FROM codes WHERE id = :id;
