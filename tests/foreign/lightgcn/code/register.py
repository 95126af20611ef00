import dataloader
import model
import world

if world.dataset in ["shop", "books"]:
    dataset = dataloader.Loader(path="../data/" + world.dataset)

print("===========config================")
print(world.config)
print("using", world.device, "topks", world.topks)
print("===========end===================")

MODELS = {"mf": model.PureMF, "lgn": model.LightGCN}
