"""How many generated secrets are found: by form, by what stands around them, and as private keys in every wrapping.

The secrets are drawn here, at run time, from what the services document of their formats. None of them is real.
"""

from __future__ import annotations

import base64
import random
import re
import string
from collections.abc import Callable

import pytest

from reviewer.safety.redaction import redact

_ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "W": string.ascii_letters + string.digits + "_-",
    "B": string.ascii_letters + string.digits + "+/",
    "U": string.ascii_uppercase + string.digits,
    "L": string.ascii_lowercase + string.digits,
    "X": "0123456789abcdef",
    "D": string.digits,
}


def drawn(template: str, chance: random.Random) -> str:
    """Fill a template: `{A36}` are 36 letters and digits, W adds `_-`, B is base64, U upper case, X hexadecimal."""

    def fill(match: re.Match[str]) -> str:
        return "".join(chance.choices(_ALPHABETS[match[1]], k=int(match[2])))

    return re.sub(r"\{([AWBULXD])(\d+)\}", fill, template)


_UUID = "{X8}-{X4}-{X4}-{X4}-{X12}"

FORMATS = {
    "ElevenLabs": "sk_{X48}", "Firebase": "AAAA{A7}:APA91b{W134}",
    "GitHub classic": "ghp_{A36}", "GitHub OAuth": "gho_{A36}", "GitHub user": "ghu_{A36}", "GitHub app": "ghs_{A36}",
    "GitHub refresh": "ghr_{A36}", "GitHub fine-grained": "github_pat_{A22}_{A59}",
    "GitLab personal": "glpat-{W20}", "GitLab deploy": "gldt-{W20}", "GitLab runner": "glrt-{W20}",
    "GitLab trigger": "glptt-{X40}", "GitLab job": "glcbt-64_{W20}", "GitLab feed": "glft-{W20}",
    "GitLab OAuth": "gloas-{X64}", "Bitbucket": "ATBB{A32}", "Atlassian": "ATATT3xFfGF0{W160}={X8}",
    "npm": "npm_{A36}", "PyPI": "pypi-AgEIcHlwaS5vcmc{W120}", "RubyGems": "rubygems_{X48}", "crates.io": "cio{A32}",
    "NuGet": "oy2{L43}", "Docker": "dckr_pat_{W27}", "Artifactory": "AKCp{A69}", "CircleCI": "CCIPAT_{A22}_{X40}",
    "Buildkite": "bkua_{X40}", "SonarQube": "squ_{X40}", "Sourcegraph": "sgp_{X16}_{X40}", "Pulumi": "pul-{X40}",
    "Terraform Cloud": "{A14}.atlasv1.{W67}", "Octopus": "API-{U26}", "Prefect": "pnu_{A36}",
    "AWS key": "AKIA{U16}", "AWS temporary": "ASIA{U16}", "AWS Bedrock": "ABSK{B120}=",
    "Azure client secret": "{A3}8Q~{A34}", "Azure DevOps": "{A76}AZDO{A4}", "Azure storage": "{B76}+ASt{B6}==",
    "Azure OpenAI": "{A52}JQQJ99{A26}", "Google API": "AIza{W35}", "Google OAuth": "ya29.{W60}",
    "Google client": "GOCSPX-{W28}", "Alibaba": "LTAI{A20}", "Tencent": "AKID{A32}", "DigitalOcean": "dop_v1_{X64}",
    "Cloudflare origin": "v1.0-{X24}-{X146}", "Heroku": "HRKU-AA{W58}", "Fly.io": "fo1_{W43}",
    "Netlify": "nfp_{A36}", "Render": "rnd_{A32}", "OpenShift": "sha256~{W43}", "Tailscale": "tskey-auth-{A17}-{A32}",
    "Supabase": "sbp_{X40}", "Supabase secret": "sb_secret_{W31}", "PlanetScale": "pscale_tkn_{W43}",
    "MongoDB Atlas": "mdb_sa_sk_{W40}", "Databricks": "dapi{X32}", "Neon": "napi_{L64}", "Airtable": "pat{A14}.{X64}",
    "Pinecone": "pcsk_{A6}_{A63}", "Vault": "hvs.{W95}", "Doppler": "dp.pt.{A43}",
    "1Password": "A3-{U6}-{U11}-{U5}-{U5}-{U5}", "age": "AGE-SECRET-KEY-1{U58}",
    "OpenAI": "sk-proj-{W74}T3BlbkFJ{W74}", "OpenAI old": "sk-{A20}T3BlbkFJ{A20}", "Anthropic": "sk-ant-api03-{W93}AA",
    "RunAPI": "sk-{A48}", "Hugging Face": "hf_{A34}", "Perplexity": "pplx-{A48}", "Groq": "gsk_{A52}",
    "Replicate": "r8_{A37}", "xAI": "xai-{A80}", "LangSmith": "lsv2_pt_{X32}_{X10}", "OpenRouter": "sk-or-v1-{X64}",
    "Stripe": "sk_live_{A24}", "Stripe test": "rk_test_{A24}", "Stripe webhook": "whsec_{A32}",
    "Square": "EAAA{W60}", "Square OAuth": "sq0atp-{W22}", "Shopify": "shpat_{X32}",
    "Plaid": "access-production-" + _UUID, "Razorpay": "rzp_live_{A14}", "EasyPost": "EZAK{A54}",
    "Slack bot": "xoxb-{D12}-{D13}-{A24}", "Slack user": "xoxp-{D12}-{D12}-{D12}-{X32}",
    "Slack app": "xapp-1-{U11}-{D13}-{X64}", "Slack webhook": "https://hooks.slack.com/services/T{U8}/B{U10}/{A24}",
    "Discord webhook": "https://discord.com/api/webhooks/{D18}/{W68}", "Discord bot": "MT{A24}.{W6}.{W38}",
    "Telegram": "{D10}:AA{W33}", "SendGrid": "SG.{W22}.{W43}", "Mailgun": "key-{X32}", "Mailchimp": "{X32}-us12",
    "Brevo": "xkeysib-{X64}-{A16}", "Resend": "re_{A8}_{A24}", "Twilio": "SK{X32}",
    "Facebook": "EAAG{A120}", "Linear": "lin_api_{A40}", "Notion": "ntn_{D11}{A35}", "Figma": "figd_{W40}",
    "HubSpot": "pat-na1-" + _UUID, "Postman": "PMAK-{X24}-{X34}", "Contentful": "CFPAT-{W43}",
    "Dropbox": "sl.u.{W140}", "LaunchDarkly": "sdk-" + _UUID, "Grafana": "glsa_{A32}_{X8}",
    "Grafana Cloud": "glc_{B80}", "Sentry": "sntryu_{X64}", "New Relic": "NRAK-{U27}",
    "Dynatrace": "dt0c01.{U24}.{U64}", "JWT": "eyJ{A30}.eyJ{W60}.{W43}", "Adafruit": "aio_{A28}",
    "Okta": "00{A39}b", "GitLab cookie": "_gitlab_session={X32}", "Trello": "ATTA{X64}",
    "Inngest": "signkey-prod-{X64}",
    "Authress": "sc_{L12}.{L5}.acc-{L20}.{W60}", "Yandex": "t1.{A120}.{W86}", "Defined": "dnkey-{W26}-{W52}",
    "NVIDIA": "nvapi-{W64}", "Tavily": "tvly-dev-{A32}", "Firecrawl": "fc-{X32}", "E2B": "e2b_{X40}",
    "Jina": "jina_{X32}{W28}", "LlamaCloud": "llx-{A48}", "Apify": "apify_api_{A36}", "Polar": "polar_oat_{A43}",
    "Axiom": "xaat-" + _UUID, "Logfire": "pylf_v1_us_{A43}", "Frame.io": "fio-u-{W64}", "Adobe": "p8e-{A32}",
    "Intra42": "s-s4t2ud-{X64}", "Ory": "ory_st_{A32}", "JWT in base64": "ZXlKaGJHY2lPaU{A120}",
}  # fmt: skip

#: Without a telling name: the form alone must do.
_PLACES = ('x = "{}"', "    call({}, 1)", "- {}", "+  run --with {} here", "see {}", '{{"a": "{}"}}', "{}")

CONTEXTS = (
    "machine api.host.net login bot password {A14}7",
    "//registry.host.net/:_authToken={A30}9",
    "_auth={A30}8==",
    '{"auths": {"host.net": {"auth": "{B28}7=="}}}',
    "Server=db;User Id=app;Password={A12}4;Encrypt=true",
    "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={B86}==;EndpointSuffix=core",
    "Endpoint=sb://host/;SharedAccessKeyName=all;SharedAccessKey={B43}=",
    "https://api.host.net/v1/items?page=2&api_key={A24}7",
    "https://host.net/login?user=bob&password={A9}3",
    "curl -u bob:{A12}5 https://host.net/",
    "curl --user 'bob:{A12}5' https://host.net/",
    'curl -H "X-Api-Key: {A32}1" https://host.net/',
    'curl -H "Authorization: Bearer {A40}2"',
    "Authorization: Basic {A32}==",
    "<password>{A12}6</password>",
    "<db:apiKey>{A24}3</db:apiKey>",
    '<add key="DbPassword" value="{A12}4" />',
    '<property name="secret.key" value="{A24}5"/>',
    "ENV DB_PASSWORD {A6}x{D2}Z!",
    "ENV API_TOKEN={A24}7",
    "ARG NPM_TOKEN={A24}7",
    'password = "{A10}4"',
    'variable "api_token" { default = "x" }\ntoken = "{A26}1"',
    "  db-password: {B18}8==",
    "  clientSecret: {A30}2",
    '{name: DB_PASSWORD, value: "{A12}3"}',
    'const API_KEY: &str = "{A28}4";',
    'static SECRET: &\'static str = "{A28}4";',
    "define('DB_PASSWORD', '{A11}6');",
    "'password' => '{A11}6',",
    '$config["api_key"] = "{A24}6";',
    'String apiKey = "{A28}2";',
    'private static final String TOKEN = "{A28}2";',
    "export AWS_SECRET_ACCESS_KEY={B39}a",
    "aws_secret_access_key = {B39}b",
    "DATABASE_URL=postgres://app:{A12}3@db.host.net:5432/shop",
    "redis://:{A14}5@cache:6379/0",
    "mongodb+srv://app:{A12}8@cluster.host.net/",
    "mysql -uroot --password={A6}x{D2}Q!",
    "CREATE USER app IDENTIFIED BY '{A12}9';",
    "ALTER ROLE app WITH PASSWORD '{A12}9';",
    '{"kty": "RSA", "d": "{W86}x1"}',
    'SECRET_KEY = "{A50}7"',
    "secret_key_base: {X128}",
    "DB_PASS={A5}p{D2}W!",
    'Environment="REDIS_PASSWORD={A16}7"',
    "spring.datasource.password={A5}s{D2}K!",
    'client_secret: "{A36}5"',
    'os.environ["STRIPE_KEY_SECRET"] = "{A26}3"',
    "--from-literal=password={A6}x{D2}Y!",
    "host=db user=app password={A12}1 dbname=shop",
    "mysql -u root -p{A6}x{D2}Q shop",
    "redis-cli -a {A6}x{D2}Q ping",
    "https://{A38}11@git.host.net/shop.git",
    '#define API_KEY "{A30}12"',
    "set -x API_KEY {A6}x{D2}Z!",
    "helm install --set db.password={A6}x{D2}Z shop",
    'ConvertTo-SecureString "{A10}1!" -AsPlainText',
    '"{\\"password\\": \\"{A12}1\\"}"',
    "db.host.net:5432:shop:app:{A11}7",
    "*:*:*:postgres:{A11}7",
    "next=%2Flogin%3Fpassword%3D{A12}7%26page%3D2",
    "docker build --build-arg NPM_TOKEN={A6}x{D2}Z .",
    "url=postgres%3A%2F%2Fapp%3A{A12}8%40db.host.net%2Fshop",
    'variable "db_password" { type = string, default = "{A12}4" }',
    '  value: "{A10}aB3{A10}c4D"',
    '  default = "{A10}aB3{A10}c4D"',
    '"value": "{A10}aB3{A10}c4D",',
)  # fmt: skip


def test_secrets_of_known_forms_are_found(record_property: Callable[[str, object], None]) -> None:
    """At least 95 of 100 secrets of more than 100 formats leave, in places that say nothing of a secret."""
    chance = random.Random(7)
    missed: dict[str, list[str]] = {}
    for name, template in FORMATS.items():
        for place in _PLACES:
            secret = drawn(template, chance)
            if secret in redact(place.format(secret))[0]:
                missed.setdefault(name, []).append(secret)
    tried = len(FORMATS) * len(_PLACES)
    lost = sum(len(secrets) for secrets in missed.values())
    record_property("found", f"{tried - lost} of {tried}")
    assert lost <= 0.05 * tried, missed


def test_secrets_are_found_by_what_stands_around_them(record_property: Callable[[str, object], None]) -> None:
    """At least 90 of 100 values leave that files and tools of all kinds give as secrets."""
    chance, missed, tried = random.Random(11), [], 0
    for template in CONTEXTS:
        for prefix in ("", "+", "   12   14 |+", "    "):
            line = prefix + drawn(template, chance)
            tried += 1
            if redact(line)[1] == 0:
                missed.append(line)
    record_property("found", f"{tried - len(missed)} of {tried}")
    assert len(missed) <= 0.1 * tried, missed


_WRAPPINGS = {
    "plain": "{}", "indented": "    {}", "in a diff": "+{}", "numbered": "   12    13 |+{}", "quoted": '"{}\\n" +',
    "single quoted": "'{}',", "Go": '\t"{}\\n" +', "PHP": '  . "{}\\n"', "comment": "# {}", "slashes": "// {}",
    "e-mail": "> {}", "YAML": "      {}", "array": '  "{}",', "carriage return": "{}\r", "backslash": "{}\\n\\",
}  # fmt: skip


@pytest.mark.parametrize("wrapping", _WRAPPINGS)
@pytest.mark.parametrize("width", [32, 48, 64, 70, 76])
@pytest.mark.parametrize("label", ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY"])
def test_private_keys_leave_in_every_wrapping(wrapping: str, width: int, label: str) -> None:
    """No line of a private key is left, however it is wrapped and whatever stands around its lines."""
    material = base64.b64encode(random.Random(width).randbytes(300)).decode()
    body = [material[at : at + width] for at in range(0, len(material), width)]
    lines = [f"-----BEGIN {label}-----", *body, f"-----END {label}-----"]
    text = "\n".join(_WRAPPINGS[wrapping].format(line) for line in lines)
    clean, count = redact(text)
    assert count == 1
    assert clean.count("\n") == text.count("\n")
    assert not [line for line in body if len(line) > 8 and line in clean]


@pytest.mark.parametrize(
    "label", ["CERTIFICATE", "PUBLIC KEY", "CERTIFICATE REQUEST", "PGP SIGNATURE", "PGP PUBLIC KEY BLOCK", "X509 CRL"]
)
def test_what_is_public_stays(label: str) -> None:
    """Certificates, public keys and signatures are no secrets, although their lines look like those of a key."""
    material = base64.b64encode(random.Random(3).randbytes(300)).decode()
    body = [material[at : at + 64] for at in range(0, len(material), 64)]
    text = "\n".join([f"-----BEGIN {label}-----", *body, f"-----END {label}-----"])
    assert redact(text) == (text, 0)


def test_keys_that_were_encoded_once_more_leave() -> None:
    """Kubernetes and CI systems keep PEM files in base64: a private key leaves, a certificate stays."""
    key = base64.b64encode(b"-----BEGIN RSA PRIVATE KEY-----\n" + b"x9" * 100).decode()
    certificate = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n" + b"x9" * 100).decode()
    assert redact(f"  tls.key: {key}") == ("  tls.key: [redacted: key material]", 1)
    assert redact(f"  tls.crt: {certificate}") == (f"  tls.crt: {certificate}", 0)


_HOSTILE = (
    *(" ", "\n", "\t", "'", '"', "[", "(", "<", ">", "`", "*", "-",
    "0", "+", "/", "=", ".", "_", ":", "\\n", "|", "1 | "),
    *("eyJ-", "eyJa.", "token: ", "token", "password ", "'password': '", "://:@", "a://b:", "aws secret", "sk-a-"),
    *("ghp_.", "-----BEGIN ", "MII/", "<password ", "name='password' value='", "curl -u ", "--password ", "?key="),
    *("; pwd=", "AAAAAAAAAAAAAAAAAAAA", "sl.u.", "x-api-key", '"d": "', "Private-Lines: 1", "basic "),
    *("--set password=", '\\"token\\":\\"', "#define key '", "mysql -p", "mysql -a ", "a://b@", "--env token"),
    *("host= password=1", "set -x ", "a:5:", "*:*:", "%3d", "token%3D", "%3A%2F%2F", "%3A%2F%2F%3A", "value: "),
    *("00a", "t1.", 'variable "token" {', 'variable "', "default=", "sc_aaaaa.aaaa.acc-", "t1.=."),
    *("define('token',", "mi", "---- BEGIN "),
)  # fmt: skip


@pytest.mark.parametrize("unit", _HOSTILE)
@pytest.mark.slow
def test_time_is_linear_whatever_is_repeated(unit: str, cpu_ratio) -> None:
    """Twice the text takes about twice the time, for pieces chosen to provoke backtracking."""
    assert cpu_ratio(redact, lambda size: unit * (size // len(unit)) + "!", 60_000) < 3.2
