"""How far the set-up is, and its steps: credentials in, a file in the data directory out."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reviewer.errors import ReviewerError, SettingsError
from reviewer.llm.client_settings import read_key
from webhooks.github.app import AppClient, AppCredentials, AppDescription, convert_manifest, set_hook_secret
from webhooks.github.credentials import Credentials
from webhooks.github.errors import GitHubError, NotFound, Unauthorized, Unprocessable, WriteUncertain
from webhooks.operator_settings.private_key import is_rsa_key, read_private_key
from webhooks.registration.stored import APP_VARIABLES, NEEDED, data_dir_of, store, with_stored

#: Proves a key with a small question to the model, and returns what happened in words. Raises ReviewerError.
ProveKey = Callable[[str], str]

_CODE = re.compile(r"[A-Za-z0-9_-]{8,128}")


class SetupProblem(ReviewerError):
    """A step of the set-up that did not work; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SetupProgress:
    """What is known so far: from the environment, and stored by earlier steps."""

    environ: Mapping[str, str]

    @property
    def values(self) -> dict[str, str]:
        """The variables as they are now. Raises SettingsError."""
        return with_stored(self.environ)

    def has(self, *names: str) -> bool:
        """Whether all these variables are set."""
        values = self.values
        return all(values.get(name, "").strip() for name in names)

    @property
    def has_app(self) -> bool:
        """Whether the App is known."""
        return self.has(*APP_VARIABLES)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing any more."""
        return self.has(*NEEDED)

    def keep(self, **values: str) -> None:
        """Store values. Raises SettingsError."""
        store(data_dir_of(self.environ), values)

    def convert(self, api_url: str, code: str) -> AppDescription:
        """Exchange the code that GitHub sent for the App's credentials, and store them. Raises ReviewerError."""
        if not _CODE.fullmatch(code):
            raise SetupProblem("GitHub's answer has no code that can be used. Register the App again.")
        try:
            created = convert_manifest(api_url, code)
        except (NotFound, Unprocessable) as error:
            raise SetupProblem(
                "GitHub does not know this code any more: it is good once, and for an hour. If GitHub lists the new App"
                " among your Apps (Settings, Developer settings), delete it there; then register it here again."
            ) from error
        except WriteUncertain as error:
            raise SetupProblem(
                f"GitHub did not answer ({error}). Load this page again; if the code is used up by then, delete the"
                " new App at GitHub and register it here again."
            ) from error
        self._keep_app(api_url, created)
        return created.description

    def _keep_app(self, api_url: str, created: AppCredentials) -> None:
        secret = created.webhook_secret
        # First what GitHub will not tell again.
        self.keep(
            GITHUB_APP_ID=created.app_id,
            GITHUB_APP_PRIVATE_KEY=created.private_key,
            GITHUB_API_URL=api_url,
            GITHUB_APP_CLIENT_ID=created.client_id,
            GITHUB_APP_CLIENT_SECRET=created.client_secret,
        )
        if not secret:
            secret = secrets.token_hex(32)
            set_hook_secret(Credentials(api_url, app_id=created.app_id, private_key=created.private_key), secret)
        self.keep(GITHUB_WEBHOOK_SECRET=secret)

    def take_app(self, api_url: str, app_id: str, private_key: str, secret: str) -> AppDescription:
        """Prove the credentials of an App that was registered by hand, and store them. Raises ReviewerError."""
        app_id, secret = app_id.strip(), secret.strip()
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,60}", app_id):
            raise SetupProblem("Give the App ID (a number) or the client id, as they stand on the App's page.")
        if len(secret) < 8 or secret.split() != [secret]:
            raise SetupProblem("Give the webhook secret: at least 8 characters without blanks, the same as at GitHub.")
        if "-----BEGIN" not in private_key:
            raise SetupProblem("Paste the text of the .pem file that GitHub generated, with its first and last line.")
        pem = read_private_key(private_key)
        if not is_rsa_key(pem):
            raise SetupProblem("This private key is damaged: paste the whole text of the .pem file from GitHub.")
        try:
            found = AppClient(Credentials(api_url, app_id=app_id, private_key=pem)).description()
        except Unauthorized as error:
            raise SetupProblem(
                "GitHub refuses this id with this key. Are both of the same App, and is the key not deleted there? "
                f"({error})"
            ) from error
        self.keep(
            GITHUB_APP_ID=app_id, GITHUB_APP_PRIVATE_KEY=pem, GITHUB_API_URL=api_url, GITHUB_WEBHOOK_SECRET=secret
        )
        return found

    def take_key(self, text: str, prove: ProveKey) -> str:
        """Prove the model's key, store it, and return what the proof showed. Raises ReviewerError."""
        if not text.strip():
            raise SetupProblem("Give your RunAPI key; you find it at https://runapi.ai.")
        key = read_key("RUNAPI_KEY", text)
        shown = prove(key)
        self.keep(RUNAPI_KEY=key)
        return shown

    def finish(self) -> str:
        """Make the operator's token unless there is one; return it. Raises SettingsError."""
        known = self.values.get("REVIEWER_OPERATOR_TOKEN", "").strip()
        if known:
            return known
        token = secrets.token_urlsafe(24)
        self.keep(REVIEWER_OPERATOR_TOKEN=token)
        return token


def words_of(error: ReviewerError) -> str:
    """Return what a person is told about an error."""
    if isinstance(error, GitHubError):
        return f"{error} Is GitHub's address right, and can this machine reach it?" if not error.status else str(error)
    return f"{error}" if isinstance(error, SettingsError | SetupProblem) else f"{type(error).__name__}: {error}"
