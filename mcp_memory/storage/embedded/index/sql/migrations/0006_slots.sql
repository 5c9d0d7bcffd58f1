-- A key is one slot however it is spelt; how it was spelt is in the document.
UPDATE revisions SET key = slot_of(key) WHERE key <> '';
