-- A word that is only begun, by its first three letters, is looked up as fast as a whole one.
DROP TABLE words_in;
DROP TABLE words_out;
CREATE VIRTUAL TABLE words_in USING fts5(text, content='', prefix='3', tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE words_out USING fts5(text, content='', prefix='3', tokenize="unicode61 remove_diacritics 2");
INSERT INTO words_in (rowid, text) SELECT seq, text FROM events
WHERE seq <= (SELECT events FROM searched) AND kind IN ('text', 'media', 'optout', 'optin');
INSERT INTO words_out (rowid, text) SELECT seq, text FROM outgoing
WHERE seq <= (SELECT texts FROM searched) AND kind <> 'code';
