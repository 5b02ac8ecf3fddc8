"""What a customer reads in a film's place while nothing of it can be played."""

import math
import re

from flask_babel import gettext

from pipeline.catalog.assets import Progress
from pipeline.catalog.models import State


def sentence(progress: Progress) -> str:
    """One sentence: what happens, how far it is in percent, and the time left if it is known. No line ends between a
    number and its unit.
    """
    return re.sub(r"(?<=\d) ", "\N{NO-BREAK SPACE}", _sentence(progress))


def _sentence(progress: Progress) -> str:
    percent, left = progress.percent, _left(progress.eta_s)
    arriving = progress.state is State.RECEIVING
    if not percent:
        return gettext("The film is being prepared. It will appear here by itself.")
    if left and arriving:
        return gettext("The film is on its way: %(percent)s %%, %(left)s.", percent=percent, left=left)
    if left:
        return gettext("The film is being prepared: %(percent)s %%, %(left)s.", percent=percent, left=left)
    if arriving:
        return gettext("The film is on its way: %(percent)s %%.", percent=percent)
    return gettext("The film is being prepared: %(percent)s %%.", percent=percent)


def _left(seconds: float | None) -> str:
    """Time left, rounded up to what a person would say: seconds by fives, then minutes. Empty when unknown."""
    if seconds is None:
        return ""
    if seconds < 90:
        return gettext("about %(count)d s left", count=max(5, math.ceil(seconds / 5) * 5))
    return gettext("about %(count)d min left", count=math.ceil(seconds / 60))
