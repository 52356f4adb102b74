-- Several processes serve one database: which of them has a conversation, and which sends a text.

-- Which schema a smsbot has to know to serve this one: older ones do not know of the columns that follow.
ALTER TABLE smsbot_schema ADD COLUMN compatible bigint NOT NULL DEFAULT 2;

SELECT setval('events_seq_seq', (SELECT coalesce(max(seq), 0) + 1 FROM events), false);

ALTER TABLE processes ADD COLUMN shares boolean NOT NULL DEFAULT false;
ALTER TABLE processes ADD COLUMN retires boolean NOT NULL DEFAULT false;
-- Which code serves there, once it does; turns go to the newest.
ALTER TABLE processes ADD COLUMN build text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE processes ADD COLUMN heard timestamptz NOT NULL DEFAULT '-infinity';

-- The process that takes the turns of a conversation, as long as something waits there; whether it does, or a pause
-- kept them when it began to.
CREATE TABLE attended (
  line text COLLATE "C" NOT NULL,
  number text COLLATE "C" NOT NULL,
  turns boolean NOT NULL,
  process bigint NOT NULL DEFAULT current_setting('smsbot.process')::bigint,
  PRIMARY KEY (line, number)
) WITH (fillfactor = 50);
CREATE INDEX attended_process ON attended (process);
CREATE INDEX events_waiting ON events (line, number, seq) WHERE state = 0;

-- Those that were open before belong to nobody who is alive.
ALTER TABLE attempts ADD COLUMN process bigint DEFAULT nullif(current_setting('smsbot.process', true), '')::bigint;
CREATE INDEX attempts_open ON attempts (process) WHERE outcome IS NULL;

-- Tallies of each process apart, so that no two wait for one row.
ALTER TABLE tallies ADD COLUMN process bigint NOT NULL DEFAULT coalesce(nullif(current_setting('smsbot.process', true), '')::bigint, 0);
ALTER TABLE tallies DROP CONSTRAINT tallies_pkey;
ALTER TABLE tallies ADD PRIMARY KEY (what, line, name, process);
CREATE OR REPLACE FUNCTION text_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.seq <= (SELECT texts FROM tallied) THEN
    INSERT INTO tallies AS t (what, line, name, n, parts)
    VALUES ('out', OLD.line, OLD.status, -1, -OLD.parts), ('out', NEW.line, NEW.status, 1, NEW.parts)
    ON CONFLICT (what, line, name, process) DO UPDATE SET n = t.n + excluded.n, parts = t.parts + excluded.parts;
  END IF;
  IF NEW.status NOT IN ('queued', 'sending') AND NEW.number <> '' AND EXISTS (SELECT 1 FROM endpoints) THEN
    INSERT INTO happened (type, line, number, what, status)
    VALUES ('message.status', NEW.line, NEW.number, NEW.id, NEW.status);
  END IF;
  RETURN NULL;
END $$;
