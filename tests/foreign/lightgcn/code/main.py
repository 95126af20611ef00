import time

import Procedure
import torch
import utils
import world
from world import cprint

# ==============================
utils.set_seed(world.seed)
print(">>SEED:", world.seed)
# ==============================
import register
from register import dataset

Recmodel = register.MODELS[world.model_name](world.config, dataset)
Recmodel = Recmodel.to(world.device)
bpr = utils.BPRLoss(Recmodel, world.config)

weight_file = utils.getFileName()
print(f"weights are kept in {weight_file}")
if world.LOAD:
    try:
        Recmodel.load_state_dict(torch.load(weight_file, map_location=torch.device("cpu")))
        cprint(f"loaded {weight_file}")
    except FileNotFoundError:
        print(f"no {weight_file}, start from the beginning")

for epoch in range(world.TRAIN_epochs):
    start = time.time()
    if epoch % 10 == 0:
        cprint("[TEST]")
        Procedure.Test(dataset, Recmodel, epoch)
    output_information = Procedure.BPR_train(dataset, Recmodel, bpr)
    print(f"EPOCH[{epoch + 1}/{world.TRAIN_epochs}] {output_information} {time.time() - start:.1f}s")
    torch.save(Recmodel.state_dict(), weight_file)
