import numpy as np


class SessionDataLoader:
    """Session-parallel mini-batches: each slot walks through one user's events, then takes the next user."""

    def __init__(self, data, batch_size=32, bptt=8):
        self.items = np.asarray(data.items)
        self.click_offsets = np.asarray(data.offsets)[1:]
        self.session_idx_arr = np.arange(data.n_users)
        self.batch_size = batch_size
        self.bptt = bptt

    def __iter__(self):
        """input (T, B), target (T, B), alive (T, B), fresh (B,): which slots begin a session at the chunk's start."""
        order = np.random.permutation(self.session_idx_arr)
        starts, ends = self.click_offsets[order], self.click_offsets[order + 1]
        b = min(self.batch_size, len(order))
        iters = np.arange(b)
        nxt = b
        pos, end = starts[iters].copy(), ends[iters].copy()
        fresh = np.ones(b, dtype=bool)
        while True:
            steps = np.arange(self.bptt)[:, None]
            at = pos[None, :] + steps
            alive = at < end[None, :] - 1
            if not alive.any():
                break
            src = self.items[np.minimum(at, len(self.items) - 1)]
            tgt = self.items[np.minimum(at + 1, len(self.items) - 1)]
            yield src * alive, tgt * alive, alive, fresh
            pos = pos + self.bptt
            fresh = np.zeros(b, dtype=bool)
            for slot in np.flatnonzero(pos >= end - 1):
                if nxt < len(order):
                    pos[slot], end[slot] = starts[nxt], ends[nxt]
                    fresh[slot] = True
                    nxt += 1
