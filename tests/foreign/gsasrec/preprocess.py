"""Usage: python preprocess.py ratings.csv datasets/NAME"""

import csv
import json
import os
import sys


def read(path):
    by_user = {}
    with open(path) as f:
        for row in csv.DictReader(f):
            by_user.setdefault(row["user_id"], []).append((int(float(row["timestamp"])), row["item_id"]))
    for user in by_user:
        by_user[user].sort(key=lambda pair: pair[0])
    return {user: [item for _, item in pairs] for user, pairs in by_user.items() if len(pairs) >= 4}


def write(folder, part, inputs, outputs=None):
    os.makedirs(os.path.join(folder, part), exist_ok=True)
    with open(os.path.join(folder, part, "input.txt"), "w") as f:
        for sequence in inputs:
            f.write(" ".join(map(str, sequence)) + "\n")
    if outputs is not None:
        with open(os.path.join(folder, part, "output.txt"), "w") as f:
            for item in outputs:
                f.write(str(item) + "\n")


def main(path, folder):
    sequences = list(read(path).values())
    numbers = {}
    for sequence in sequences:
        for item in sequence:
            numbers.setdefault(item, len(numbers) + 1)
    sequences = [[numbers[item] for item in sequence] for sequence in sequences]
    write(folder, "train", [s[:-2] for s in sequences])
    write(folder, "val", [s[:-2] for s in sequences], [s[-2] for s in sequences])
    write(folder, "test", [s[:-1] for s in sequences], [s[-1] for s in sequences])
    with open(os.path.join(folder, "dataset_stats.json"), "w") as f:
        json.dump({"num_users": len(sequences), "num_items": len(numbers)}, f)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
