-- The index: a projection of the record, as SQLite keeps it. Times are microseconds
-- since 1970 in UTC. $dimensions is that of the model.

-- The watermark (change number, head of the chain), the model, and the schema version.
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Each partition has two parts, its number doubled: the live one (2n) holds the memories
-- that are current and active, the past one (2n + 1) every other revision.
CREATE TABLE partitions (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    memories INTEGER NOT NULL,
    terms INTEGER NOT NULL
);

-- The journal as in the record, so that a record that lost its end can have it back.
CREATE TABLE changes (
    number INTEGER PRIMARY KEY,
    verb TEXT NOT NULL,
    memory_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    user TEXT NOT NULL,
    agent TEXT NOT NULL,
    client TEXT NOT NULL,
    reason TEXT NOT NULL,
    request TEXT NOT NULL,
    salt BLOB NOT NULL,
    digest BLOB NOT NULL,
    head BLOB NOT NULL
);
CREATE INDEX changes_by_request ON changes (request) WHERE request <> '';

-- What searches filter and sort by. `key` is the slot that it names, however it is spelt;
-- `labels` are tags and metadata, as JSON; `thread` and `position` are where in a
-- conversation it was said.
CREATE TABLE revisions (
    row INTEGER PRIMARY KEY,
    memory_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    change INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    live INTEGER NOT NULL,
    status TEXT NOT NULL,
    type TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    importance REAL NOT NULL,
    pinned INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    recorded_to INTEGER,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER,
    expires_at INTEGER,
    labels TEXT NOT NULL,
    terms INTEGER NOT NULL,
    embedded INTEGER NOT NULL,
    thread TEXT NOT NULL DEFAULT '',
    position INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX revisions_by_memory ON revisions (memory_id, revision);
CREATE INDEX revisions_by_owner ON revisions (memory_id, partition);
CREATE INDEX revisions_by_ending ON revisions (substr(memory_id, -8), partition);
CREATE INDEX revisions_by_change ON revisions (change);
CREATE INDEX revisions_by_time ON revisions (partition, recorded_at, memory_id);
CREATE INDEX revisions_by_weight
ON revisions (partition, pinned, importance, recorded_at, memory_id);
CREATE INDEX revisions_by_key ON revisions (partition, key) WHERE key <> '';
CREATE INDEX revisions_by_text ON revisions (partition, fingerprint);
CREATE INDEX revisions_by_expiry ON revisions (expires_at, memory_id)
WHERE live = 1 AND expires_at IS NOT NULL;
CREATE INDEX revisions_by_thread ON revisions (partition, thread, position) WHERE thread <> '';
CREATE INDEX revisions_waiting ON revisions (recorded_at, memory_id, revision, partition, live)
WHERE embedded = 0;

-- The whole revision as canonical JSON, and its terms, each behind the number of its part.
-- The checksum, of these and of `recorded_to`, is compared whenever they are read.
CREATE TABLE documents (
    row INTEGER PRIMARY KEY,
    document TEXT NOT NULL,
    terms TEXT NOT NULL,
    checksum INTEGER NOT NULL
);

-- One vector (float16) for each window of a text; id = row * 1024 + place.
CREATE TABLE windows (
    id INTEGER PRIMARY KEY,
    vector BLOB NOT NULL
);

-- The signs of each window's numbers, by part: what the vector search scans.
CREATE VIRTUAL TABLE codes USING vec0(
    part INTEGER PARTITION KEY,
    code BIT[$dimensions],
    chunk_size=256
);

-- Full text. Terms are made by mcp_memory.domain.text; every character of one is kept as it is.
CREATE VIRTUAL TABLE words USING fts5(
    terms,
    content='documents',
    content_rowid='row',
    detail=none,
    tokenize="ascii tokenchars '-_./:@+#~'''"
);
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);

-- In how many revisions of a part each term occurs.
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, 'row');
