-- add_change: one journal entry
INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- add_changes: journal entries, column by column
INSERT INTO changes
SELECT
    unnest(?::BIGINT[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::INTEGER[]),
    unnest(?::TIMESTAMP[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]),
    unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::BLOB[]), unnest(?::BLOB[]),
    unnest(?::BLOB[]);

-- add_revision: one revision
INSERT INTO revisions VALUES (
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
);

-- add_revisions: revisions, column by column
INSERT INTO revisions
SELECT
    unnest(?::VARCHAR[]), unnest(?::INTEGER[]), unnest(?::BIGINT[]), unnest(?::VARCHAR[]),
    unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]),
    unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::DOUBLE[]),
    unnest(?::VARCHAR[][]), unnest(?::BOOLEAN[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]),
    unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::INTEGER[]), unnest(?::VARCHAR[]),
    unnest(?::VARCHAR[]), unnest(?::TIMESTAMP[]), unnest(?::TIMESTAMP[]), unnest(?::TIMESTAMP[]),
    unnest(?::TIMESTAMP[]), unnest(?::TIMESTAMP[]);

-- entries: journal entries after a number with their revisions, in order
SELECT c.number, c.verb, c.memory_id, c.revision, c.made_at, c."user", c.agent, c.client,
    c.reason, c.request, c.salt, c.digest, c.head,
    concat_ws('/', r.tenant, r.scope, r."user", r.name), r.content, r.fingerprint, r.type,
    r.key, r.importance, r.tags, r.pinned, r.trust, r.status, r.source, r.metadata,
    r.evidence, r.merged, r.superseded_by, r.created_at, r.recorded_at, r.valid_from,
    r.valid_to, r.expires_at
FROM changes c
LEFT JOIN revisions r ON r.change = c.number
WHERE c.number > ? AND c.number <= ?
ORDER BY c.number;

-- last_change: the newest number, the head of the chain, and how many changes there are
SELECT number, head, (SELECT count(*) FROM changes)
FROM changes ORDER BY number DESC LIMIT 1;

-- changed_after: what memories were changed after a number, and by which change last
SELECT memory_id, max(number) FROM changes WHERE number > ? GROUP BY memory_id;

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
UPDATE changes SET reason = '', salt = ''::BLOB
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

-- traces_of: the newest traces with a partition, of those with no others than some
SELECT trace FROM traces
WHERE list_contains((trace -> '$.partitions')::VARCHAR[], ?::VARCHAR)
  AND list_has_all(?::VARCHAR[], (trace -> '$.partitions')::VARCHAR[])
ORDER BY made_at DESC, id DESC LIMIT ?;

-- traces: every trace
SELECT trace FROM traces;

-- settings: every name and value
SELECT name, value FROM settings;

-- setting: one value
SELECT value FROM settings WHERE name = ?;

-- add_setting: a new value
INSERT INTO settings VALUES (?, ?);

-- meta: what the record knows about itself
SELECT value FROM meta WHERE name = ?;

-- has_meta: whether the database holds a record at all
SELECT count(*) FROM duckdb_tables()
WHERE database_name = current_database() AND table_name = 'meta';

-- confine: let SQL reach the files of one folder only
SET allowed_directories = ?;

-- attach: open a generation as the live database
ATTACH ? AS live;

-- attach_draft: begin the next generation
ATTACH ? AS draft;

-- copy_to_draft: write everything that lives into the next generation
COPY FROM DATABASE live TO draft;

-- note_compaction: which change a generation was made at
INSERT OR REPLACE INTO draft.meta VALUES ('compacted_at', ?);

-- note_version: which migration was the last
INSERT OR REPLACE INTO meta VALUES ('schema_version', ?);
