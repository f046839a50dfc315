"""Put the pages together."""

from __future__ import annotations

from flask import Flask

from webhooks.pages.config import PagesConfig
from webhooks.pages.jobs_pages import JobsPages
from webhooks.pages.layout import add_filters, blueprint
from webhooks.pages.operating_pages import OperatingPages
from webhooks.pages.signing_in import SigningIn
from webhooks.pages.visitors import Visitors


def add_pages(app: Flask, config: PagesConfig) -> None:
    """Add the pages to the App."""
    add_filters(app)
    visitors = Visitors(config.session_key)
    pages = blueprint("pages", visitors)
    SigningIn(config, visitors).add_to(pages)
    JobsPages(config).add_to(pages)
    OperatingPages(config).add_to(pages)
    app.register_blueprint(pages)
