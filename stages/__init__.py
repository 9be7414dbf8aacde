"""Movement and state: each module reads, changes, moves or writes documents; one verb a module."""
