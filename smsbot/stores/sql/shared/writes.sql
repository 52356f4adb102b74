-- Statements of the writer, by name; a batch runs them in this order.

-- name: seen
INSERT INTO seen (key, at) VALUES (?, ?);

-- name: seen_weak
INSERT INTO seen (key, at) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET at = excluded.at;

-- name: fire
DELETE FROM timers WHERE line = ? AND number = ? AND name = ? AND due = ?;

-- name: event
INSERT INTO events (seq, id, line, number, kind, text, data, account, gateway_id, at, state, note)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: consume
UPDATE events SET state = 1, note = ?, retry_at = NULL WHERE seq = ?;

-- name: attend (postgres)

-- name: unattend (postgres)

-- name: postpone
UPDATE events SET attempts = attempts + 1, state = ?, retry_at = ?, note = ? WHERE seq = ?;

-- name: revive
UPDATE events SET state = 0, attempts = 0, retry_at = ? WHERE seq = ? AND state = 2;

-- name: sent_again
UPDATE outgoing SET detail = CASE WHEN detail = '' THEN ?1 ELSE detail || '; ' || ?1 END WHERE id = ?2;

-- name: conversation
INSERT INTO conversations (line, number, version, run, fallback_at, late, answered, wrote_first, resting)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (line, number) DO UPDATE
SET version = excluded.version, run = excluded.run, fallback_at = excluded.fallback_at, late = excluded.late,
    answered = excluded.answered, wrote_first = excluded.wrote_first, resting = excluded.resting;

-- name: run
INSERT INTO runs (id, line, number, bot, started_by, started, ended, end_label, content)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET ended = excluded.ended, end_label = excluded.end_label;

-- name: frame
INSERT INTO frames (run, depth, kind, name, state, data, prompt, deadline, then_, rest)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, depth) DO UPDATE SET kind = excluded.kind,
  name = excluded.name, state = excluded.state, data = excluded.data, prompt = excluded.prompt,
  deadline = excluded.deadline, then_ = excluded.then_, rest = excluded.rest;

-- name: unframe
DELETE FROM frames WHERE run = ? AND depth >= ?;

-- name: content
UPDATE runs SET content = ?1 WHERE id = ?2 AND content <> ?1;

-- name: keep_content
INSERT INTO contents (hash, value, at) VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE SET at = excluded.at;

-- name: unjournal_after
DELETE FROM journal WHERE run = ? AND frame = ? AND seq > ?;

-- name: journal
INSERT INTO journal (run, frame, seq, kind, value, codec) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- name: unjournal
DELETE FROM journal WHERE run = ? AND frame = ?;

-- name: unjournal_run
DELETE FROM journal WHERE run = ?;

-- name: visit
INSERT INTO visits (run, seq, step, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- name: handoff
INSERT INTO handoffs (line, number, desk, at, alert) VALUES (?, ?, ?, ?, ?);

-- name: handoff_done
UPDATE handoffs SET done = ?, done_by = ? WHERE id = ? AND done IS NULL;

-- name: handoff_later
UPDATE handoffs SET put_off = ?, until = ? WHERE id = ? AND done IS NULL;

-- name: note
INSERT INTO notes (number, by, at, text) VALUES (?, ?, ?, ?);

-- name: hold
INSERT INTO holds (scope, name, at, why) VALUES ('contact', ?, ?, ?) ON CONFLICT (scope, name) DO NOTHING;

-- name: hold_pace
-- A machine texts: what comes from there is not answered until the desk has looked, or an hour was silent.
INSERT INTO holds (scope, name, at, why) VALUES ('pace', ?, ?, ?) ON CONFLICT (scope, name) DO UPDATE SET at = excluded.at;

-- name: unhold_pace
DELETE FROM holds WHERE scope = 'pace' AND name = ?;

-- name: unhold
-- The desk has looked after a person: what held them holds no more, unless they still wait elsewhere.
DELETE FROM holds WHERE scope = 'contact' AND name = (SELECT number FROM handoffs WHERE id = ?1)
OR scope = 'pace' AND name = (SELECT line || ' ' || number FROM handoffs WHERE id = ?1);

-- name: reacted
-- A phone may cut the text that it quotes, so its beginning is enough.
UPDATE outgoing SET reaction = ?4 WHERE seq = (
  SELECT max(seq) FROM outgoing WHERE line = ?1 AND number = ?2 AND ?3 <> ''
  AND (text = ?3 OR substr(text, 1, length(?3)) = ?3));

-- name: take_over
INSERT INTO takeovers (line, number, owner, at) VALUES (?, ?, ?, ?);

-- name: handoffs_taken
UPDATE handoffs SET done = ?, done_by = ? WHERE line = ? AND number = ? AND done IS NULL;

-- name: stop_timers
-- They wait until the bot has the conversation again; parts of a long text are still joined.
UPDATE timers SET due = due + ?1 WHERE line = ?2 AND number = ?3 AND due < ?1 AND NOT (name >= 'parts' AND name < 'parts;');

-- name: give_back
DELETE FROM takeovers WHERE line = ? AND number = ?;

-- name: timers_again
UPDATE timers SET due = CASE WHEN due - ?1 > ?2 THEN due - ?1 ELSE ?2 END
WHERE line = ?3 AND number = ?4 AND due >= ?1 AND due < 10 * ?1;

-- name: unhold_contact
DELETE FROM holds WHERE scope = 'contact' AND name = ?;

-- name: cancel
DELETE FROM timers WHERE line = ? AND number = ? AND name = ?;

-- name: timer
INSERT INTO timers (line, number, name, due, data) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (line, number, name) DO UPDATE SET due = excluded.due, data = excluded.data;

-- name: start
-- Something that the bot begins later.
INSERT INTO timers (line, number, name, due, data) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- name: start_seen
INSERT INTO seen (key, at) VALUES (?, ?) ON CONFLICT DO NOTHING;

-- name: release
-- A run has ended: what waited until then is due now.
UPDATE timers SET due = ?3 WHERE line = ?1 AND number = ?2 AND name > 'start:' AND name < 'start;' AND due >= 8e15;

-- name: token
INSERT INTO tokens (name, hash, at, scopes, expires) VALUES (?, ?, ?, ?, ?);

-- name: token_used
UPDATE tokens SET used = ? WHERE name = ?;

-- name: token_revoked
DELETE FROM tokens WHERE name = ?;

-- name: contact
INSERT INTO contacts (number, name, value) VALUES (?, ?, ?) ON CONFLICT (number, name) DO UPDATE SET value = excluded.value;

-- name: forget
DELETE FROM contacts WHERE number = ? AND name = ?;

-- name: outgoing
INSERT INTO outgoing (id, line, number, account, event, lane, text, parts, created, due, expires,
                      status, rank, phase, scheduled, attempts, detail, flash, media, requested_by, ref, kind)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: text
-- Where a text stands.
UPDATE outgoing SET status = ?, rank = ?, phase = ?, due = ?, scheduled = ?, attempts = ?, detail = ?, resends = ?,
  absences = ?, passed = ? WHERE id = ?;

-- name: cost
UPDATE outgoing SET cost = ?, cost_day = ? WHERE id = ?;

-- name: spent
INSERT INTO spending (day, scope, name, spent, texts) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (day, scope, name) DO UPDATE SET spent = spending.spent + excluded.spent,
  texts = spending.texts + excluded.texts;

-- name: segments
UPDATE outgoing SET parts = ? WHERE id = ?;

-- name: attempt
INSERT INTO attempts (outgoing, n, started) VALUES (?, ?, ?);

-- name: attempt_ended
UPDATE attempts SET ended = ?, outcome = ?, reference = ?, detail = ? WHERE outgoing = ? AND n = ?;

-- name: attempt_found
UPDATE attempts SET reference = ? WHERE outgoing = ? AND n = ?;

-- name: receipt
INSERT INTO receipts (account, reference, raw, status, outgoing, at, detail, code, operator, part, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: report_found
-- Reports that came before their text was known are its own from now on.
UPDATE receipts SET outgoing = ?1, part = CASE WHEN part = '' THEN ?2 ELSE part END
WHERE account = ?3 AND reference = ?4 AND outgoing = '';

-- name: price
-- The last word counts; a report of one SMS of a text tells the price of that alone.
UPDATE outgoing SET price = ?, currency = ? WHERE id = ?;

-- name: part_reference
INSERT INTO part_references (reference, outgoing) VALUES (?, ?) ON CONFLICT DO NOTHING;

-- name: broadcast
INSERT INTO broadcasts (event, name, line, total, at, by) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- name: broadcast_written
UPDATE broadcasts SET written = CASE WHEN written > ?1 THEN written ELSE ?1 END WHERE event = ?2;

-- name: broadcast_paused
UPDATE broadcasts SET paused = ? WHERE event = ?;

-- name: broadcast_stopped
UPDATE broadcasts SET stopped = coalesce(stopped, ?), paused = NULL WHERE event = ?;

-- name: park_aside (own)

-- name: pause
INSERT INTO holds (scope, name, at, why) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (scope, name) DO UPDATE SET why = CASE WHEN excluded.why = '' THEN holds.why ELSE excluded.why END;

-- name: resume
DELETE FROM holds WHERE scope = ? AND name = ?;

-- name: park_all
UPDATE outgoing SET phase = 'held' WHERE phase = 'queue' AND lane <> 'consent'
AND (?1 = 'all' OR ?1 = 'line' AND line = ?2 OR ?1 = 'account' AND account = ?2);

-- name: unpark (own)

-- name: suppress
-- The last word counts: an older opt-in that comes late must not undo it.
INSERT INTO suppressions (number, at, said) VALUES (?, ?, ?) ON CONFLICT (number) DO UPDATE SET
  at = CASE WHEN excluded.at > suppressions.at THEN excluded.at ELSE suppressions.at END,
  said = CASE WHEN suppressions.said IS NULL OR excluded.said > suppressions.said THEN excluded.said ELSE suppressions.said END;

-- name: unsuppress
DELETE FROM suppressions WHERE number = ?;

-- name: consent
INSERT INTO consents (number, line, action, text, at, source, shown) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: quarantine
-- The same body within a minute is the same webhook; later it is another (people answer "1" twice).
INSERT INTO quarantine (account, kind, key, body, headers, reason, at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
WHERE NOT EXISTS (SELECT 1 FROM quarantine WHERE key = ?3 AND abs(at - ?7) < 60 AND replayed IS NULL);

-- name: replayed
UPDATE quarantine SET replayed = ? WHERE id = ?;

-- name: hook_secret
INSERT INTO hook_secrets (account, secret, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: retire_secret
DELETE FROM hook_secrets WHERE account = ? AND secret = ?;

-- name: hook_map (own)

-- name: attempt_closed
UPDATE attempts SET ended = ?, outcome = 'not sent', detail = ? WHERE outgoing = ? AND outcome IS NULL;

-- name: crashed_attempts
UPDATE attempts SET ended = ?, outcome = 'unknown', detail = 'the process ended while sending'
WHERE outcome IS NULL AND outgoing IN (SELECT id FROM outgoing WHERE phase = 'attempt');

-- name: crashed_texts
UPDATE outgoing SET phase = CASE WHEN rank < 2 THEN 'check' END, due = ?1, status = CASE WHEN rank < 1 THEN 'unknown' ELSE status END,
  rank = CASE WHEN rank < 1 THEN 1 ELSE rank END, detail = 'the process ended while sending'
WHERE phase = 'attempt';

-- name: orphaned_texts
-- The first of those that waited behind a text that is no longer under way; nothing waits for what is less urgent.
UPDATE outgoing AS o SET phase = 'queue', due = ?1 WHERE phase = 'behind'
AND NOT EXISTS (SELECT 1 FROM outgoing AS b WHERE b.line = o.line AND b.number = o.number AND b.phase IS NOT NULL
  AND (b.phase = 'behind' AND b.seq < o.seq OR b.phase = 'attempt' OR b.phase = 'check' AND b.passed = 0
    OR b.phase IN ('queue', 'held') AND b.scheduled = 0)
  AND CASE b.lane WHEN 'priority' THEN 0 WHEN 'notice' THEN 2 WHEN 'bulk' THEN 3 ELSE 1 END
    <= CASE o.lane WHEN 'priority' THEN 0 WHEN 'notice' THEN 2 WHEN 'bulk' THEN 3 ELSE 1 END);

-- name: meta
INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING;

-- name: tally_events (own)

-- name: tally_texts (own)

-- name: tallied
UPDATE tallied SET events = (SELECT coalesce(max(seq), 0) FROM events),
  texts = (SELECT coalesce(max(seq), 0) FROM outgoing);

-- name: search_in (own)

-- name: search_out (own)

-- name: search_numbers
INSERT INTO numbers SELECT reverse(number), number FROM (
  SELECT number FROM events WHERE seq > (SELECT events FROM searched) AND seq <= (SELECT events FROM searched) + ?1
  UNION SELECT number FROM outgoing WHERE seq > (SELECT texts FROM searched) AND seq <= (SELECT texts FROM searched) + ?1) AS t1
WHERE number IS NOT NULL ON CONFLICT DO NOTHING;

-- name: searched
UPDATE searched SET events = (SELECT min(n) FROM (SELECT events + ?1 AS n UNION ALL SELECT coalesce(max(seq), 0) FROM events) AS least),
  texts = (SELECT min(n) FROM (SELECT texts + ?1 AS n UNION ALL SELECT coalesce(max(seq), 0) FROM outgoing) AS least);

-- Statements that erase a person. Rows stay where others are counted or named by them, and nothing in them says whose they
-- were; the ledger of consents stays whole, since it proves why somebody gets nothing.

-- name: erase_words_in (own)

-- name: erase_words_out (own)

-- name: erase_number
DELETE FROM numbers WHERE reversed = reverse(?1);

-- name: erase_reports
UPDATE receipts SET body = '', detail = '', reference = 'erased ' || outgoing
WHERE outgoing <> '' AND outgoing IN (SELECT id FROM outgoing WHERE number = ?1);

-- name: erase_attempts
UPDATE attempts SET reference = '', detail = '' WHERE outgoing IN (SELECT id FROM outgoing WHERE number = ?1);

-- name: erase_texts
UPDATE outgoing SET number = '', text = '', detail = '', ref = '', media = '', phase = NULL WHERE number = ?1;

-- name: erase_events
UPDATE events SET number = '', text = '', data = '', note = '', gateway_id = '', state = 1 WHERE number = ?1;

-- name: erase_fields
DELETE FROM contacts WHERE number = ?1;

-- name: erase_notes
DELETE FROM notes WHERE number = ?1;

-- name: erase_handoffs
-- Its place is not given to somebody else.
UPDATE handoffs SET number = '', done = coalesce(done, at), done_by = '' WHERE number = ?1;

-- name: merge_words
-- How often what is searched by is still to be merged, a share at a time: only then the words that were taken out are gone.
INSERT INTO meta (name, value) VALUES ('merge_words', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: merge_words_in (own)

-- name: merge_words_out (own)

-- name: erase_hold
DELETE FROM holds WHERE scope = 'contact' AND name = ?1;

-- name: erase_journal
DELETE FROM journal WHERE run IN (SELECT id FROM runs WHERE line = ?1 AND number = ?2);

-- name: erase_frames
DELETE FROM frames WHERE run IN (SELECT id FROM runs WHERE line = ?1 AND number = ?2);

-- name: erase_runs
UPDATE runs SET number = '', ended = coalesce(ended, started), end_label = CASE WHEN ended IS NULL THEN 'erased' ELSE end_label END
WHERE line = ?1 AND number = ?2;

-- name: erase_timers
DELETE FROM timers WHERE line = ?1 AND number = ?2;

-- name: erase_takeover
DELETE FROM takeovers WHERE line = ?1 AND number = ?2;

-- name: erase_conversation
DELETE FROM conversations WHERE line = ?1 AND number = ?2;

-- name: alert
INSERT INTO alerts (kind, about, since, words, page, due) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- name: alert_told
UPDATE alerts SET due = NULL WHERE kind = ? AND about = ?;

-- name: alert_again
-- Some channels were told, others are tried again.
UPDATE alerts SET due = ?1, tries = tries + 1, told = ?2, tried = coalesce(tried, ?3) WHERE kind = ?4 AND about = ?5;

-- name: alert_over
DELETE FROM alerts WHERE kind = ? AND about = ?;

-- Statements of the sandbox.

-- name: sandbox_phone
INSERT INTO sandbox_phones (number, mode) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET mode = excluded.mode;

-- name: sandbox_text
INSERT INTO sandbox_texts (id, direction, line, phone, text, parts, at, status, external_id, account, webhook, expires,
                           media)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: sandbox_status
UPDATE sandbox_texts SET status = ?2 WHERE id = ?1;

-- name: sandbox_job
INSERT INTO sandbox_jobs (due, kind, text, value) VALUES (?, ?, ?, ?);

-- name: sandbox_job_done
DELETE FROM sandbox_jobs WHERE id = ?;

-- name: sandbox_job_again
UPDATE sandbox_jobs SET due = ?2, tries = tries + 1 WHERE id = ?1;

-- name: sandbox_jobs_of
UPDATE sandbox_jobs SET due = ?2 WHERE text = ?1 AND kind = ?3;

-- name: sandbox_jobs_drop
DELETE FROM sandbox_jobs WHERE text = ? AND kind = ?;

-- name: sandbox_clock
INSERT INTO sandbox_clock (id, shift) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET
  shift = CASE WHEN excluded.shift > sandbox_clock.shift THEN excluded.shift ELSE sandbox_clock.shift END;

-- name: user
INSERT INTO users (name, role, at, link, link_until) VALUES (?, ?, ?, ?, ?);

-- name: user_link
UPDATE users SET link = ?, link_until = ? WHERE lower(name) = lower(?);

-- name: user_role
UPDATE users SET role = ? WHERE lower(name) = lower(?);

-- name: user_password
-- Of two who follow one link, the first sets the password.
UPDATE users SET password = ?, link = NULL, link_until = NULL WHERE link = ?;

-- name: user_gone
DELETE FROM users WHERE lower(name) = lower(?);

-- name: session
INSERT INTO sessions (hash, "user", began, turned, seen, until, family) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: session_seen
-- One that was ended meanwhile stays ended.
UPDATE sessions SET seen = ?1, until = ?2 WHERE hash = ?3 AND until > ?1;

-- name: session_turns
-- Another key for a session; of several requests at one moment, the first makes it.
INSERT INTO sessions (hash, "user", began, turned, seen, until, family)
SELECT ?1, "user", began, ?2, ?2, ?3, family FROM sessions WHERE hash = ?4 AND until > ?2 AND turned = ?5;

-- name: session_turned
UPDATE sessions SET turned = ?1, seen = ?1, until = CASE WHEN until < ?2 THEN until ELSE ?2 END WHERE hash = ?3 AND turned < ?1;

-- name: session_over
DELETE FROM sessions WHERE family = (SELECT family FROM sessions WHERE hash = ?);

-- name: sessions_of_gone
DELETE FROM sessions WHERE lower("user") = lower(?);

-- name: sessions_over
DELETE FROM sessions WHERE until <= ?;

-- name: audit
INSERT INTO audit (at, who, did, about, page) VALUES (?, ?, ?, ?, ?);

-- name: asked_over
DELETE FROM asked WHERE at < ?;

-- name: asked
INSERT INTO asked (key, body, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: answered
UPDATE asked SET status = ?, answer = ? WHERE key = ?;

-- name: unasked
DELETE FROM asked WHERE key = ? AND status IS NULL;

-- name: outside
INSERT INTO outside (outgoing, endpoint, external) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: endpoint
INSERT INTO endpoints (id, url, secret, types, at, by, shape) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- name: endpoint_changed
UPDATE endpoints SET url = ?, types = ? WHERE id = ?;

-- name: endpoint_secret
UPDATE endpoints SET secret = ? WHERE id = ?;

-- name: endpoint_gone
DELETE FROM endpoints WHERE id = ?;

-- name: happened_to_nobody
DELETE FROM happened WHERE NOT EXISTS (SELECT 1 FROM endpoints);

-- name: pushes_gone
DELETE FROM pushes WHERE endpoint = ?;

-- name: endpoint_took
UPDATE endpoints SET failing = NULL, tries = 0, due = 0 WHERE id = ? AND failing IS NOT NULL;

-- name: endpoint_failed
-- Things that fail at one moment are one failure; the answer of an address that it has no more means nothing.
UPDATE endpoints SET failing = coalesce(failing, ?1), tries = ?2, due = ?3 WHERE id = ?4 AND url = ?5;

-- name: endpoint_hopeless
UPDATE endpoints SET paused = ?1, why = ?2 WHERE id = ?3 AND url = ?4;

-- name: endpoint_paused
UPDATE endpoints SET paused = ?, why = ? WHERE id = ?;

-- name: endpoint_resumed
UPDATE endpoints SET paused = NULL, why = '', failing = NULL, tries = 0, due = 0 WHERE id = ?;

-- name: push
-- Not for an endpoint that was removed, or somebody who was erased meanwhile.
INSERT INTO pushes (id, endpoint, type, line, number, body, at, due) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
WHERE EXISTS (SELECT 1 FROM endpoints WHERE id = ?2) AND (CAST(?9 AS BIGINT) IS NULL OR EXISTS (SELECT 1 FROM happened WHERE seq = ?9));

-- name: taken_up
DELETE FROM happened WHERE seq = ?;

-- name: push_took
UPDATE pushes SET state = 1, tries = tries + 1, answer = ?, ended = ? WHERE seq = ?;

-- name: push_later
UPDATE pushes SET tries = tries + 1, answer = ?, due = ? WHERE seq = ?;

-- name: pushes_now
UPDATE pushes SET due = CASE WHEN due < ?1 THEN due ELSE ?1 END WHERE endpoint = ?2 AND state = 0;

-- name: push_given_up
UPDATE pushes SET state = 2, tries = tries + 1, answer = ?, ended = ? WHERE seq = ?;

-- name: push_again
UPDATE pushes SET state = 0, tries = 0, due = ?, ended = NULL WHERE seq = ? AND state <> 0;

-- name: pushes_over
DELETE FROM pushes WHERE state <> 0 AND ended < ?;

-- name: erase_happened
DELETE FROM happened WHERE number = ?1;

-- name: erase_pushes
DELETE FROM pushes WHERE number = ?1;

-- name: erase_asked (own)

-- name: erase_outside
DELETE FROM outside WHERE outgoing IN (SELECT id FROM outgoing WHERE number = ?1);

-- name: link
INSERT INTO links (code, url, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: clicked
UPDATE links SET clicks = clicks + 1 WHERE code = ?;

-- name: code
INSERT INTO codes (id, number, purpose, nonce, digits, at, expires, most, again, by, line)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: code_sent
UPDATE codes SET sends = sends + 1 WHERE id = ?;

-- name: code_text
INSERT INTO code_texts (outgoing, code) VALUES (?, ?) ON CONFLICT DO NOTHING;

-- name: code_wrong
UPDATE codes SET wrong = wrong + 1 WHERE id = ?;

-- name: code_used
UPDATE codes SET used = ? WHERE id = ? AND used IS NULL;

-- name: codes_over
DELETE FROM codes WHERE at < ?;

-- name: erase_code_texts
DELETE FROM code_texts WHERE outgoing IN (SELECT id FROM outgoing WHERE number = ?1);

-- name: erase_codes
DELETE FROM codes WHERE number = ?1;

-- name: sandbox_forget
-- The phones of the sandbox forget what they were sent.
DELETE FROM sandbox_texts;
