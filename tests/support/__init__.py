"""What tests stand on: a PostgreSQL server of their own, a clock that they turn."""
