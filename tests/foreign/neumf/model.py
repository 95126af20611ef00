import torch
import torch.nn as nn


class NCF(nn.Module):
    def __init__(self, user_num, item_num, factor_num, num_layers, dropout, model):
        super(NCF, self).__init__()
        self.model = model
        wide = factor_num * (2 ** (num_layers - 1))
        self.embed_user_GMF = nn.Embedding(user_num, factor_num)
        self.embed_item_GMF = nn.Embedding(item_num, factor_num)
        self.embed_user_MLP = nn.Embedding(user_num, wide)
        self.embed_item_MLP = nn.Embedding(item_num, wide)

        MLP_modules = []
        for i in range(num_layers):
            size = factor_num * (2 ** (num_layers - i))
            MLP_modules.append(nn.Dropout(p=dropout))
            MLP_modules.append(nn.Linear(size, size // 2))
            MLP_modules.append(nn.ReLU())
        self.MLP_layers = nn.Sequential(*MLP_modules)

        self.predict_layer = nn.Linear(factor_num * (2 if model == "NeuMF" else 1), 1)
        self._init_weight_()

    def _init_weight_(self):
        for table in (
            self.embed_user_GMF,
            self.embed_item_GMF,
            self.embed_user_MLP,
            self.embed_item_MLP,
        ):
            nn.init.normal_(table.weight, std=0.01)
        for m in self.MLP_layers:
            if isinstance(m, nn.Linear):
                nn.init.xavier_uniform_(m.weight)
        nn.init.kaiming_uniform_(self.predict_layer.weight, a=1, nonlinearity="sigmoid")
        for m in self.modules():
            if isinstance(m, nn.Linear) and m.bias is not None:
                m.bias.data.zero_()

    def forward(self, user, item):
        parts = []
        if not self.model == "MLP":
            parts.append(self.embed_user_GMF(user) * self.embed_item_GMF(item))
        if not self.model == "GMF":
            interaction = torch.cat((self.embed_user_MLP(user), self.embed_item_MLP(item)), -1)
            parts.append(self.MLP_layers(interaction))
        prediction = self.predict_layer(torch.cat(parts, -1))
        return prediction.view(-1)
