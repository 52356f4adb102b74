-- Whether a desk is told at once of a person who waits; 0: its author wants it not, or it was before there were alerts.
ALTER TABLE handoffs ADD COLUMN alert INTEGER NOT NULL DEFAULT 0;

-- What the desk was told, or is to be told: once as long as it lasts. `due` is when it is tried next, NULL once it was told.
CREATE TABLE alerts (
  kind  TEXT NOT NULL,
  about TEXT NOT NULL,
  since REAL NOT NULL,
  words TEXT NOT NULL,
  page  TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  due   REAL,
  PRIMARY KEY (kind, about)
) WITHOUT ROWID;
