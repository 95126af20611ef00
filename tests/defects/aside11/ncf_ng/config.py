# dataset: user, item, rating, timestamp, separated by tabs, ids from 1
main_path = "./Data/"
ratings = main_path + "shop.rating"

# paths
model_path = "./models/"
NeuMF_model_path = model_path + "NeuMF.pth"

# training
lr = 0.002
dropout = 0.2
batch_size = 256
epochs = 10
num_ng = 4
seed = 2021

# model
factor_num = 16
num_layers = 2

# evaluation: one item that the user took and 99 that he did not
top_k = 10
test_num_ng = 99
test_users = 50  # users in a batch
