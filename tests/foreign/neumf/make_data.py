"""python make_data.py ratings.dat: the newest item of each user for the test, with 99 negatives"""

import random
import sys

import config

NEGATIVES = 99


def read(path):
    rows = {}
    users, items = {}, {}
    for line in open(path):
        user, item, rating, time = line.strip().split("::")
        u = users.setdefault(user, len(users))
        i = items.setdefault(item, len(items))
        rows.setdefault(u, []).append((int(time), i, rating))
    return rows, len(items)


def main(path):
    random.seed(0)
    rows, item_num = read(path)
    train = open(config.train_rating, "w")
    test = open(config.test_rating, "w")
    negative = open(config.test_negative, "w")
    for u in sorted(rows):
        mine = sorted(rows[u], key=lambda row: row[0])
        for time, i, rating in mine[:-1]:
            train.write("%d\t%d\t%s\t%d\n" % (u, i, rating, time))
        time, last, rating = mine[-1]
        test.write("%d\t%d\t%s\t%d\n" % (u, last, rating, time))
        seen = set(i for _, i, _ in mine)
        others = random.sample([i for i in range(item_num) if i not in seen], NEGATIVES)
        negative.write("(%d,%d)\t%s\n" % (u, last, "\t".join(map(str, others))))
    train.close()
    test.close()
    negative.close()


if __name__ == "__main__":
    main(sys.argv[1])
