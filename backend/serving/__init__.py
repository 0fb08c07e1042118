"""Server, jobs and authentication; knows no network."""
