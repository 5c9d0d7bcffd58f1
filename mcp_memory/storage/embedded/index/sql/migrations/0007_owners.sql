-- To find a memory by its id, or the end of it, among those of some partitions: whoever names
-- one of somebody else's is answered as fast as for one that does not exist.
CREATE INDEX revisions_by_owner ON revisions (memory_id, partition);
DROP INDEX revisions_by_ending;
CREATE INDEX revisions_by_ending ON revisions (substr(memory_id, -8), partition);
