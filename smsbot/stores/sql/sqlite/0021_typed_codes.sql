-- Codes that a conversation waits for on a line; those that a program checks have none.
ALTER TABLE codes ADD COLUMN line TEXT NOT NULL DEFAULT '';

-- The lanes of lines in which something is queued, found by leaps through an index from line to line.
CREATE VIEW queued_pairs AS
WITH RECURSIVE lines (line) AS (
  SELECT * FROM (SELECT line FROM outgoing WHERE phase = 'queue' ORDER BY line LIMIT 1)
  UNION ALL SELECT (SELECT o.line FROM outgoing o WHERE o.phase = 'queue' AND o.line > l.line ORDER BY o.line LIMIT 1)
  FROM lines l WHERE l.line IS NOT NULL),
lanes (lane) AS (VALUES ('priority'), ('consent'), ('desk'), ('reply'), ('notice'), ('bulk'))
SELECT l.line, n.lane FROM lines l, lanes n WHERE l.line IS NOT NULL
AND EXISTS (SELECT 1 FROM outgoing o WHERE o.phase = 'queue' AND o.line = l.line AND o.lane = n.lane);
