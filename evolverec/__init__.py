"""evolverec in notebooks and scripts: the command line's jobs and documents, with frames out.

    import evolverec

    repo = evolverec.open("my-recommender")
    trial = repo.train(trust=True)
    repo.diagnose().findings

Every call is the command of that name in a process of its own. So no torch and no package of evolverec's is loaded beside the
notebook's own code, which may have packages called `server` or `seeds`; progress is printed, and an interrupted cell cancels
the job, which keeps what it has measured.
"""

from evolverec.answers import Diagnosis, Proposals, Trial
from evolverec.repo import Repo, open
from evolverec.running import CommandError

__all__ = ["CommandError", "Diagnosis", "Proposals", "Repo", "Trial", "open"]
