-- Runs beside the open one: those that only let time pass, and those whose question waits for another.
ALTER TABLE conversations ADD COLUMN resting TEXT NOT NULL DEFAULT '';
ALTER TABLE frames ADD COLUMN rest INTEGER NOT NULL DEFAULT 0;
