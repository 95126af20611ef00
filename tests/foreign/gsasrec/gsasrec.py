import torch
from transformer import TransformerBlock


class GSASRec(torch.nn.Module):
    """items are 1..num_items; num_items + 1 is padding"""

    def __init__(
        self,
        num_items,
        sequence_length=200,
        embedding_dim=256,
        num_heads=4,
        num_blocks=3,
        dropout_rate=0.5,
        reuse_item_embeddings=False,
    ):
        super().__init__()
        self.num_items = num_items
        self.item_embedding = torch.nn.Embedding(num_items + 2, embedding_dim)
        self.position_embedding = torch.nn.Embedding(sequence_length, embedding_dim)
        self.dropout = torch.nn.Dropout(dropout_rate)
        self.blocks = torch.nn.ModuleList(
            [
                TransformerBlock(embedding_dim, num_heads, embedding_dim, dropout_rate)
                for _ in range(num_blocks)
            ]
        )
        self.norm = torch.nn.LayerNorm(embedding_dim)
        self.reuse_item_embeddings = reuse_item_embeddings
        if not reuse_item_embeddings:
            self.output_embedding = torch.nn.Embedding(num_items + 2, embedding_dim)

    def get_output_embeddings(self) -> torch.nn.Embedding:
        return self.item_embedding if self.reuse_item_embeddings else self.output_embedding

    def forward(self, inputs):
        """(B, T) -> (B, T, d), attentions"""
        real = (inputs != self.num_items + 1).float().unsqueeze(-1)
        places = torch.arange(inputs.shape[1], device=inputs.device)
        x = self.item_embedding(inputs) + self.position_embedding(places)[None]
        x = self.dropout(x) * real
        attentions = []
        for block in self.blocks:
            x, attention = block(x, real)
            attentions.append(attention)
        return self.norm(x), attentions

    @torch.no_grad()
    def get_predictions(self, inputs, limit, rated=None):
        """the best items and their scores, each (B, limit)"""
        hidden, _ = self.forward(inputs)
        scores = hidden[:, -1] @ self.get_output_embeddings().weight.T
        scores[:, 0] = float("-inf")
        scores[:, self.num_items + 1 :] = float("-inf")
        if rated is not None:
            for row, items in enumerate(rated):
                scores[row, list(items)] = float("-inf")
        best = torch.topk(scores, limit, dim=1)
        return best.indices, best.values
