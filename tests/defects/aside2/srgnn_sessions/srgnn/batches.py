import numpy as np


class SessionData:
    """Prefixes and labels, cut into batches of graphs."""

    def __init__(self, prefixes, labels, shuffle, seed=0):
        self.prefixes = np.empty(len(prefixes), dtype=object)
        self.prefixes[:] = prefixes
        self.labels = np.asarray(labels)
        self.length = len(prefixes)
        self.shuffle = shuffle
        self.rng = np.random.RandomState(seed)

    def generate_batch(self, batch_size):
        order = np.arange(self.length)
        if self.shuffle:
            self.rng.shuffle(order)
        n_batch = int(np.ceil(self.length / batch_size))
        return np.array_split(order, n_batch)

    def get_slice(self, idx):
        return graphs(self.prefixes[idx]) + (self.labels[idx],)


def graphs(sessions):
    """Of B sessions, no wider than the longest one:

    alias (B, L) place of each event's node; A (B, n, 2n) incoming and outgoing edges, rows sum to 1;
    nodes (B, n) item ids, 0 for none; mask (B, L) 1 where there is an event.
    """
    width = max(1, max(len(s) for s in sessions))
    node_lists = [list(dict.fromkeys(s)) for s in sessions]
    n = max(1, max(len(x) for x in node_lists))
    b = len(sessions)
    alias = np.zeros((b, width), dtype=np.int64)
    adjacency = np.zeros((b, n, 2 * n), dtype=np.float32)
    nodes = np.zeros((b, n), dtype=np.int64)
    mask = np.zeros((b, width), dtype=np.int64)
    for row, (session, node) in enumerate(zip(sessions, node_lists)):
        place = {item: k for k, item in enumerate(node)}
        steps = [place[item] for item in session]
        nodes[row, : len(node)] = node
        alias[row, : len(steps)] = steps
        mask[row, : len(steps)] = 1
        adjacency[row] = connect(steps, n)
    return alias, adjacency, nodes, mask


def connect(steps, n):
    edges = np.zeros((n, n), dtype=np.float32)
    for source, target in zip(steps[:-1], steps[1:]):
        edges[source, target] = 1
    incoming = edges.sum(0)
    incoming[incoming == 0] = 1
    outgoing = edges.sum(1)
    outgoing[outgoing == 0] = 1
    a_in = (edges / incoming).T
    a_out = edges / outgoing[:, None]
    return np.concatenate([a_in, a_out], axis=1)
