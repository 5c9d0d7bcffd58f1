-- Where in a conversation a revision was said, to find what was said around it.
ALTER TABLE revisions ADD COLUMN thread TEXT NOT NULL DEFAULT '';
ALTER TABLE revisions ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
UPDATE revisions SET
    thread = (SELECT thread_of(d.document ->> '$.source') FROM documents d WHERE d.row = revisions.row),
    position = (SELECT position_of(d.document ->> '$.source') FROM documents d WHERE d.row = revisions.row);
CREATE INDEX revisions_by_thread ON revisions (partition, thread, position) WHERE thread <> '';
