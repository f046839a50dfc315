"""Secrets that are known by their form alone, whatever name they are given. Data only.

Each row has the kind that the reader sees, a piece of text in lower case without which the form cannot occur (looking
for it is far cheaper than searching), and the form. A form is tried only where no letter, digit or `_` stands before
it. A repetition is bounded, unless it is the last thing in its form: then it ends in a match, and the search goes on
behind it. So a search takes time linear in the length of the text.

The formats are those that the services document or that secret scanners know: GitHub's supported secrets
(https://docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns), and the rules
of gitleaks (https://github.com/gitleaks/gitleaks) and detect-secrets (https://github.com/Yelp/detect-secrets).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

#: Compiles an expression when it is first needed: most texts hold few of the needles, and compiling all of the
#: expressions would take a tenth of the time of `reviewer diff`.
compiled = cache(re.compile)


@dataclass(frozen=True, slots=True)
class SecretForm:
    """One format. `group` is what is replaced; `accepts` decides about what was found, by its text."""

    kind: str
    needle: str
    expression: str
    group: int = 0
    accepts: Callable[[str], bool] | None = None

    def is_in(self, text: str) -> bool:
        """Whether the form occurs in the text."""
        return compiled(self.expression).search(text) is not None

    def spans(self, line: str) -> list[tuple[int, int]]:
        """Return where secrets of this form stand on the line."""
        matches = compiled(self.expression).finditer(line)
        return [match.span(self.group) for match in matches if self.accepts is None or self.accepts(match[self.group])]


def is_random(value: str) -> bool:
    """Whether the value looks drawn by lot: 16 or more characters that often change between letter and digit, or case.

    Names change class at the start of a word only: `sha256_of_the_token`, `getAccessTokenFromHeader`.
    """
    if len(value) < 16 or not any(char.isalpha() for char in value):
        return False
    pairs = [(a, b) for a, b in pairwise(value) if a.isalnum() and b.isalnum()]
    digits = sum(a.isdigit() != b.isdigit() for a, b in pairs)
    cases = sum(a.isalpha() and b.isalpha() and a.isupper() != b.isupper() for a, b in pairs)
    return (digits >= 3 and digits >= 0.12 * len(value)) or (digits > 0 and digits + cases >= 0.5 * len(value))


def _has_random_run(value: str) -> bool:
    """Whether a part of the value without `-` and `_` is long and mixed: `sk-` also begins names of CSS classes.

    OpenAI's keys have the same eight characters in their middle (base64 of `OpenAI`).
    """
    if "T3BlbkFJ" in value:
        return True
    parts = re.split(r"[_-]", value)
    return any(len(part) >= 16 and _has_digit(part) and any(c.isalpha() for c in part) for part in parts)


def _is_mixed(value: str) -> bool:
    return is_random(value) and any(map(str.isupper, value)) and any(map(str.islower, value))


def _has_digit(value: str) -> bool:
    return any(char.isdigit() for char in value)


_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
#: Nothing of the token's alphabet may follow: a longer word is something else.
_END = r"(?![A-Za-z0-9_])"

_ROWS: tuple[tuple[str, str, str], ...] = (
    # Source hosting, packages, continuous integration
    ("github token", "gh", r"gh[pousr]_[A-Za-z0-9._-]{35,800}[A-Za-z0-9_-]"),
    ("github token", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,}+"),
    ("gitlab token", "gl", r"gl(?:pat|ptt|rt|rtr|dt|cbt|ft|imt|agent|oas|soat|ffct)-[A-Za-z0-9_.-]{20,}+"),
    ("gitlab token", "gr1348941", r"GR1348941[A-Za-z0-9_-]{20,}+"),
    ("bitbucket token", "atbb", r"ATBB[A-Za-z0-9_=.-]{24,}+"),
    ("atlassian token", "at", r"AT[AC]TT3[A-Za-z0-9_=+/-]{40,}+"),
    ("azure devops token", "azdo", r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}" + _END),
    ("npm token", "npm_", r"npm_[A-Za-z0-9]{36}" + _END),
    ("pypi token", "pypi-", r"pypi-AgE[A-Za-z0-9_-]{50,}+"),
    ("rubygems key", "rubygems_", r"rubygems_[0-9a-f]{48}" + _END),
    ("crates.io token", "cio", r"cio[A-Za-z0-9]{32}" + _END),
    ("nuget key", "oy2", r"oy2[a-z0-9]{43}" + _END),
    ("clojars token", "clojars_", r"(?i:CLOJARS_)[A-Za-z0-9]{60}" + _END),
    ("docker token", "dckr_", r"dckr_[po]at_[A-Za-z0-9_-]{27,}+"),
    ("artifactory key", "akcp", r"AKCp[A-Za-z0-9]{69,73}" + _END),
    ("artifactory token", "cmvmd", r"cmVmd[A-Za-z0-9]{59}" + _END),
    ("circleci token", "ccip", r"CCIP(?:AT|RJ)_[A-Za-z0-9_]{30,}+"),
    ("buildkite token", "bk", r"bk(?:ua|aj|at)_[0-9a-f]{40}" + _END),
    ("sonarqube token", "sq", r"sq[uap]_[0-9a-f]{40}" + _END),
    ("sourcegraph token", "sgp_", r"sgp_(?:(?:[0-9a-fA-F]{16}|local)_)?[0-9a-fA-F]{40}" + _END),
    ("pulumi token", "pul-", r"pul-[0-9a-f]{40}" + _END),
    ("terraform token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}+"),
    ("octopus key", "api-", r"API-[A-Z0-9]{26}" + _END),
    ("harness key", "t.", r"[ps]at\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}" + _END),
    ("infracost key", "ico-", r"ico-[A-Za-z0-9]{32}" + _END),
    ("prefect key", "pn", r"pn[ub]_[A-Za-z0-9]{36}" + _END),
    ("gitlab cookie", "_gitlab_session=", r"_gitlab_session=[0-9a-f]{32}" + _END),
    ("trello token", "atta", r"ATTA[0-9a-f]{64}(?:[0-9A-F]{8})?" + _END),
    (
        "authress key",
        ".acc",
        r"(?:sc|ext|scauth|authress)_[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_-][a-z0-9-]{10,32}\.[\w+/=-]{30,}+",
    ),
    ("inngest key", "signkey-", r"signkey-[a-z]{2,20}-[0-9a-f]{32,}+"),
    # Clouds and hosting
    ("aws key", "a", r"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}" + _END),
    ("aws key", "absk", r"ABSK[A-Za-z0-9+/]{100,}+={0,2}"),
    ("aws key", "bedrock-api-key-", r"bedrock-api-key-[A-Za-z0-9+/=]{40,}+"),
    ("azure secret", "q~", r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~.-])"),
    ("azure key", "+a", r"[A-Za-z0-9+/]{76}\+A(?:St|Ba|EH|CR)[A-Za-z0-9+/]{2,10}={0,2}"),
    ("azure key", "ac", r"[A-Za-z0-9+/]{76}AC(?:Db|R)[A-Za-z0-9+/]{5,10}={0,2}"),
    ("azure key", "az", r"[A-Za-z0-9_-]{33,52}Az(?:Fu|Se|Ca|Iot)[A-Za-z0-9_=-]{4,10}"),
    ("azure key", "jqqj99", r"[A-Za-z0-9]{40,60}JQQJ99[A-Za-z0-9]{10,40}" + _END),
    ("google api key", "aiza", r"AIza[A-Za-z0-9_-]{35}" + _END),
    ("google token", "ya29.", r"ya29\.[A-Za-z0-9_-]{20,}+"),
    ("google token", "gocspx-", r"GOCSPX-[A-Za-z0-9_-]{20,}+"),
    ("google token", "1//0", r"1//0[A-Za-z0-9_-]{40,}+"),
    ("google key", ":apa91b", r"AAAA[A-Za-z0-9_-]{7}:APA91b[A-Za-z0-9_-]{100,}+"),
    ("alibaba key", "ltai", r"LTAI[A-Za-z0-9]{12,20}" + _END),
    ("tencent key", "akid", r"AKID[A-Za-z0-9]{32}" + _END),
    ("yandex token", "t1.", r"t1\.[A-Za-z0-9_-]{1,400}={0,2}\.[A-Za-z0-9_-]{86}(?![A-Za-z0-9_-])"),
    ("yandex key", "aqvn", r"AQVN[A-Za-z0-9_-]{35,38}" + _END),
    ("digitalocean token", "_v1_", r"do[opr]_v1_[0-9a-f]{64}" + _END),
    ("cloudflare key", "v1.0-", r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}" + _END),
    ("cloudflare token", "cf", r"cf(?:k|ut|at)_[A-Za-z0-9_-]{40,}+"),
    ("heroku key", "hrku-", r"HRKU-[A-Za-z0-9_-]{36,}+"),
    ("fly.io token", "fo1_", r"fo1_[A-Za-z0-9_-]{43}" + _END),
    ("fly.io token", "fm", r"fm(?:1[ar]|2)_[A-Za-z0-9+/]{100,}+={0,3}"),
    ("netlify token", "nf", r"nf[a-z]_[A-Za-z0-9_]{36,}+"),
    ("vercel token", "vc", r"vc[pciark]_[A-Za-z0-9]{24,}+"),
    ("render key", "rnd_", r"rnd_[A-Za-z0-9]{28,}+"),
    ("scalingo token", "tk-us-", r"tk-us-[A-Za-z0-9_-]{48}" + _END),
    ("openshift token", "sha256~", r"sha256~[A-Za-z0-9_-]{43}" + _END),
    ("deno token", "ddp_", r"ddp_[A-Za-z0-9]{36,}+"),
    ("tailscale key", "tskey-", r"tskey-[a-z]{2,12}-[A-Za-z0-9-]{16,}+"),
    ("defined networking key", "dnkey-", r"dnkey-[A-Za-z0-9_-]{26}-[A-Za-z0-9_-]{52}"),
    # Data stores
    ("supabase key", "sb", r"sb(?:p_(?:v0_)?[0-9a-f]{40}|_secret_[A-Za-z0-9_-]{20,}+)"),
    ("planetscale token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{32,}+"),
    ("mongodb secret", "mdb_sa_sk_", r"mdb_sa_sk_[A-Za-z0-9_-]{36,}+"),
    ("databricks token", "d", r"d(?:api|ose|kea|sapi)[0-9a-f]{32}(?:-[0-9])?" + _END),
    ("clickhouse key", "4b1d", r"4b1d[A-Za-z0-9]{38}" + _END),
    ("neon key", "napi_", r"napi_[a-z0-9]{40,}+"),
    ("pinecone key", "pcsk_", r"pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{60,}+"),
    ("airtable token", "pat", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}" + _END),
    ("vault token", "hv", r"hv[bsr]\.[A-Za-z0-9_-]{24,}+"),
    ("doppler token", "dp.", r"dp\.[a-z]{2,5}\.(?:[A-Za-z0-9_-]{1,32}\.)?[A-Za-z0-9]{40,44}" + _END),
    ("1password key", "a3-", r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}" + _END),
    ("1password token", "ops_eyj", r"ops_eyJ[A-Za-z0-9+/_-]{100,}+={0,3}"),
    ("age key", "age-secret-key-1", r"AGE-SECRET-KEY-1[A-Z0-9]{58}" + _END),
    # Models
    ("anthropic key", "sk-ant-", r"sk-ant-[a-z0-9]{3,12}-[A-Za-z0-9_-]{20,}+"),
    ("hugging face token", "hf_", r"hf_[A-Za-z0-9]{30,}+"),
    ("hugging face token", "api_org_", r"api_org_[A-Za-z0-9]{34}" + _END),
    ("perplexity key", "pplx-", r"pplx-[A-Za-z0-9]{40,}+"),
    ("groq key", "gsk_", r"gsk_[A-Za-z0-9]{40,}+"),
    ("replicate token", "r8_", r"r8_[A-Za-z0-9]{37}" + _END),
    ("xai key", "xai-", r"xai-[A-Za-z0-9]{70,}+"),
    ("together key", "tgp_", r"tgp_v1_[A-Za-z0-9_-]{40,}+"),
    ("cerebras key", "csk-", r"csk-[a-z0-9]{40,}+"),
    ("langsmith key", "lsv2_", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}" + _END),
    ("fireworks key", "fw_", r"fw_[A-Za-z0-9]{22,24}" + _END),
    ("nvidia key", "nvapi-", r"nvapi-[A-Za-z0-9_-]{60,}+"),
    ("tavily key", "tvly-", r"tvly-(?:dev-|prod-)?[A-Za-z0-9]{32}" + _END),
    ("firecrawl key", "fc-", r"fc-[0-9a-f]{32}" + _END),
    ("e2b key", "e2b_", r"e2b_[0-9a-f]{40}" + _END),
    ("jina key", "jina_", r"jina_[0-9a-f]{32}[A-Za-z0-9_-]{20,}+"),
    ("llamacloud key", "llx-", r"llx-[A-Za-z0-9]{40,}+"),
    ("apify token", "apify_api_", r"apify_api_[A-Za-z0-9]{36,}+"),
    ("elevenlabs key", "sk_", r"sk_[0-9a-f]{48}" + _END),
    # Payments and shops
    ("stripe key", "k_", r"(?:sk|rk)_(?:test|live|prod)_[A-Za-z0-9_]{10,}+"),
    ("stripe key", "whsec_", r"whsec_[A-Za-z0-9+/]{24,}+={0,2}"),
    ("square token", "eaaa", r"EAAA[A-Za-z0-9_-]{55,}+"),
    ("square token", "sq0", r"sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,}+"),
    ("shopify token", "shp", r"shp(?:at|ca|pa|ss|ua|tka)_[0-9a-fA-F]{32}" + _END),
    ("plaid token", "access-", r"access-(?:sandbox|development|production)-" + _UUID),
    ("razorpay key", "rzp_", r"rzp_(?:live|test)_[A-Za-z0-9]{14,}+"),
    ("flutterwave key", "flwseck", r"FLWSECK(?:_TEST|_LIVE)?-[A-Za-z0-9-]{12,}+"),
    ("easypost key", "ez", r"EZ[AT]K[A-Za-z0-9]{54}" + _END),
    ("shippo token", "shippo_", r"shippo_(?:live|test)_[0-9a-fA-F]{40}" + _END),
    ("duffel token", "duffel_", r"duffel_(?:live|test)_[A-Za-z0-9_=-]{43}" + _END),
    ("lob key", "_pub_", r"(?:live|test)_pub_[0-9a-f]{31}" + _END),
    ("paypal token", "access_token$", r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}" + _END),
    ("polar token", "polar_", r"polar_(?:oat|pat|rt|whs)_[A-Za-z0-9]{30,}+"),
    # Messages
    ("slack token", "xox", r"xox[abceoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}+"),
    ("slack token", "xapp-", r"xapp-[0-9]-[A-Z0-9]{8,40}-[0-9]{8,40}-[A-Fa-f0-9]{32,}+"),
    (
        "slack webhook",
        "hooks.slack.com",
        r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}+",
    ),
    ("discord webhook", "/api/webhooks/", r"https://discord(?:app)?\.com/api/webhooks/[0-9]{1,24}/[A-Za-z0-9_-]{40,}+"),
    ("discord token", ".", r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}" + _END),
    ("telegram token", ":aa", r"[0-9]{8,10}:AA[A-Za-z0-9_-]{32,34}" + _END),
    ("teams webhook", ".webhook.office.com", r"webhook\.office\.com/webhookb2/[A-Za-z0-9@/_-]{60,}+"),
    ("sendgrid key", "sg.", r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{30,}+"),
    ("mailgun key", "key-", r"key-[0-9a-f]{32}" + _END),
    ("mailchimp key", "-us", r"[0-9a-f]{32}-us[0-9]{1,2}" + _END),
    ("brevo key", "sib-", r"x(?:key|smtp)sib-[0-9a-f]{64}-[A-Za-z0-9]{16}" + _END),
    ("mailersend token", "mlsn.", r"mlsn\.[0-9a-f]{64}" + _END),
    ("resend key", "re_", r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,30}" + _END),
    ("twilio key", "sk", r"SK[0-9a-f]{32}" + _END),
    ("facebook token", "eaa", r"EAA[A-Za-z0-9]{80,}+"),
    ("twitter token", "aaaaaaaaaa", r"A{18,22}+(?!A)[A-Za-z0-9%]{40,}+"),
    # Work and measurements
    ("linear key", "lin_", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}+"),
    ("notion token", "ntn_", r"ntn_[A-Za-z0-9]{40,}+"),
    ("figma token", "fig", r"fig(?:d|or|u|o)_[A-Za-z0-9_-]{36,}+"),
    ("hubspot token", "pat-", r"pat-[a-z]{2}[0-9]-" + _UUID),
    ("postman key", "pmak-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}" + _END),
    ("contentful token", "cfpat-", r"CFPAT-[A-Za-z0-9_-]{43}" + _END),
    ("typeform token", "tfp_", r"tfp_[A-Za-z0-9_.-]{40,}+"),
    ("readme key", "rdme_", r"rdme_[a-z0-9]{70}" + _END),
    ("adafruit key", "aio_", r"aio_[A-Za-z0-9]{28}" + _END),
    ("wakatime key", "waka_", r"waka_" + _UUID),
    ("dropbox token", "sl.", r"sl\.(?:u\.)?[A-Za-z0-9_-]{120,}+"),
    ("mapbox token", "sk.eyj", r"sk\.eyJ[A-Za-z0-9_-]{20,800}+\.[A-Za-z0-9_-]{16,}+"),
    ("maxmind key", "_mmk", r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk" + _END),
    ("launchdarkly key", "-", r"(?:sdk|api)-" + _UUID),
    ("axiom token", "xa", r"xa(?:at|pt)-" + _UUID),
    ("logfire token", "pylf_v", r"pylf_v[0-9]_[A-Za-z0-9_]{30,}+"),
    ("frame.io token", "fio-u-", r"fio-u-[A-Za-z0-9=_-]{64}"),
    ("adobe secret", "p8e-", r"p8e-[A-Za-z0-9]{32}" + _END),
    ("intra42 secret", "s-s4t2", r"s-s4t2(?:ud|af)-[0-9a-f]{64}" + _END),
    ("ory token", "ory_", r"ory_(?:st|at|rt|ac|pat|lo)_[A-Za-z0-9_-]{30,}+"),
    ("statsig key", "secret-", r"secret-[A-Za-z0-9]{40,}+"),
    ("posthog key", "phx_", r"phx_[A-Za-z0-9]{40,}+"),
    ("grafana token", "glsa_", r"glsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}" + _END),
    ("grafana token", "glc_", r"glc_[A-Za-z0-9+/]{32,}+={0,3}"),
    ("grafana key", "eyjrijoi", r"eyJrIjoi[A-Za-z0-9]{60,}+={0,3}"),
    ("sentry token", "sntry", r"sntry[su]_[A-Za-z0-9+/=_-]{50,}+"),
    ("new relic key", "nr", r"NR(?:AK|AA|JS|II|IQ|SP|RA)-[A-Za-z0-9_-]{20,}+"),
    ("dynatrace token", "dt0", r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}" + _END),
    ("honeycomb key", "hca", r"hca[iml]k_[a-z0-9]{56,}+"),
    ("settlemint token", "sm_", r"sm_[aps]at_[A-Za-z0-9]{16,}+"),
    ("jwt", "eyj", r"eyJ[A-Za-z0-9_-]{8,800}+\.eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+"),
    ("jwt", "zxlkagjhy2lpau", r"ZXlKaGJHY2lPaU[A-Za-z0-9+/_-]{60,}+={0,2}"),
    # Private keys on one line, by how their DER or OpenSSH encoding begins
    (
        "key material",
        "mi",
        r"MI[A-Za-z0-9+/]{2,5}(?:gEAMA0GCSqGSIb3|BADANBgkqhkiG9w0B|BAAKC|BAAKB)[A-Za-z0-9+/=]{50,}+",
    ),
    ("key material", "m", r"M(?:[HI][A-Za-z0-9+/]{1,3}AgE[AB]|HcCAQEE|C4CAQAwBQYDK2V)[A-Za-z0-9+/=]{30,}+"),
    ("key material", "b3blbnnzac1rzxktdj", r"b3BlbnNzaC1rZXktdj[A-Za-z0-9+/=]{60,}+"),
)

_WORD_STARTS = r"(?<![A-Za-z0-9_])"

FORMS: tuple[SecretForm, ...] = (
    *(SecretForm(kind, needle, _WORD_STARTS + form) for kind, needle, form in _ROWS),
    # OpenAI, RunAPI and their like; also the form of CSS classes.
    SecretForm("api key", "sk-", r"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{20,}+", 0, _has_random_run),
    SecretForm("vault token", "s.", r"(?<![A-Za-z0-9_.])s\.([A-Za-z0-9]{24})" + _END, 0, is_random),
    SecretForm("notion token", "secret_", _WORD_STARTS + r"secret_[A-Za-z0-9]{43}" + _END, 0, _has_digit),
    SecretForm("facebook token", "|", r"(?<![\w])[0-9]{15,16}\|[A-Za-z0-9_-]{27,40}" + _END, 0, is_random),
    SecretForm("okta token", "00", r"(?<![A-Za-z0-9_/+-])00[A-Za-z0-9_-]{40}(?![A-Za-z0-9_/+=-])", 0, _is_mixed),
    SecretForm("azure signature", "sig=", r"[?&]sig=([A-Za-z0-9%+/=_-]{40,256}+)", 1),
)
