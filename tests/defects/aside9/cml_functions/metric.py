"""Collaborative metric learning (Hsieh et al., WWW 2017): users and items as points in a ball. All state is in a dict."""
import torch
import torch.nn.functional as F

TABLES = ("user", "item", "recent")


def init(n_users, n_items, n_features, s, generator):
    def normal(*shape, std):
        return (torch.randn(*shape, generator=generator) * std).to(s.device).requires_grad_()

    return {
        "user": normal(n_users + 1, s.dim, std=0.1 / s.dim ** 0.5),
        "item": normal(n_items + 1, s.dim, std=1 / s.dim ** 0.5),
        "recent": normal(n_items + 1, s.dim, std=0.3 / s.dim ** 0.5),
        "feature": normal(n_features, s.dim, std=1 / n_features ** 0.5),
        "shift": torch.zeros(s.dim, device=s.device, requires_grad=True),
    }


def user_points(p, users, recent, s):
    """users (B,), recent (B, R) left-padded with 0 -> (B, D)"""
    age = torch.arange(recent.size(1) - 1, -1, -1, device=recent.device)
    weight = (recent > 0) * s.fade ** age  # (B, R)
    weight = weight / weight.sum(1, keepdim=True).clamp(min=1e-6)
    moved = (weight.unsqueeze(2) * p["recent"][recent]).sum(1)
    return p["user"][users] + moved


def squared_distance(a, b):
    return (a - b).pow(2).sum(-1)


def hinge(p, batch, s, n_items):
    """Push loss: every negative within the margin counts, times the estimated rank of the positive."""
    user = user_points(p, batch.users, batch.recent, s)
    near = squared_distance(user, p["item"][batch.items])  # (B,)
    far = squared_distance(user.unsqueeze(1), p["item"][batch.negatives])  # (B, N)
    slack = (s.margin + near.unsqueeze(1) - far).clamp(min=0)
    impostors = (slack > 0).sum(1)
    rank = n_items * impostors / slack.size(1)
    return (torch.log1p(rank) * slack.max(1).values).mean()


def feature_loss(p, items, features):
    """Items lie near the point that their features say."""
    said = features[items] @ p["feature"] + p["shift"]
    return squared_distance(said, p["item"][items]).mean()


def covariance_loss(points):
    """Mean absolute covariance of different dimensions."""
    centred = points - points.mean(0)
    cov = centred.T @ centred / len(points)
    off = cov - torch.diag(torch.diag(cov))
    return off.abs().sum() / len(cov)


@torch.no_grad()
def project(p, radius):
    """Rows that left the ball go back to its surface."""
    for name in TABLES:
        norm = p[name].norm(dim=1, keepdim=True)
        p[name].mul_((radius / norm.clamp(min=1e-9)).clamp(max=1.0))


def total_loss(p, batch, features, s, n_items):
    points = torch.cat([p["user"][batch.users.unique()], p["item"][batch.items.unique()]])
    loss = hinge(p, batch, s, n_items)
    loss = loss + s.feature_weight * feature_loss(p, batch.items, features)
    return loss + s.covariance_weight * covariance_loss(points)


def scores(p, users, recent, s):
    """(B, n_items + 1): minus the squared distance to every item"""
    return -torch.cdist(user_points(p, users, recent, s), p["item"]).pow(2)


def one_hot_features(categories, price):
    """Leaf category and quartile of the price, one-hot.  Row 0, the padding, is 0."""
    leaf = {name: k for k, name in enumerate(sorted({c for c in categories[1:]}))}
    codes = torch.tensor([leaf.get(c, 0) for c in categories])
    price = torch.as_tensor(price, dtype=torch.float32).clone()
    price[price.isnan()] = price.nanmedian()
    quartile = torch.bucketize(price, torch.quantile(price[1:], torch.tensor([0.25, 0.5, 0.75])))
    out = torch.cat([F.one_hot(codes, len(leaf)), F.one_hot(quartile, 4)], dim=1).float()
    out[0] = 0
    return out
