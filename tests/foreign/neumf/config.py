# dataset name
dataset = "shop"

# model name
model = "NeuMF"
assert model in ["MLP", "GMF", "NeuMF"]

# paths
main_path = "./Data/"

train_rating = main_path + "{}.train.rating".format(dataset)
test_rating = main_path + "{}.test.rating".format(dataset)
test_negative = main_path + "{}.test.negative".format(dataset)

model_path = "./models/"
