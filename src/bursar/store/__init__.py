"""The journal and everything else that Bursar keeps: schema, migrations, the one writer, and reading."""
