"""What several pages of the dashboard are made of."""
