"""What the disk may do to a store: lose what was not synced, stop in mid-course, refuse.

`shim.c` stands between a process and the disk: it records, kills or fails. Everything here
runs real stores on real engines; only the disk is ours.
"""
