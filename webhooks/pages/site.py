"""Put the pages together."""

from __future__ import annotations

from flask import Flask

from webhooks.environment import Environment
from webhooks.github.credentials import Credentials
from webhooks.pages.config import PagesConfig
from webhooks.pages.jobs_pages import JobsPages
from webhooks.pages.layout import add_filters, blueprint
from webhooks.pages.learned_pages import LearnedPages
from webhooks.pages.operating_pages import OperatingPages
from webhooks.pages.signing_in import SigningIn
from webhooks.pages.visitors import Visitors
from webhooks.queue.jobs import Jobs


def pages_of(environment: Environment, jobs: Jobs, credentials: Credentials | None) -> PagesConfig:
    """Return what the pages are made of."""
    token, secret = environment.operator_token, environment.client_secret
    return PagesConfig(
        jobs,
        environment.api_url,
        operator_token=token.get_secret_value() if token else "",
        client_id=environment.client_id,
        client_secret=secret.get_secret_value() if secret else "",
        credentials=credentials,
    )


def add_pages(app: Flask, config: PagesConfig) -> None:
    """Add the pages to the App."""
    add_filters(app)
    visitors = Visitors(config.session_key)
    pages = blueprint("pages", visitors)
    SigningIn(config, visitors).add_to(pages)
    JobsPages(config).add_to(pages)
    LearnedPages(config).add_to(pages)
    OperatingPages(config).add_to(pages)
    app.register_blueprint(pages)
