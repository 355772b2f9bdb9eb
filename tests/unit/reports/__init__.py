"""What people and finance read."""
