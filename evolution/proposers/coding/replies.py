"""The replies of coder and debugger: edits as data, or as text for models that write text better.

The classes have comments, not docstrings: the schema that the model is sent would hold a docstring as its description.
"""

from typing import Literal

from pydantic import BaseModel, Field


# One whole-line edit of one file.
class FileEdit(BaseModel):
    path: str = Field(description="File relative to the repository's root, with /; one of the editable ones.")
    old: str = Field(
        description="The whole lines to replace, exactly as in the file, without line numbers; they must occur "
        "exactly once in it. Empty only to write a new file."
    )
    new: str = Field(description="The whole lines to put in their place. Empty to delete them.")


# The reply to the prompt `code`.
class CodeReply(BaseModel):
    approach: str = Field(description="Two or three sentences: how the change works and why it is complete.")
    edits: list[FileEdit] = Field(description="The edits; empty where patch is used.")
    patch: str = Field(
        description="Instead of edits: SEARCH/REPLACE blocks or one unified diff, as text. Empty where edits is used."
    )


# The reply to the prompt `code-reflect`.
class ReflectReply(BaseModel):
    faults: list[str] = Field(
        description="What is wrong with the patch, one sentence each; empty if nothing is."
    )
    verdict: Literal["fine", "corrected"] = Field(
        description="fine: the patch stands as it is. corrected: the edits below repair it."
    )
    edits: list[FileEdit] = Field(
        description="Edits of the patched files; empty if fine, or where patch is used."
    )
    patch: str = Field(
        description="Instead of edits: SEARCH/REPLACE blocks or one unified diff, as text. Empty otherwise."
    )


# The reply to the prompt `debug`.
class DebugReply(BaseModel):
    cause: str = Field(description="One or two sentences: why the patched program fails.")
    edits: list[FileEdit] = Field(
        description="Edits of the files as they are now; empty where nothing is to change, or where patch is used."
    )
    patch: str = Field(
        description="Instead of edits: SEARCH/REPLACE blocks or one unified diff, as text. Empty otherwise."
    )
