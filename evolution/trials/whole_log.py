"""All that the log knows of its users, held-out events and all: what a recommendation for today rests on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evolution.base.errors import DataError
from evolution.repo.config import Config
from evolution.repo.log_options import options_of
from evolution.trials.data import TrialData, blamed
from seeds.interactions import Interactions, Questions
from seeds.loading import load


def read_whole_log(config: Config, repo: Path, data: TrialData) -> Interactions:
    """The events of the log that `data` was divided from. Raises DataError: it cannot be read, or has changed meanwhile."""
    from seeds.errors import SeedsError

    try:
        log = load(config.data.source, root=repo, options=options_of(config.data, repo))
    except SeedsError as error:
        raise blamed(error, config, repo) from error
    training = data.training
    if log.user_names != training.user_names or log.item_names != training.item_names:
        raise DataError("the log has changed since this job read it; start the job again")
    return log


def questions_of(log: Interactions, users: Sequence[int]) -> Questions:
    """What comes next for these users (ids from 1), given all their events. Nobody knows the targets: they are 0."""
    histories = [log.history(user) for user in users]
    ends = np.cumsum([0, *map(len, histories)])
    return Questions(
        users=np.array(users, np.int64),
        items=np.concatenate([np.zeros(0, np.int64), *histories]),
        offsets=ends.astype(np.int64),
        targets=np.zeros(len(users), np.int64),
    )
