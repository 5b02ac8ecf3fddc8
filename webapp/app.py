"""The web application: one factory, one list of features, two roles.

The `web` process serves pages, playlists and the API; the `upload` process serves tus only, so that fifty slow phones
never take a thread from a customer's page.
"""

from typing import Literal

from flask import Flask

from workers.settings import Settings

Role = Literal["web", "upload"]


def create_app(settings: Settings, role: Role = "web") -> Flask:
    """The application of one process type."""
    raise NotImplementedError
