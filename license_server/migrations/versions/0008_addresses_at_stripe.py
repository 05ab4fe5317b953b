"""Addresses that Stripe is to be told of, and how far a periodic task has come"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("billing_customers") as table:
        table.add_column(sa.Column("email_due_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        op.f("ix_billing_customers_email_due_at"), "billing_customers", ["email_due_at"], unique=False
    )
    with op.batch_alter_table("periodic_tasks") as table:
        table.add_column(sa.Column("position", sa.String(length=255), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("periodic_tasks") as table:
        table.drop_column("position")
    op.drop_index(op.f("ix_billing_customers_email_due_at"), table_name="billing_customers")
    with op.batch_alter_table("billing_customers") as table:
        table.drop_column("email_due_at")
