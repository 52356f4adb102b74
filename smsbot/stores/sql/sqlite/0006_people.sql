-- People: whether they wrote to us before we wrote to them, and pictures in texts of ours.

ALTER TABLE conversations ADD COLUMN wrote_first INTEGER NOT NULL DEFAULT 0;
UPDATE conversations SET wrote_first = 1 WHERE
  coalesce((SELECT min(at) FROM events e WHERE e.line = conversations.line AND e.number = conversations.number AND e.kind = 'text'), 9e15)
  < coalesce((SELECT min(created) FROM outgoing o WHERE o.line = conversations.line AND o.number = conversations.number), 8e15);

ALTER TABLE outgoing ADD COLUMN media TEXT NOT NULL DEFAULT '';
ALTER TABLE sandbox_texts ADD COLUMN media TEXT NOT NULL DEFAULT '';
