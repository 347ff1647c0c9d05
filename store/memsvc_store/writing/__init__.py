"""The room of writes: what goes into one transaction of one namespace, and the version that stamps it.

transaction        `Write`: the lock, the steps and the version
writes             messages; correcting, deleting, cooling and embedding memories
facts, episodes    the other kinds of memory
known              what is there already of a batch: repeats, keys that are taken, what was deleted
job_queue          work that is done later, with claims and leases
learning, feedback traces and utilities; what a reward moves, and how all is replayed from the log
"""
