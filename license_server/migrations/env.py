"""How Alembic reaches the app's database and models (run by Flask-Migrate, inside an app context)."""

from __future__ import annotations

from alembic import context
from flask import current_app

from license_server.database import Base, db


def run() -> None:
    """Runs the migrations in one transaction each; SQLite rewrites tables for what it cannot alter."""
    if context.is_offline_mode():
        context.configure(
            url=current_app.config["SQLALCHEMY_DATABASE_URI"],
            target_metadata=Base.metadata,
            literal_binds=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        return
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
