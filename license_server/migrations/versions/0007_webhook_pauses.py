"""Pauses and ends of webhook endpoints, and jobs that failed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("webhook_endpoints") as table:
        table.add_column(sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("unanswered", sa.Integer(), server_default="0", nullable=False))
    with op.batch_alter_table("jobs") as table:
        table.add_column(sa.Column("state", sa.String(length=16), server_default="completed", nullable=False))
    op.create_index(op.f("ix_jobs_device_id_spend_id"), "jobs", ["device_id", "spend_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_jobs_device_id_spend_id"), table_name="jobs")
    with op.batch_alter_table("jobs") as table:
        table.drop_column("state")
    with op.batch_alter_table("webhook_endpoints") as table:
        table.drop_column("unanswered")
        table.drop_column("busy_until")
        table.drop_column("ended_at")
