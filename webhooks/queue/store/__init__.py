"""The database and its tables: jobs, answers, costs, leases. Each function takes a connection."""
