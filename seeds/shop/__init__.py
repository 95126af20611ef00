"""The built-in shop: a generated log whose truth is known, for demos, tests and figures without a download."""

from seeds.shop.making import Shop, Truth, make

__all__ = ["Shop", "Truth", "make"]
