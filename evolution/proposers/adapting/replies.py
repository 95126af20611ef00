"""The reply to the prompt `adapter`. Comments, not docstrings: the schema that the model is sent would hold a docstring."""

from typing import Literal

from pydantic import BaseModel, Field

SettingName = Literal[
    "recommender.max_history",
    "training.max_epochs",
    "data.separator",
    "data.encoding",
    "data.time_unit",
    "data.columns.user",
    "data.columns.item",
    "data.columns.time",
    "data.columns.rating",
]


# One value of evolverec.toml.
class Setting(BaseModel):
    key: SettingName = Field(description="Which setting.")
    value: str = Field(description="Its value, without quotes.")


# The reply to the prompt `adapter`.
class AdapterReply(BaseModel):
    reading: str = Field(
        description="Two or three sentences: what was missing or wrong, and the lines of the repo that tell what is right."
    )
    adapter: str = Field(description="The whole text of the adapter, without line numbers and fences.")
    settings: list[Setting] = Field(
        description="Settings of evolverec.toml that have to change; empty where none does."
    )
