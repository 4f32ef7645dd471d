-- One text for SQLite and Postgres: only SERIAL is spelled for each (migrate.go).
-- Times are microseconds since 1970 in UTC.

-- The inbox: what happened, and what became of it.
CREATE TABLE deliveries (
    id       SERIAL,
    guid     TEXT   NOT NULL UNIQUE,
    happened TEXT   UNIQUE,            -- identity of the event itself, when it has one
    event    TEXT   NOT NULL,
    body     BYTEA  NOT NULL,          -- emptied when done
    subject  TEXT   NOT NULL,          -- of one subject, one is worked at a time
    newest   BOOLEAN NOT NULL,         -- a later one of the subject makes this one moot
    state    TEXT   NOT NULL,          -- waiting, working, done, superseded, failed
    run      BIGINT NOT NULL,          -- the only job of River that may work it
    attempts BIGINT NOT NULL,
    error    TEXT   NOT NULL,          -- of the last attempt
    accepted BIGINT NOT NULL,
    ended    BIGINT NOT NULL
);
CREATE INDEX deliveries_subject ON deliveries (subject, id);
CREATE INDEX deliveries_state ON deliveries (state, ended);

-- Who works on a subject, and until when he is believed to.
CREATE TABLE leases (
    subject TEXT   PRIMARY KEY,
    run     BIGINT NOT NULL,
    until   BIGINT NOT NULL
);

-- The newest record of what we proposed, as JSON.
CREATE TABLE records (
    repo   BIGINT NOT NULL,
    scope  BYTEA  NOT NULL,
    record TEXT   NOT NULL,
    PRIMARY KEY (repo, scope)
);

-- Effects that were begun; the receipt, as JSON, once they are known to have
-- happened.
CREATE TABLE effects (
    repo    BIGINT NOT NULL,
    name    BYTEA  NOT NULL,
    begun   BIGINT NOT NULL,
    receipt TEXT,
    PRIMARY KEY (repo, name)
);

-- When each repository is looked at next.
CREATE TABLE schedules (
    repo BIGINT PRIMARY KEY,
    what TEXT   NOT NULL,              -- the repository, as JSON
    next BIGINT NOT NULL
);
