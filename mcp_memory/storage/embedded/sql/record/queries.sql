-- add_changes: journal entries, from one JSON array
INSERT INTO changes
SELECT number, verb, memory_id, revision, "at", "user", agent, client, reason, request,
    unhex(salt), unhex(digest), unhex(head)
FROM (
    SELECT unnest(from_json(?, '[{
        "number": "BIGINT", "verb": "VARCHAR", "memory_id": "VARCHAR", "revision": "INTEGER",
        "at": "TIMESTAMP", "user": "VARCHAR", "agent": "VARCHAR", "client": "VARCHAR",
        "reason": "VARCHAR", "request": "VARCHAR", "salt": "VARCHAR", "digest": "VARCHAR",
        "head": "VARCHAR"
    }]'), recursive := true)
);

-- add_revisions: revisions, from one JSON array; metadata comes as text, to stay as it is
INSERT INTO revisions
SELECT id, revision, change, tenant, level, "user", name, content, fingerprint, type, key,
    importance, tags, pinned, trust, status, source, metadata, evidence, merged,
    superseded_by, created_at, recorded_at, valid_from, valid_to, expires_at
FROM (
    SELECT unnest(from_json(?, '[{
        "id": "VARCHAR", "revision": "INTEGER", "change": "BIGINT", "tenant": "VARCHAR",
        "level": "VARCHAR", "user": "VARCHAR", "name": "VARCHAR", "content": "VARCHAR",
        "fingerprint": "VARCHAR", "type": "VARCHAR", "key": "VARCHAR",
        "importance": "DOUBLE", "tags": ["VARCHAR"], "pinned": "BOOLEAN",
        "trust": "VARCHAR", "status": "VARCHAR", "source": "VARCHAR",
        "metadata": "VARCHAR", "evidence": "INTEGER", "merged": "VARCHAR",
        "superseded_by": "VARCHAR", "created_at": "TIMESTAMP", "recorded_at": "TIMESTAMP",
        "valid_from": "TIMESTAMP", "valid_to": "TIMESTAMP", "expires_at": "TIMESTAMP"
    }]'), recursive := true)
);

-- entries: journal entries after a number with their revisions, in order
SELECT c.number, c.verb, c.memory_id, c.revision, c.made_at, c."user", c.agent, c.client,
    c.reason, c.request, c.salt, c.digest, c.head,
    concat_ws('/', r.tenant, r.level, r."user", r.name), r.content, r.fingerprint, r.type,
    r.key, r.importance, r.tags, r.pinned, r.trust, r.status, r.source, r.metadata,
    r.evidence, r.merged, r.superseded_by, r.created_at, r.recorded_at, r.valid_from,
    r.valid_to, r.expires_at
FROM changes c
LEFT JOIN revisions r ON r.change = c.number
WHERE c.number > ? AND c.number <= ?
ORDER BY c.number;

-- last_change: the newest number and the head of the chain
SELECT number, head FROM changes ORDER BY number DESC LIMIT 1;

-- head_at: the head of the chain after a change
SELECT head FROM changes WHERE number = ?;

-- last_erasure: the number of the newest erasure
SELECT coalesce(max(number), 0) FROM changes WHERE verb = 'erase';

-- counts: journal entries, revisions, and revisions that the journal does not know
SELECT (SELECT count(*) FROM changes), (SELECT count(*) FROM revisions),
    (SELECT count(*) FROM revisions r ANTI JOIN changes c ON c.number = r.change);

-- erase_revisions: remove every revision of some memories
DELETE FROM revisions WHERE memory_id IN (SELECT unnest(?::VARCHAR[]));

-- blank_changes: leave of the journal of some memories only that, when and by whom
UPDATE changes SET reason = '', request = '', salt = ''::BLOB
WHERE memory_id IN (SELECT unnest(?::VARCHAR[])) AND salt <> ''::BLOB;

-- count_changes: journal entries of some memories
SELECT count(*) FROM changes WHERE memory_id IN (SELECT unnest(?::VARCHAR[]));

-- add_traces: traces, from one JSON array
INSERT INTO traces
SELECT trace ->> '$.id', (trace ->> '$.at')::TIMESTAMP, trace
FROM (SELECT unnest(from_json(?, '["JSON"]')) AS trace);

-- drop_traces: traces by id
DELETE FROM traces WHERE id IN (SELECT unnest(?::VARCHAR[]));

-- keep_traces: drop all but the newest
DELETE FROM traces
WHERE id NOT IN (SELECT id FROM traces ORDER BY made_at DESC, id DESC LIMIT ?);

-- trace: one trace
SELECT trace FROM traces WHERE id = ?;

-- traces: every trace
SELECT trace FROM traces;

-- setting: one value
SELECT value FROM settings WHERE name = ?;

-- add_setting: a new value
INSERT INTO settings VALUES (?, ?);

-- has_settings: whether the database holds a store at all
SELECT count(*) FROM duckdb_tables()
WHERE database_name = current_database() AND table_name = 'settings';

-- confine: let SQL reach the files of one folder only
SET allowed_directories = ?;

-- attach: open a generation as the live database
ATTACH ? AS live;

-- attach_draft: begin the next generation
ATTACH ? AS draft;

-- copy_to_draft: write everything that lives into the next generation
COPY FROM DATABASE live TO draft;

-- note_compaction: which change a generation was made at
INSERT OR REPLACE INTO draft.settings VALUES ('compacted_at', ?);

-- note_version: which migration was the last
INSERT OR REPLACE INTO settings VALUES ('schema_version', ?);
