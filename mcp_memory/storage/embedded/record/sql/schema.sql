-- The record: the truth, as DuckDB keeps it. All times are UTC.

-- Every change ever made, without gaps. Erasing blanks the reason and the salt.
CREATE TABLE changes (
    number BIGINT PRIMARY KEY,
    verb VARCHAR NOT NULL,
    memory_id VARCHAR NOT NULL,
    revision INTEGER NOT NULL,
    made_at TIMESTAMP NOT NULL,
    "user" VARCHAR NOT NULL,
    agent VARCHAR NOT NULL,
    client VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    request VARCHAR NOT NULL,
    salt BLOB NOT NULL,
    digest BLOB NOT NULL,
    head BLOB NOT NULL
);

-- What each change made of its memory. Rows are added and erased, never altered.
CREATE TABLE revisions (
    memory_id VARCHAR NOT NULL,
    revision INTEGER NOT NULL,
    change BIGINT NOT NULL,
    tenant VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    "user" VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    content VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    type VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    importance DOUBLE NOT NULL,
    tags VARCHAR[] NOT NULL,
    pinned BOOLEAN NOT NULL,
    trust VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    metadata JSON NOT NULL,
    evidence INTEGER NOT NULL,
    merged VARCHAR NOT NULL,
    superseded_by VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    valid_from TIMESTAMP NOT NULL,
    valid_to TIMESTAMP,
    expires_at TIMESTAMP,
    PRIMARY KEY (memory_id, revision)
);

-- What each recall searched and why. Kept for a while only.
CREATE TABLE traces (
    id VARCHAR NOT NULL,
    made_at TIMESTAMP NOT NULL,
    trace JSON NOT NULL
);

-- What the record knows about itself: its schema version, when it was compacted.
CREATE TABLE meta (
    name VARCHAR PRIMARY KEY,
    value VARCHAR NOT NULL
);

-- Values that the store keeps for others.
CREATE TABLE settings (
    name VARCHAR PRIMARY KEY,
    value VARCHAR NOT NULL
);

-- The revisions with the moment at which the next one took over.
CREATE VIEW history AS
SELECT *, lead(recorded_at) OVER (PARTITION BY memory_id ORDER BY revision) AS recorded_to
FROM revisions;

-- Each memory as it is now.
CREATE VIEW memories AS
SELECT * EXCLUDE (recorded_to) FROM history WHERE recorded_to IS NULL;
