"""The words by which people turn a finding down, and those that cast doubt on it. Pure: tables only.

`webhooks.publishing.people.dismissals` reads replies with them.
"""

from __future__ import annotations

import re

Words = tuple[str, ...]

# ----------------------------------------------------------------------- one form for each word

CONTRACTIONS = (
    (re.compile(r"\b(?:won'?t)\b"), "will not"),
    (re.compile(r"\b(?:can'?t|cannot)\b"), "can not"),
    (re.compile(r"\b(is|was|are|were|does|did|do|would|should|could|has|have|had|need|ai)n'?t\b"), r"\1 not"),
    (re.compile(r"\b(it|that|this|there|what|he|she|here|everything)'?s\b(?<!its)(?<!hes)(?<!thiss)"), r"\1 is"),
    (re.compile(r"\b(\w+)'(?:re)\b"), r"\1 are"),
    (re.compile(r"\b(\w+)'(?:m)\b"), r"\1 am"),
    (re.compile(r"\b(\w+)'(?:ll)\b"), r"\1 will"),
    (re.compile(r"\b(\w+)'(?:ve)\b"), r"\1 have"),
    (re.compile(r"\b(\w+)'(?:d)\b"), r"\1 would"),
    (re.compile(r"\bwill not-?fix\b|\bwontfix\b"), "will not fix"),
    (re.compile(r"\bfalse?-? ?positi?ve?\b"), "false positive"),
    (re.compile(r"\bnon-?(issue|bug|problem)\b"), r"non \1"),
    (re.compile(r"\bf/p\b"), "fp"),
    # Somebody else agreed with the refusal, not the person with the finding.
    (re.compile(r"@[\w-]{1,40}(?:\[bot\])? (?:has |have )?agree[ds]?\b"), ""),
    (re.compile(r"\bbehavior\b"), "behaviour"),
    (re.compile(r"\bnot (?:a )?bug,? but (?:it is )?a feature\b"), "not a bug a feature"),
)

#: What ends a clause. A full stop inside a word ("a.py") does not.
CLAUSE_END = re.compile(r"[!;:,()\[\]\n]|\.(?=\s|\Z)|\.{2,}|\s[-\u2013\u2014]+\s|[\u2013\u2014]|\s/\s|--")

WORD = re.compile(r"[\w'/@.%+-]+")

#: What follows takes back or limits what stood before.
CONTRAST = re.compile(
    r"\b(?:but|however|although|though|yet|except|unless|until|nevertheless|nonetheless|whereas|besides|otherwise"
    r"|in theory|in principle|on the other hand|that said)\b"
)

#: Refusals in the languages that reviews are often written in. Only as the whole reply: what else is said is not read.
WHOLE_REPLIES = frozenset({
    "误报", "这是误报",
    "不是bug", "不是 bug", "这不是bug", "这不是 bug", "不是问题", "设计如此", "这是设计如此",
    "符合预期", "有意为之", "故意的", "不修复", "不予修复",
    "誤検知", "誤検知です", "仕様", "仕様です", "これは仕様です", "意図的です", "意図した動作です",
    "バグではありません",
    "오탐", "오탐입니다", "의도된 동작입니다", "버그가 아닙니다",
    "falsch positiv", "fehlalarm", "kein fehler", "das ist kein fehler", "kein bug", "absicht", "das ist absicht",
    "gewollt", "so gewollt", "das ist so gewollt", "beabsichtigt", "wird nicht behoben",
    "faux positif", "c'est un faux positif", "c'est voulu", "intentionnel", "c'est intentionnel", "pas un bug",
    "ce n'est pas un bug", "falso positivo", "es un falso positivo", "es intencional", "no es un bug", "no es un error",
    "a propósito", "é um falso positivo", "é intencional", "é proposital", "não é um bug", "è un falso positivo",
    "è voluto", "non è un bug", "ложное срабатывание", "так задумано", "не баг", "это не баг", "это не ошибка",  # noqa: RUF001 - Russian
})  # fmt: skip

# ----------------------------------------------------------------------- words that forbid a dismissal


def _pattern(text: str) -> str:
    """Return a pattern that is written over several lines."""
    return "".join(line.strip() for line in text.splitlines())


_ACTIONS = _pattern(r"""
    (?:fix|mend|repair|patch|chang|correct|address|resolv|solv|updat|push|commit|revert|rewrit|rewrot|rework
    |refactor|improv|adjust|adapt|tweak|clean|remov|add|replac|handl|guard|mov|renam|check|investigat|look|tak
    |do\b|did\b|see\b|try|tri|clos|clarif|rephras|drop|delet|tackl|sort|rais|catch|mak|made|writ|wrot|open|creat
    |fil|swap|split|merg|us)
""")
#: What was mended, or will be.
_REPAIRS = _pattern(r"""
    \b(?:bug ?)?fix(?:e[sd]|ing)?\b|\bunfixed\b|\bmend|\brepair|\bpatch(?:ed|ing)|\bcorrect(?:ed|ing|ion)
    |\baddress(?:ed|ing)|\bresolv(?:ed|ing)|\bsolved\b|\bsorted\b|\breworked\b|\brewr(?:ote|itten)\b|\bpushed\b
    |\bupdated\b|\brefactored\b|\breverted\b|\bdone\b|\bhotfix|\b(?:i|we)(?: (?:have|am|are|did|just|also|already
    |now|will|shall|can|should|must|would|need to|going to|gonna|want to
    |plan to))+ (?:just |now |also |already |then |be )*ACTIONS|(?:\b(?:i|we) |^
    |^just |^already |^also )ACTIONS\w*(?:ed|d|ote|ade|ook)\b|\b(?:will|shall) (?:be )?(?!not\b|never\b)ACTIONS
    |\bgoing to (?:be )?ACTIONS|\b(?:needs?|has|have|ought) to (?:be )?ACTIONS|\blet(?: me|'s| us)\b|\blemme\b
    |\btodo\b|\bto-do\b|\bon it\b|\bwip\b|\bfollow[- ]?up\b|\bsoon\b|\btomorrow\b|\btoday\b|\bnext (?:commit|pr
    |push)|(?:^|\b(?:am|are|i) )(?:still |just )?(?:looking|working|investigating|checking)\b
    |\blook(?:ing)? into\b|\bnow\b|\bany ?more\b|\bno longer\b|\bstill (?:a|an)\b
""")
#: That the finding is right.
_AGREEMENT = _pattern(r"""
    \b(?:good|nice|great|excellent|fair|lovely|awesome|valid|sharp) (?:catch|point|find|finding|spot|call|eye|job
    |one)\b|\bwell (?:spotted|seen|found|caught)\b|\b(?:is|are|ur|u|youre|totally|quite
    |absolutely) (?:\w+ )?right\b|\bis (?:\w+ )?(?:valid|legit|legitimate)\b|\b(?:are|is) correct\b(?= (?:that
    |about|and|indeed)|$)|(?<!dis)\bagree(?:d|s)?\b|\bmy (?:bad|mistake|fault)\b|\b(?:oo+ps|whoops|ouch|damn|d'oh
    |argh)\b|\b(?:confirmed|acknowledged|accepted|ack|true positive|legit)\b|\bmakes sense\b|\+1\b|\b(?:catching
    |spotting|noticing|finding (?:this|that|it))\b|\babsolutely\b|\bexactly\b|\bof course\b
""")
#: That there is a fault.
_FAULTS = _pattern(r"""
    \b(?:is|was|are|looks like
    |remains) (?:in fact |indeed |really |actually |clearly |definitely |still |also )?an? (?:\w+ ){0,2}(?:bug
    |issue|problem|defect|leak|mistake|error|regression|vulnerability|oversight|typo)\b|\b(?:real|true|actual
    |serious) (?:bug|issue|problem|defect|positive)\b|\bunintended|\bunintentional|\baccident|\boversight\b
    |\bby mistake\b|\b(?:should|must|ought to|has to|have to) (?:not )?be (?:fixed|changed|handled)
""")
#: A refusal that is denied: "this is hardly by design".
_DENIEDREFUSALS = _pattern(r"""
    \b(?:not|no|never|nobody|none|neither|hardly|barely|without|un)\b(?:\W+\w+){0,4}?\W+(?:intended|intentional
    |deliberate|expected|design|purpose|false (?:positive|alarm)s?|fp|wontfix|dismiss\w*)\b|\b(?:not|never
    |anything)$
""")
#: That the person is not sure, or means only a part.
_DOUBT = _pattern(r"""
    \b(?:maybe|perhaps|might|probably|possibly|presumably|apparently|supposedly|allegedly|unsure|not sure|unclear
    |guess|wonder|doubt|no idea|do not know|not know|dunno|idk|not certain|could be|may be|either way|if it is
    |if this is|if that is|whether|or not|to be (?:checked|decided|discussed)|tbd|thought|hoped?|wish|assum\w+
    |suppose|supposing|partly|partially|half|sometimes|usually|mostly|only in|only for|only when|so-called
    |used to)\b
""")
DOUBTS = re.compile("|".join((_REPAIRS.replace("ACTIONS", _ACTIONS), _AGREEMENT, _FAULTS, _DENIEDREFUSALS, _DOUBT)))

# ----------------------------------------------------------------------- a clause that turns a finding down


def _phrases(text: str) -> frozenset[Words]:
    """Return phrases that are separated by commas, as their words."""
    return frozenset(tuple(phrase.split()) for phrase in text.split(","))


def _single(text: str) -> frozenset[str]:
    """Return single words that are separated by commas."""
    return frozenset(word.strip() for word in text.split(","))


_NOUNS = ["bug", "issue", "problem", "defect", "fault", "error", "mistake", "concern", "vulnerability", "risk", "leak"]
_KINDS = ((), ("real",), ("actual",), ("true",), ("security",), ("memory",), ("performance",))
DENIED = {
    (*negation, *article, *kind, noun)
    for negation in (("not",), ("not", "really"), ("not", "actually"), ("not", "even"), ("no",))
    for article in ((), ("a",), ("an",))
    for kind in _KINDS
    for noun in _NOUNS
} - {("no", noun) for noun in ("problem", "mistake", "risk", "concern")}
_ON_PURPOSE = {
    (kind, *noun.split())
    for kind in ("intended", "intentional", "expected", "deliberate", "desired", "conscious", "wanted")
    for noun in ("behaviour", "change", "design", "decision", "choice", "design decision", "design choice", "feature")
}
VERDICTS = (
    _phrases("""
    false positive, false positives, false alarm, false alarms, fp, fps, intended, intentional, expected,
    deliberate, desired, intentionally, deliberately, intentionally so, by design, as designed, on purpose,
    by purpose, in purpose, with purpose, with intention, by intention, design decision, design choice, non issue,
    non bug, non problem, bogus, invalid finding, working as intended, working as designed, working as expected,
    wai, feature not bug, feature not a bug, feature and not a bug, not a bug a feature, not bug a feature,
    not a bug it is a feature
""")
    | DENIED
    | _ON_PURPOSE
)
WORKS = _phrases("""
    works, work, working, behaves, behave, behaving, worked
""")
AS_PLANNED = _phrases("""
    as intended, as designed, as expected, as planned, as specified, as documented, as it is intended,
    as it was intended, as is intended, as was intended, like intended, exactly as intended, just as intended,
    fine as intended
""")
#: Refusals without a subject: "nothing to fix". "No problem" alone is a polite word.
NOTHING = _phrases("""
    nothing to fix, nothing to change, nothing wrong, nothing is wrong, no bugs, no issues, no fix needed,
    no fix required, no fix necessary, no need to fix, no problem here, no problem there, no problem with it,
    no risk here, no change needed, no change required, no changes needed, no action needed, not to fix
""")
#: "I do not think that", before the name of a fault.
DENIALS = _phrases("""
    i do not think, i do not think that, do not think, do not think that, we do not think, we do not think that,
    i do not believe, i do not believe that, we do not believe
""")
UNSEEN = _phrases("""
    i do not see, i can not see, we do not see, i do not find
""")
REFUSALS = _phrases("""
    will not fix, will never fix, do not fix, not fix, not going to fix, not gonna fix, not fixing,
    not planning to fix, do not want to fix, do not plan to fix, not worth fixing, refuse to fix
""")
REFUSERS = _phrases("""
    i, we, i am, we are, the team, team, sorry i, sorry we
""") | {()}

OPENINGS = _phrases("""
    yes, yep, yeah, yup, nope, nah, no this, no that, no it, no these, ok, okay, well, so, hence, thus, therefore,
    thanks, thank you, thx, sorry, hi, hello, hey, and, because, since, as, please, again, fyi, lol, haha, imo,
    imho, afaik, in my opinion, sure, i would say, we would say, i think, i think that, we think, we think that,
    i believe, i believe that, we believe, we believe that, i am sure, i am sure that, i am certain, i confirm,
    i confirm that, i can confirm, i can confirm that, we confirm, closing as, close as, closed as,
    closing this as, marking as, mark as, marked as, marking this as, dismissing as, dismiss as, dismissed as,
    dismissing, resolving as, looks like, this looks like, it looks like, that looks like, seems, seems like,
    seems to be, it seems, this seems, looks, as said, as i said, like i said, note that, note, this is because,
    hm, hmm, hmmm, mh, eh, ah, oh, honestly, frankly, for me, to me, for us, in fact, reason, answer, status,
    verdict, resolution, hi bot, dear bot, bot, wontfix, here, i consider this, i consider it, we consider this,
    we consider it, this one, these, by the way, btw, i read this as, you see, actually
""")
CLOSINGS = _phrases("""
    here, there, at all, either, too, as well, anyway, really, indeed, already, to me, sorry, thanks, thank you,
    thx, cheers, please, for us, imo, imho, i think, i believe, i would say, so, like this, like that, this way,
    that way, by us, by me, lol, ever, in this case, in our case, in that case, in any case, in this context,
    in our context, in this code, in our code, in our codebase, in this codebase, in this module, in this project,
    in our project, in this repo, in our repo, in this repository, in this pr, in this pull request,
    in this place, in that place, as documented, as discussed, as described, as explained, as agreed, as said,
    per spec, per the spec, per docs, per the docs, per documentation, per the documentation, per rfc, for sure,
    bot, for backwards compatibility, for backward compatibility, for compatibility, by the author,
    by the authors, in my opinion, from our side, from my side, on our side, honestly, right here, on this line,
    in this file, in practice, of course
""")
OBJECTS = _phrases("""
    it, this, that, those, these, them, this one, that one, this issue, that issue, the issue, this finding,
    that finding, this bug, this problem, this warning, that warning, this thing
""")
#: The words after these give a reason. What they say is looked through for doubt like any other text.
REASONS = _single("""
    because, since, due, as, per, see, cf
""")
ADVERBS = _single("""
    really, actually, clearly, just, simply, obviously, definitely, totally, completely, also, quite, perfectly,
    certainly, surely, indeed, fully, very, 100, entirely, done, made, meant, even, both, all, a, an, the, our,
    always, already, rather, pure, purely, another, known, documented, well, still, left, set, kept, written,
    that, this, so
""")
COPULAS = _single("""
    is, are, was, were, be, being, been
""")
NOT_IN_SUBJECT = _single("""
    not, no, never, nobody, none, neither, nor, nothing, hardly, barely, without, if, whether, when, unless, only,
    half, part, some, most, other, others, another, first, second, last, think, thinks, thought, believe,
    believes, say, says, said, claim, claims, sure, who, would, could, should, might, may, can, must, ought, want,
    wish, hope, doubt, why, you, i, he, she
""")
MOST_IN_SUBJECT = 9
DOING = _single("""
    do, did, have, had, keep, kept, leave, left, made, wrote
""")
IT = _single("""
    this, that, it, these, so, here
""")
SUBJECT_BEGINS = _single("""
    there, this, that, it, these, those, they, both, all, everything, the, a, an, what, how, our, its
""")
