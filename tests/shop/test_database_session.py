"""Which requests may hold a transaction of the database open."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from webapp.database import session


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_only_looks_at_a_page_opens_no_transaction(shop: Flask, method: str) -> None:
    with shop.test_request_context(method=method):
        assert session.connection().get_execution_options()["isolation_level"] == "AUTOCOMMIT"
    with shop.test_request_context(method="POST"):
        assert session.connection().get_execution_options().get("isolation_level") is None


def test_a_question_about_an_upload_takes_it_over_in_a_transaction(upload: FlaskClient) -> None:
    with upload.application.test_request_context(method="HEAD"):
        assert session.connection().get_execution_options().get("isolation_level") is None
