"""The durable engine behind `webhooks.jobs`. Nothing else imports it; only it knows DBOS and SQLAlchemy."""
