class Columns:
    """Names of columns, the same in every frame."""

    User = "user_id"
    Item = "item_id"
    Datetime = "datetime"
    Weight = "weight"
    Category = "category"
    Score = "score"
    Rank = "rank"
