"""The durable queue of jobs. Others import only `webhooks.queue.jobs`; only this folder knows DBOS and SQLAlchemy."""
