"""Runs the embedding example under strace and holds what it prints against what it syncs.

Every answer that the example prints must come behind an fdatasync that began after the last write to the
journal and succeeded; and an answer that changes something must come behind such a write of its own.
"""

import re
import subprocess
import sys

program, folder = sys.argv[1:3]
calls = "write,pwrite64,writev,fdatasync"
trace = subprocess.run(
    ["strace", "-f", "-y", "-s", "24", "-e", f"trace={calls}", program, folder],
    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True,
).stderr

journal = re.compile(r"(write|pwrite64|writev)\(\d+<[^>]*\.segment(?:\.new)?>")
sync_whole = re.compile(r"fdatasync\(\d+<[^>]*\.segment>\)\s+= 0")
sync_begun = re.compile(r"fdatasync\(\d+<[^>]*\.segment> <unfinished")
sync_ended = re.compile(r"<\.\.\. fdatasync resumed>.*= 0")
answer = re.compile(r"write\(1<")

written_since_sync = False
changes_since_answer = 0
answers = syncs = 0
for line in trace.splitlines():
    if journal.search(line):
        written_since_sync = True
        changes_since_answer += 1
    elif sync_whole.search(line) or sync_ended.search(line):
        written_since_sync = False
        syncs += 1
    elif sync_begun.search(line):
        pass
    elif answer.search(line):
        answers += 1
        if written_since_sync:
            sys.exit(f"an answer left before the sync that covers it: {line}")
        if changes_since_answer == 0:
            sys.exit(f"an answer left without a record of its own: {line}")
        changes_since_answer = 0

if answers < 10 or syncs < answers:
    sys.exit(f"the trace shows {answers} answers and {syncs} syncs: too few to prove anything")
print(f"{answers} answers, {syncs} syncs, none of the answers before its sync")
