"""How Alembic reaches the database and which tables it compares."""

from alembic import context

import webapp.accounts.models
import webapp.customers.models
import webapp.interventions.models
import webapp.uploads.models  # noqa: F401  every model must be known before the comparison
from pipeline.catalog.engine import connect
from pipeline.catalog.models import Base

engine = connect(context.config.attributes["url"])
with engine.connect() as connection:
    # SQLite cannot change a column in place: Alembic copies the table instead ("batch").
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
engine.dispose()
