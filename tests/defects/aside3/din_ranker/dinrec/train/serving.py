import torch


class Server:
    """Scores of the whole catalogue, so many users at a time."""

    USERS_AT_ONCE = 64

    def __init__(self, network, length, device):
        self.network = network
        self.length = length
        self.device = device

    @torch.no_grad()
    def rank_all(self, histories):
        self.network.eval()
        histories = torch.as_tensor(histories, device=self.device)[:, -self.length :]
        everything = torch.arange(self.network.items.id.num_embeddings, device=self.device)
        parts = []
        for chunk in histories.split(self.USERS_AT_ONCE):
            parts.append(self.network(chunk, everything.expand(len(chunk), -1)))
        return torch.cat(parts).cpu().numpy()

    @torch.no_grad()
    def item_vectors(self):
        everything = torch.arange(self.network.items.id.num_embeddings, device=self.device)
        return self.network.items(everything).cpu().numpy()
