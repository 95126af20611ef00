"""The built-in shop: a generated log with a known ground truth, for demos, tests and figures without a download."""

from seeds.shop.making import SIZES, Shop, Size, Truth, make

__all__ = ["SIZES", "Shop", "Size", "Truth", "make"]
