"""python make_sequences.py data/events.csv data/sequences.jsonl"""

import csv
import json
import sys

source, target = sys.argv[1:]
sequences = {}
with open(source) as f:
    for row in sorted(csv.DictReader(f), key=lambda row: int(row["timestamp"])):
        sequences.setdefault(row["user_id"], []).append(row["item_id"])
with open(target, "w") as f:
    for user, items in sequences.items():
        f.write(json.dumps({"user": user, "items": items}) + "\n")
