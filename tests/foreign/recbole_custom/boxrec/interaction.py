import torch


class Interaction(object):
    """Columns of one batch: name -> tensor of (B,) or (B, length)."""

    def __init__(self, columns):
        self.interaction = {
            name: values if torch.is_tensor(values) else torch.as_tensor(values)
            for name, values in columns.items()
        }

    def __getitem__(self, index):
        if isinstance(index, str):
            return self.interaction[index]
        return Interaction({name: values[index] for name, values in self.interaction.items()})

    def __contains__(self, name):
        return name in self.interaction

    def __len__(self):
        return len(next(iter(self.interaction.values())))

    def to(self, device):
        return Interaction({name: values.to(device) for name, values in self.interaction.items()})
