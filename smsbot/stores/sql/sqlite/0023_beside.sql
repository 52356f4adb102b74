-- Conversations with runs beside the open one, so that a page which counts them reads no others.
CREATE INDEX conversations_beside ON conversations (line, number) WHERE resting <> '';
