"""The shop's shelves and vocabulary: its categories, and the names of things in them."""

from dataclasses import dataclass
from enum import StrEnum


class ShelfKind(StrEnum):
    """How the items of a shelf relate to other items."""

    SERIES = "series"  # volumes, read in order
    DEVICE = "device"  # devices, whose accessories are on the next shelf
    ACCESSORY = "accessory"  # accessories of the devices on the shelf before
    PLAIN = "plain"  # single things, some of which go together


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """A narrow category of a department.

    nouns: names of the things sold there
    price: the usual price, in the shop's currency
    """

    department: str
    name: str
    kind: ShelfKind
    nouns: tuple[str, ...]
    price: float


def _words(text: str, separator: str = " ") -> tuple[str, ...]:
    return tuple(text.split(separator))


def _series(department: str, name: str, noun: str, price: float) -> tuple[Shelf, ...]:
    return (Shelf(department=department, name=name, kind=ShelfKind.SERIES, nouns=(noun,), price=price),)


def _device(department: str, name: str, noun: str, price: float, accessories: str) -> tuple[Shelf, ...]:
    device = Shelf(department=department, name=name, kind=ShelfKind.DEVICE, nouns=(noun,), price=price)
    accessory = Shelf(
        department=department,
        name=f"{noun} Accessories",
        kind=ShelfKind.ACCESSORY,
        nouns=tuple(accessories.split(", ")),
        price=price / 8,
    )
    return (device, accessory)


def _plain(department: str, name: str, nouns: str, price: float) -> tuple[Shelf, ...]:
    words = tuple(nouns.split(", "))
    return (Shelf(department=department, name=name, kind=ShelfKind.PLAIN, nouns=words, price=price),)


# The smallest shop has only the first shelves, so these are of every kind.
SHELVES: tuple[Shelf, ...] = (
    *_series("Books", "Fantasy", "Book", 14),
    *_series("Books", "Crime", "Case", 12),
    *_series("Books", "Science Fiction", "Book", 13),
    *_series("Books", "Romance", "Book", 9),
    *_series("Films", "Adventure Films", "Part", 15),
    *_series("Games", "Role-Playing Games", "Chapter", 45),
    *_device("Electronics", "Cameras", "Camera", 520, "Lens, Tripod, Camera Bag, Memory Card, Battery, Flash"),
    *_device("Electronics", "Phones", "Phone", 480, "Case, Charger, Screen Guard, Car Mount, Power Bank, Earbuds"),
    *_device("Kitchen", "Coffee Machines", "Coffee Machine", 230, "Filter, Descaler, Milk Jug, Bean Jar, Grinder, Cup Set"),
    *_device("Sports", "Bicycles", "Bicycle", 690, "Lock, Helmet, Pump, Light Set, Bottle Cage, Pannier"),
    *_plain("Sports", "Camping", "Tent, Sleeping Bag, Stove, Lantern, Mat, Cool Box", 70),
    *_plain("Sports", "Running", "Running Shoes, Shorts, Hydration Belt, Headband, Wind Jacket, Socks", 45),
    *_plain("Clothing", "Shirts", "Shirt, Polo, Blouse, Overshirt, T-Shirt, Tunic", 35),
    *_plain("Clothing", "Trousers", "Jeans, Chinos, Corduroys, Joggers, Culottes, Leggings", 55),
    *_plain("Home", "Lamps", "Desk Lamp, Floor Lamp, Pendant, Wall Light, Night Light, String Lights", 60),
    *_plain("Home", "Bedding", "Duvet, Pillow, Sheet Set, Blanket, Bedspread, Mattress Pad", 50),
    *_series("Books", "History", "Volume", 18),
    *_series("Books", "Children's Books", "Book", 8),
    *_series("Books", "Comics", "Issue", 7),
    *_series("Films", "Crime Films", "Part", 13),
    *_series("Games", "Strategy Games", "Chapter", 40),
    *_series("Music", "Live Recordings", "Night", 16),
    *_device("Electronics", "Laptops", "Laptop", 950, "Sleeve, Dock, Mouse, Stand, Keyboard, Cooling Pad"),
    *_device("Electronics", "E-Readers", "E-Reader", 140, "Cover, Reading Light, Page Remote, Sleeve, Charger, Stand"),
    *_device("Music", "Guitars", "Guitar", 340, "String Set, Capo, Tuner, Strap, Gig Bag, Amplifier"),
    *_device("Games", "Board Games", "Board Game", 48, "Expansion, Card Sleeves, Dice Set, Play Mat, Miniatures, Organiser"),
    *_plain("Garden", "Tools", "Spade, Rake, Secateurs, Trowel, Hoe, Watering Can", 28),
    *_plain("Garden", "Plants", "Rose, Lavender, Fern, Olive Tree, Tomato Plant, Basil", 15),
    *_plain("Kitchen", "Cookware", "Saucepan, Frying Pan, Casserole, Wok, Stock Pot, Griddle", 52),
    *_plain("Kitchen", "Knives", "Chef's Knife, Bread Knife, Paring Knife, Cleaver, Steel, Knife Block", 44),
    *_plain("Beauty", "Skin Care", "Face Cream, Cleanser, Serum, Sun Cream, Mask, Toner", 24),
    *_plain("Beauty", "Fragrance", "Perfume, Cologne, Body Mist, Scented Candle, Bath Oil, Hand Cream", 38),
)  # fmt: skip

ADJECTIVES = _words(
    "Silent Golden Crooked Hidden Broken Northern Amber Distant Burning Hollow Scarlet Frozen Last "
    "Wandering Quiet Velvet Iron Drowned Paper Restless Blue Forgotten Salt Winter Glass Copper "
    "Bright Second Lonely Secret"
)
PLACES = _words(
    "Harbour Orchard Tower River Garden Lantern Kingdom Bridge Letter Mountain Forest Station Island "
    "Mirror Voyage Valley Theatre Compass Winter Crown Meadow Shore Archive Gate Clock Desert Falcon "
    "Library Storm Road Castle Summer Window Village Well Map Song Train Cathedral Horizon"
)
MATERIALS = _words(
    "Linen Cotton Oak Steel Bamboo Wool Copper Cork Recycled Classic Light Compact Nordic Everyday "
    "Deluxe Slim Rustic Folding Soft Studio Travel Heritage Matte Urban"
)
STORES = _words(
    "Aster; Brightwater; Calder & Sons; Dunmore; Elmgate; Fjordline; Greyfriar; Hearth & Co; Ivy "
    "Lane; Juniper; Kestrel; Lumen; Marlowe; Northbound; Oakhouse; Pelican",
    separator="; ",
)
