"""Version 1: the first tables. They are created from the models, as new tables of any version are."""

revision = "1"
down_revision = None
branch_labels = None
depends_on = None
