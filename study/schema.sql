-- One study. Pictures lie beside this file, named by their tokens, which say nothing of the method.
CREATE TABLE study (
    id TEXT NOT NULL, name TEXT NOT NULL, dataset TEXT NOT NULL, created TEXT NOT NULL,
    seed INTEGER NOT NULL, repeats REAL NOT NULL, catches INTEGER NOT NULL
) STRICT;
CREATE TABLE methods (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE images (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, width INTEGER NOT NULL, height INTEGER NOT NULL
) STRICT;
CREATE TABLE pictures (
    token TEXT PRIMARY KEY,
    image INTEGER NOT NULL REFERENCES images (id),
    kind TEXT NOT NULL CHECK (kind IN ('result', 'input', 'degraded')),
    method INTEGER REFERENCES methods (id),  -- of a result
    catch INTEGER,                           -- of a degraded copy: the number of its trial
    UNIQUE (image, kind, method, catch)
) STRICT;
CREATE TABLE observers (
    id INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,       -- which order of trials, see design.py
    secret TEXT UNIQUE,            -- SHA-256 of what the observer's cookie holds; none for a votes file
    label TEXT NOT NULL UNIQUE,    -- how tables call the observer: nobody's name
    source TEXT NOT NULL CHECK (source IN ('page', 'file')),
    joined TEXT NOT NULL
) STRICT;
CREATE TABLE trials (
    token TEXT PRIMARY KEY,
    observer INTEGER NOT NULL REFERENCES observers (id),
    position INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('pair', 'repeat', 'catch')),
    image INTEGER NOT NULL REFERENCES images (id),
    left_picture TEXT NOT NULL REFERENCES pictures (token),
    right_picture TEXT NOT NULL REFERENCES pictures (token),
    first INTEGER,                 -- of a repeat: position of the first showing
    UNIQUE (observer, position),
    UNIQUE (token, observer)
) STRICT;
CREATE TABLE votes (
    id INTEGER PRIMARY KEY,
    observer INTEGER NOT NULL,
    trial TEXT NOT NULL,
    choice TEXT NOT NULL CHECK (choice IN ('left', 'right', 'tie')),
    milliseconds INTEGER NOT NULL,
    at TEXT NOT NULL,
    undone TEXT,                   -- when it was taken back; the row stays
    FOREIGN KEY (trial, observer) REFERENCES trials (token, observer)  -- only one's own trials
) STRICT;
CREATE UNIQUE INDEX one_vote ON votes (observer, trial) WHERE undone IS NULL;
PRAGMA user_version = 1;
