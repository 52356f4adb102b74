-- Money: what a text costs in millionths of the currency (reserved when it is written, settled when a report tells its
-- price) and the day that it counts for; and what each day comes to, by what it is counted for.
ALTER TABLE outgoing ADD COLUMN cost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outgoing ADD COLUMN cost_day TEXT NOT NULL DEFAULT '';
CREATE TABLE spending (
  day   TEXT NOT NULL,
  scope TEXT NOT NULL,
  name  TEXT NOT NULL,
  spent INTEGER NOT NULL,
  texts INTEGER NOT NULL,
  PRIMARY KEY (day, scope, name)
) WITHOUT ROWID;
