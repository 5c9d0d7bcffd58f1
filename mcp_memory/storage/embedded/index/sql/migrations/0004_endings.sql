-- To find a memory by the end of its id, which is how texts name it.
CREATE INDEX revisions_by_ending ON revisions (substr(memory_id, -8));
