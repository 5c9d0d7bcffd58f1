-- What a revision says is compared by today's rule, whatever rule it was stored by.
UPDATE revisions SET fingerprint = fingerprint_of(
    (SELECT d.document ->> '$.content' FROM documents d WHERE d.row = revisions.row), key
);
