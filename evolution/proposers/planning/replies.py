"""The replies of researcher and planner, as schemas.

The classes have comments, not docstrings: the schema that the model is sent would hold a docstring as its description.
"""

from pydantic import BaseModel, Field

AXES = ("originality", "potential", "user_alignment", "model_alignment", "ease")


# One search query.
class Query(BaseModel):
    text: str = Field(description="A search query of 4 to 12 words, in the words that papers use.")


# The reply to the prompt `plan-queries`.
class Queries(BaseModel):
    queries: list[Query] = Field(description="1 to 3 queries that differ in what they look for.")


# An idea's scores on AXES.
class Scores(BaseModel):
    originality: int = Field(description="0 to 10: how far from what was tried here and from the usual.")
    potential: int = Field(description="0 to 10: how much it could raise the objective, now or built upon.")
    user_alignment: int = Field(description="0 to 10: how directly it answers what users complain of.")
    model_alignment: int = Field(description="0 to 10: how directly it moves the findings it addresses.")
    ease: int = Field(description="0 to 10: how surely a small patch carries it out; 10 is a few lines.")


# One idea of a report or reflection.
class PlannedIdea(BaseModel):
    code: str = Field(
        description="A short name in kebab-case, the same whenever the same idea is proposed again."
    )
    title: str = Field(description="At most 60 characters, as a menu entry: what is done, not what for.")
    change: str = Field(
        description="The change to the code, precise enough to carry out: which function, which formula, which value."
    )
    why: str = Field(
        description="One or two sentences: through which mechanism it removes what it addresses."
    )
    addresses: list[str] = Field(
        description="Ids of the findings and critiques it addresses, as given; [] where none were given."
    )
    sources: list[str] = Field(description="Ids of the passages it rests on, as given; [] where none.")
    scores: Scores
    con: str = Field(description="The likeliest way it fails, one sentence.")


# The reply to the prompt `plan-report`.
class Report(BaseModel):
    insights: list[str] = Field(
        description="3 to 5: what the evidence shows about this model, one sentence each."
    )
    directions: list[str] = Field(description="3 to 5: lines of attack that follow from the insights.")
    ideas: list[PlannedIdea] = Field(description="3 to 10 ideas that differ in mechanism.")
    chosen: str = Field(description="The code of the idea to carry out first.")


# The reply to the prompt `plan-reflect`.
class Reflection(BaseModel):
    verdict: str = Field(description="One or two sentences: is the chosen idea the right next step, and why.")
    ideas: list[PlannedIdea] = Field(
        description="Ideas that replace or correct those given, under the same rules; [] where they stand."
    )
    chosen: str = Field(description="The code of the idea to carry out first, old or new.")
