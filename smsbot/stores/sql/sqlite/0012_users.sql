-- Who works at the desk. Of a password its argon2 hash is kept; of a link that sets one, and of a session, a hash.
CREATE TABLE users (
  name       TEXT PRIMARY KEY COLLATE NOCASE,
  role       TEXT NOT NULL,
  at         REAL NOT NULL,
  password   TEXT NOT NULL DEFAULT '',
  link       BLOB UNIQUE,
  link_until REAL
) WITHOUT ROWID;
CREATE TABLE sessions (
  hash   BLOB PRIMARY KEY,
  user   TEXT NOT NULL COLLATE NOCASE,
  began  REAL NOT NULL,
  turned REAL NOT NULL,
  seen   REAL NOT NULL,
  until  REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user);

-- What people did at the desk, and the page where it shows.
CREATE TABLE audit (
  id    INTEGER PRIMARY KEY,
  at    REAL NOT NULL,
  who   TEXT NOT NULL,
  did   TEXT NOT NULL,
  about TEXT NOT NULL,
  page  TEXT NOT NULL
);
