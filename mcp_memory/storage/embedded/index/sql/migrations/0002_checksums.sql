-- A checksum of each document, its terms and its end, compared whenever they are read.
ALTER TABLE documents ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
UPDATE documents SET checksum = seal(
    (SELECT r.recorded_to FROM revisions r WHERE r.row = documents.row), document, terms
);
