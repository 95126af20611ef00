import config
import numpy as np
import scipy.sparse as sp
import torch.utils.data as data


def load_all():
    train_data = []
    with open(config.train_rating) as fd:
        for line in fd:
            arr = line.split("\t")
            train_data.append([int(arr[0]), int(arr[1])])

    test_data = []
    with open(config.test_negative) as fd:
        for line in fd:
            arr = line.strip().split("\t")
            u, i = eval(arr[0])
            test_data.append([u, i])
            for n in arr[1:]:
                test_data.append([u, int(n)])

    everything = train_data + test_data
    user_num = max(x[0] for x in everything) + 1
    item_num = max(x[1] for x in everything) + 1

    # seen pairs as a dok matrix, for fast look-up
    train_mat = sp.dok_matrix((user_num, item_num), dtype=np.float32)
    for x in train_data:
        train_mat[x[0], x[1]] = 1.0
    return train_data, test_data, user_num, item_num, train_mat


class NCFData(data.Dataset):
    def __init__(self, features, num_item, train_mat=None, num_ng=0, is_training=None):
        super(NCFData, self).__init__()
        self.features_ps = features
        self.num_item = num_item
        self.train_mat = train_mat
        self.num_ng = num_ng
        self.is_training = is_training
        self.labels = [0 for _ in range(len(features))]

    def ng_sample(self):
        assert self.is_training, "negatives are for training only"
        negatives = []
        for u, _ in self.features_ps:
            for _ in range(self.num_ng):
                j = np.random.randint(self.num_item)
                while (u, j) in self.train_mat:
                    j = np.random.randint(self.num_item)
                negatives.append([u, j])
        self.features_fill = self.features_ps + negatives
        self.labels_fill = [1] * len(self.features_ps) + [0] * len(negatives)

    def __len__(self):
        return (self.num_ng + 1) * len(self.labels)

    def __getitem__(self, idx):
        features = self.features_fill if self.is_training else self.features_ps
        labels = self.labels_fill if self.is_training else self.labels
        return features[idx][0], features[idx][1], labels[idx]
