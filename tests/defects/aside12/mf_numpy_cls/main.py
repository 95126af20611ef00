"""python main.py ratings.csv"""
import sys

import numpy as np

from bpr import BPRMF
from dataset import group_by_user, load_ratings, train_test_split
from metrics import evaluate


def main():
    users, items, times = load_ratings(sys.argv[1])
    n_users, n_items = users.max() + 1, items.max() + 1
    train_valid, test, train_times = train_test_split(users, items, times)
    train, valid, _ = train_test_split(train_valid[:, 0], train_valid[:, 1], train_times, test_size=0.1)
    seen, wanted = group_by_user(train), group_by_user(valid)
    history = []

    def validate(epoch, loss, model):
        precision, recall, ndcg = evaluate(model, seen, wanted)
        print(f"epoch {epoch}: loss {loss:.4f} precision@10 {precision:.4f} recall@10 {recall:.4f} ndcg@10 {ndcg:.4f}")
        history.append(ndcg)
        return len(history) - 1 - np.argmax(history) >= 10

    BPRMF().fit(train, n_users, n_items, validate)
    final = BPRMF(n_epochs=int(np.argmax(history)) + 1).fit(train_valid, n_users, n_items)
    precision, recall, ndcg = evaluate(final, group_by_user(train_valid), group_by_user(test))
    print(f"test: precision@10 {precision:.4f} recall@10 {recall:.4f} ndcg@10 {ndcg:.4f}")


if __name__ == "__main__":
    main()
