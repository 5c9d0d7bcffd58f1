-- meta: one value
SELECT value FROM meta WHERE name = :name;

-- set_meta: a value
INSERT OR REPLACE INTO meta VALUES (:name, :value);

-- has_meta: whether the file holds an index at all
SELECT count(*) FROM sqlite_schema WHERE name = 'meta';

-- partition: the number of a partition
SELECT id FROM partitions WHERE name = :name;

-- add_partition: a partition that was not there
INSERT INTO partitions (name, memories, terms) VALUES (:name, 0, 0) RETURNING id;

-- partitions: the numbers of partitions, and what lives in them
SELECT id, memories, terms FROM partitions WHERE name IN (SELECT value FROM json_each(:names));

-- held: every partition, and how many active memories live in it
SELECT name, memories FROM partitions ORDER BY name;

-- count_live: what came to live in a partition, or left it
UPDATE partitions SET memories = memories + :memories, terms = terms + :terms WHERE id = :id;

-- add_change: a journal entry
INSERT INTO changes VALUES (:number, :verb, :memory_id, :revision, :made_at, :user, :agent,
    :client, :reason, :request, :salt, :digest, :head);

-- blank_changes: leave of the journal of a memory only that, when and by whom
UPDATE changes SET reason = '', salt = x''
WHERE number IN (SELECT change FROM revisions WHERE memory_id = :memory_id);

-- changes_of_request: what was done for a request
SELECT number, verb, memory_id, revision, made_at, user, agent, client, reason
FROM changes WHERE request = :request AND request <> '' ORDER BY number;

-- entries: journal entries after a number with their revisions, in order
SELECT c.*, d.document
FROM changes c
LEFT JOIN revisions r ON r.change = c.number
LEFT JOIN documents d ON d.row = r.row
WHERE c.number > :after ORDER BY c.number LIMIT :limit;

-- head_at: the head of the chain after a change
SELECT head FROM changes WHERE number = :number;

-- current: the newest revision of each memory
SELECT r.memory_id, max(r.revision) FROM revisions r
WHERE r.memory_id IN (SELECT value FROM json_each(:ids)) GROUP BY r.memory_id;

-- holders_of_text: live memories by [partition, fingerprint]
SELECT r.memory_id, p.name, r.fingerprint
FROM json_each(:slots) s
JOIN partitions p ON p.name = s.value ->> 0
JOIN revisions r ON r.partition = p.id AND r.fingerprint = s.value ->> 1
WHERE r.live = 1;

-- holders_of_key: live memories by [partition, key]
SELECT r.memory_id, p.name, r.key
FROM json_each(:slots) s
JOIN partitions p ON p.name = s.value ->> 0
JOIN revisions r ON r.partition = p.id AND r.key = s.value ->> 1 AND r.key <> ''
WHERE r.live = 1;

-- newest_revision: the last revision of a memory, to be followed by another
SELECT r.row, r.partition, r.live, r.terms, r.embedded, d.document, d.terms
FROM revisions r JOIN documents d ON d.row = r.row
WHERE r.memory_id = :memory_id ORDER BY r.revision DESC LIMIT 1;

-- add_revision: a revision
INSERT INTO revisions (memory_id, revision, change, partition, live, status, type, key,
    fingerprint, importance, pinned, recorded_at, valid_from, valid_to, expires_at, thread,
    position, labels, terms, embedded)
VALUES (:memory_id, :revision, :change, :partition, :live, :status, :type, :key,
    :fingerprint, :importance, :pinned, :recorded_at, :valid_from, :valid_to, :expires_at,
    :thread, :position, :labels, :terms, :embedded)
RETURNING row;

-- end_revision: a later one took over
UPDATE revisions SET recorded_to = :recorded_to, live = 0 WHERE row = :row;

-- add_document: the text of a revision
INSERT INTO documents VALUES (:row, :document, :terms, seal(NULL, :document, :terms));

-- end_document: the text of a revision that a later one took over, its terms in another part
UPDATE documents SET terms = :terms, checksum = seal(:recorded_to, document, :terms)
WHERE row = :row;

-- add_words: make terms searchable
INSERT INTO words (rowid, terms) VALUES (:row, :terms);

-- drop_words: no longer; the terms must be those that were added
INSERT INTO words (words, rowid, terms) VALUES ('delete', :row, :terms);

-- windows: the vectors of some revisions
SELECT w.id, w.vector
FROM json_each(:rows) s
CROSS JOIN windows w ON w.id >= s.value * 1024 AND w.id < (s.value + 1) * 1024;

-- add_window: one vector
INSERT INTO windows VALUES (:id, :vector);

-- drop_windows: the vectors of a revision
DELETE FROM windows WHERE id >= :row * 1024 AND id < (:row + 1) * 1024;

-- add_code: the signs of one vector
INSERT INTO codes (rowid, part, code) VALUES (:id, :part, vec_bit(:code));

-- drop_code: the signs of one vector
DELETE FROM codes WHERE rowid = :id;

-- row_of: a revision and the part it is in
SELECT row, 2 * partition + 1 - live FROM revisions
WHERE memory_id = :memory_id AND revision = :revision;

-- mark_embedded: a revision has its vectors
UPDATE revisions SET embedded = 1 WHERE row = :row;

-- rows_of_memory: every revision of a memory, with what must be known to remove it
SELECT r.row, r.partition, r.live, r.terms, d.terms
FROM revisions r JOIN documents d ON d.row = r.row WHERE r.memory_id = :memory_id;

-- drop_document: the text of a revision
DELETE FROM documents WHERE row = :row;

-- drop_revision: a revision
DELETE FROM revisions WHERE row = :row;

-- passes: whether a row is of a partition and passes a filter; a part of the next two
r.partition = :partition
    AND (:statuses = '[]' OR r.status IN (SELECT value FROM json_each(:statuses)))
    AND (
        (:as_of IS NULL AND r.recorded_to IS NULL
            AND (:shows_expired OR r.expires_at IS NULL OR r.expires_at > :now))
        OR (:as_of IS NOT NULL
            AND r.recorded_at <= :as_of AND (r.recorded_to IS NULL OR r.recorded_to > :as_of)
            AND r.valid_from <= :as_of AND (r.valid_to IS NULL OR r.valid_to > :as_of)
            AND (r.expires_at IS NULL OR r.expires_at > :as_of)
            AND EXISTS (
                SELECT 1 FROM revisions c
                WHERE c.memory_id = r.memory_id AND c.recorded_to IS NULL
                    AND c.partition IN (SELECT value FROM json_each(:partitions))
            ))
    )
    AND (:since IS NULL OR r.recorded_at >= :since)
    AND (:until IS NULL OR r.recorded_at < :until)
    AND (:begins_since IS NULL OR r.valid_from >= :begins_since)
    AND (:begins_until IS NULL OR r.valid_from < :begins_until)
    AND (:ids = '[]' OR r.memory_id IN (SELECT value FROM json_each(:ids)))
    AND (:endings = '[]' OR substr(r.memory_id, -8) IN (SELECT value FROM json_each(:endings)))
    AND (:fingerprints = '[]' OR r.fingerprint IN (SELECT value FROM json_each(:fingerprints)))
    AND (:key = '' OR r.key = :key)
    AND (:types = '[]' OR r.type IN (SELECT value FROM json_each(:types)))
    AND (:labels = '[]' OR NOT EXISTS (
        SELECT 1 FROM json_each(:labels) asked
        WHERE asked.value NOT IN (SELECT value FROM json_each(r.labels))
    ))

-- newest: rows of one partition that pass a filter, latest first
SELECT r.row, r.recorded_at, r.memory_id
FROM revisions r
WHERE {passes}
    AND (:after_id = '' OR (r.recorded_at, r.memory_id) < (:after_at, :after_id))
ORDER BY r.recorded_at DESC, r.memory_id DESC
LIMIT :limit;

-- weightiest: rows of one partition that pass a filter, pinned and important first
SELECT r.row, r.pinned, r.importance, r.recorded_at, r.memory_id
FROM revisions r
WHERE {passes}
    AND (:after_id = '' OR (r.pinned, r.importance, r.recorded_at, r.memory_id)
        < (:after_pinned, :after_importance, :after_at, :after_id))
ORDER BY r.pinned DESC, r.importance DESC, r.recorded_at DESC, r.memory_id DESC
LIMIT :limit;

-- revisions_of: every revision of a memory, oldest first
SELECT r.row FROM revisions r WHERE r.memory_id = :memory_id ORDER BY r.revision;

-- current_in: which of some memories are now in some partitions
SELECT r.memory_id FROM revisions r
WHERE r.memory_id IN (SELECT value FROM json_each(:ids)) AND r.recorded_to IS NULL
    AND r.partition IN (SELECT value FROM json_each(:partitions));

-- documents: revisions by row
SELECT r.row, r.recorded_to, d.document, d.terms, d.checksum
FROM json_each(:rows) s
CROSS JOIN revisions r ON r.row = s.value
CROSS JOIN documents d ON d.row = r.row;

-- has_threads: whether any of some partitions has a conversation
SELECT EXISTS (
    SELECT 1 FROM json_each(:partitions) p
    CROSS JOIN revisions r INDEXED BY revisions_by_thread
        ON r.partition = p.value AND r.thread <> ''
);

-- around: live rows said a few places before or after some rows in the same conversation
SELECT DISTINCT n.row FROM json_each(:rows) s
CROSS JOIN revisions r ON r.row = s.value AND r.thread <> ''
CROSS JOIN revisions n INDEXED BY revisions_by_thread
    ON n.partition = r.partition AND n.thread = r.thread AND n.thread <> ''
    AND n.position BETWEEN r.position - :reach AND r.position + :reach
WHERE n.live = 1;

-- around_within: the same, among some rows
SELECT DISTINCT n.row FROM json_each(:rows) s
CROSS JOIN revisions r ON r.row = s.value AND r.thread <> ''
CROSS JOIN revisions n INDEXED BY revisions_by_thread
    ON n.partition = r.partition AND n.thread = r.thread AND n.thread <> ''
    AND n.position BETWEEN r.position - :reach AND r.position + :reach
WHERE n.row IN (SELECT value FROM json_each(:allowed));

-- rows_by_id: revisions of some memories
SELECT r.row FROM revisions r WHERE r.memory_id IN (SELECT value FROM json_each(:values));

-- rows_by_name: revisions of some memories in some partitions; nothing of others is looked at
SELECT r.row
FROM json_each(:values) v CROSS JOIN json_each(:partitions) p
CROSS JOIN revisions r INDEXED BY revisions_by_owner
    ON r.memory_id = v.value AND r.partition = p.value;

-- rows_by_ending: the same of memories whose ids end so
SELECT r.row
FROM json_each(:values) v CROSS JOIN json_each(:partitions) p
CROSS JOIN revisions r INDEXED BY revisions_by_ending
    ON substr(r.memory_id, -8) = v.value AND r.partition = p.value;

-- rows_by_text: revisions of some partitions with one of these fingerprints
SELECT r.row FROM revisions r
WHERE r.partition IN (SELECT value FROM json_each(:partitions))
    AND r.fingerprint IN (SELECT value FROM json_each(:values));

-- rows_by_key: revisions of some partitions with this key
SELECT r.row FROM revisions r
WHERE r.partition IN (SELECT value FROM json_each(:partitions))
    AND r.key IN (SELECT value FROM json_each(:values)) AND r.key <> '';

-- history: every revision of a memory, with its change
SELECT r.recorded_to, d.document, d.terms, d.checksum, c.number, c.verb, c.memory_id, c.revision, c.made_at,
    c.user, c.agent, c.client, c.reason
FROM revisions r
JOIN documents d ON d.row = r.row
JOIN changes c ON c.number = r.change
WHERE r.memory_id = :memory_id ORDER BY r.revision;

-- reasons: changes that somebody gave a reason for, of memories that are in some partitions
SELECT c.number, c.verb, c.memory_id, c.revision, c.made_at, c.user, c.agent, c.client, c.reason
FROM changes c CROSS JOIN revisions r INDEXED BY revisions_by_change ON r.change = c.number
WHERE c.number > :after AND c.reason <> ''
    AND r.partition IN (SELECT value FROM json_each(:partitions))
    AND EXISTS (
        SELECT 1 FROM revisions n INDEXED BY revisions_by_owner
        WHERE n.memory_id = r.memory_id AND n.recorded_to IS NULL
            AND n.partition IN (SELECT value FROM json_each(:partitions))
    )
ORDER BY c.number LIMIT :limit;

-- waiting: revisions without vectors, newest first
SELECT r.row FROM revisions r INDEXED BY revisions_waiting WHERE r.embedded = 0
ORDER BY r.recorded_at DESC, r.memory_id DESC, r.revision DESC LIMIT :limit;

-- count_waiting: live revisions of some partitions without vectors
SELECT count(*) FROM revisions r INDEXED BY revisions_waiting
WHERE r.embedded = 0 AND r.live = 1
    AND r.partition IN (SELECT value FROM json_each(:partitions));

-- count_waiting_of: how many of these rows have no vectors
SELECT count(*) FROM revisions r INDEXED BY revisions_waiting
WHERE r.embedded = 0 AND r.row IN (SELECT value FROM json_each(:rows));

-- overdue: live revisions that have expired, longest overdue first
SELECT r.row FROM revisions r INDEXED BY revisions_by_expiry
WHERE r.live = 1 AND r.expires_at <= :now
ORDER BY r.expires_at, r.memory_id LIMIT :limit;

-- overdue_in: live revisions of some partitions that have expired
SELECT r.row FROM revisions r INDEXED BY revisions_by_expiry
WHERE r.live = 1 AND r.expires_at <= :now
    AND r.partition IN (SELECT value FROM json_each(:partitions))
LIMIT :limit;

-- frequencies: in how many revisions each of these terms occurs
SELECT v.term, v.doc FROM json_each(:terms) s CROSS JOIN vocabulary v ON v.term = s.value;

-- saying: every row that says a term
SELECT rowid FROM words WHERE words MATCH :query;

-- match: the best rows for a text query
SELECT rowid FROM words WHERE words MATCH :query ORDER BY rank LIMIT :limit;

-- match_within: the best rows for a text query, among some rows
SELECT rowid FROM words
WHERE words MATCH :query AND +rowid IN (SELECT value FROM json_each(:rows))
ORDER BY rank LIMIT :limit;

-- nearest: windows whose signs are nearest, in each part
SELECT rowid, distance FROM codes
WHERE code MATCH vec_bit(:code) AND k = :k
    AND part IN (SELECT value FROM json_each(:parts));

-- nearest_bounded: the same, no further than a distance, which makes a long scan fast
SELECT rowid, distance FROM codes
WHERE code MATCH vec_bit(:code) AND k = :k AND distance <= :distance
    AND part IN (SELECT value FROM json_each(:parts));

-- nearest_within: the same, among some windows
SELECT rowid, distance FROM codes
WHERE code MATCH vec_bit(:code) AND k = :k
    AND part IN (SELECT value FROM json_each(:parts))
    AND rowid IN (
        SELECT w.id FROM json_each(:rows) s
        CROSS JOIN windows w ON w.id >= s.value * 1024 AND w.id < (s.value + 1) * 1024
    );

-- tally: current memories by status, type and partition
SELECT r.status, r.type, p.name, count(*), sum(r.embedded = 0)
FROM revisions r JOIN partitions p ON p.id = r.partition
WHERE p.name IN (SELECT value FROM json_each(:names)) AND r.recorded_to IS NULL
GROUP BY r.status, r.type, p.name;

-- count_revisions: all revisions in some partitions
SELECT count(*) FROM revisions r JOIN partitions p ON p.id = r.partition
WHERE p.name IN (SELECT value FROM json_each(:names));

-- counts: journal entries, revisions, documents, revisions without vectors
SELECT (SELECT count(*) FROM changes), (SELECT count(*) FROM revisions),
    (SELECT count(*) FROM documents), (SELECT count(*) FROM revisions WHERE embedded = 0);

-- figures: active memories, revisions without vectors
SELECT (SELECT coalesce(sum(memories), 0) FROM partitions),
    (SELECT count(*) FROM revisions WHERE embedded = 0);

-- count_windows: vectors, and their codes
SELECT (SELECT count(*) FROM windows), (SELECT count(*) FROM codes);

-- separators: terms that full text keeps to find its pages by
SELECT CAST(substr(term, 2) AS TEXT) FROM words_idx WHERE length(term) > 1;

-- rebuild_words: write full text anew
INSERT INTO words (words) VALUES ('rebuild');

-- last_erasure: the number of the newest erasure
SELECT coalesce(max(number), 0) FROM changes WHERE verb = 'erase';

-- forget_vectors: those of another model are never compared with ours
DELETE FROM windows;

-- forget_codes: nor their signs
DROP TABLE codes;

-- wait_for_vectors: every revision needs new ones
UPDATE revisions SET embedded = 0;

-- add_codes: room for the signs of another model's vectors
CREATE VIRTUAL TABLE codes USING vec0(
    part INTEGER PARTITION KEY,
    code BIT[$dimensions],
    chunk_size=256
);

-- count_wrong: revisions with a wrong end, partitions miscounted, rows without their other half
SELECT
    (SELECT count(*) FROM (
        SELECT recorded_to, lead(recorded_at) OVER (
            PARTITION BY memory_id ORDER BY revision
        ) AS followed_at
        FROM revisions
    ) WHERE recorded_to IS NOT followed_at),
    (SELECT count(*) FROM partitions p LEFT JOIN (
        SELECT partition, count(*) AS memories, sum(terms) AS terms
        FROM revisions WHERE live = 1 GROUP BY partition
    ) r ON r.partition = p.id
    WHERE p.memories <> coalesce(r.memories, 0) OR p.terms <> coalesce(r.terms, 0)),
    (SELECT count(*) FROM revisions r WHERE r.row NOT IN (SELECT row FROM documents))
    + (SELECT count(*) FROM documents d WHERE d.row NOT IN (SELECT row FROM revisions))
    + (SELECT count(*) FROM revisions r WHERE r.partition NOT IN (SELECT id FROM partitions))
    + (SELECT abs((SELECT count(*) FROM windows) - (SELECT count(*) FROM codes)));

-- every_revision: revisions after a row, with what a check compares
SELECT r.row, p.name, r.live, r.terms, r.recorded_to, d.document, d.terms, d.checksum,
    2 * r.partition + 1 - r.live, r.memory_id, r.revision, r.status, r.type, r.key,
    r.fingerprint, r.importance, r.pinned, r.recorded_at, r.valid_from, r.valid_to,
    r.expires_at, r.thread, r.position, r.labels
FROM revisions r
JOIN partitions p ON p.id = r.partition
JOIN documents d ON d.row = r.row
WHERE r.row > :after ORDER BY r.row LIMIT :limit;

-- parts: the part that each revision is in
SELECT row, 2 * partition + 1 - live FROM revisions;

-- every_code: the signs of every vector
SELECT rowid, part, code FROM codes;

-- every_window: vectors after one, in order
SELECT id, vector FROM windows WHERE id > :after ORDER BY id LIMIT :limit;
