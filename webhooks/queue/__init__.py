"""The durable engine behind `webhooks.queue.jobs`. Nothing else imports it; only it knows DBOS and SQLAlchemy."""
