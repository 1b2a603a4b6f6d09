"""Which videos a question means: by subject or title, by when and by whom they were added, by language, by length."""

import calendar
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta

from qa.types import Turn


@dataclass(frozen=True)
class Restriction:
    """Conditions that all hold. `subject` are words of a title or of what the video is about; `videos` are those that
    an earlier answer cited; `after` and `before` are inclusive days; lengths are seconds.
    """

    subject: str = ""
    videos: tuple[int, ...] = ()
    after: date | None = None
    before: date | None = None
    person: str = ""
    language: str = ""
    longer: float | None = None
    shorter: float | None = None

    def merged(self, other: "Restriction") -> "Restriction":
        """Both; where both say something, the other one counts."""
        values = {f.name: getattr(other, f.name) or getattr(self, f.name) for f in fields(self)}
        return Restriction(**values)


NOT_RESTRICTED = Restriction()

_FILM = r"(?:video|clip|film|movie|recording|talk|lecture|presentation|one)"
_QUOTE = r"[\"“”„«『「]"
_END = r"(?=\s*(?:$|[?.!,，。？]))"
_SUBJECT = (
    re.compile(
        rf"\b(?:in|of|from|during|within) (?:the|that|this|my|our) {_FILM} (?:about|on|with|of|called|titled|named|where|showing|that shows)"
        rf" (?P<subject>[^?,]+?){_END}", re.IGNORECASE),
    re.compile(rf"^(?P<keep>(?:please )?(?:summari[sz]e|describe|recap|outline|sum up|explain))(?: the| that| this)? {_FILM} (?:about|on|with|of|called|titled) (?P<subject>[^?,]+?){_END}", re.IGNORECASE),
    re.compile(rf"^(?P<keep>what (?:is|was)) (?:the|that) {_FILM} (?:about|on|with|of|called|titled) (?P<subject>[^?,]+?)(?= about\b)", re.IGNORECASE),
    re.compile(rf"^(?P<keep>what(?:'s| is| was)) (?:the )?(?:{_FILM} )?(?:called |titled )?{_QUOTE}(?P<subject>[^\"”»』」]+)[\"”“»』」](?= (?:all )?about\b)", re.IGNORECASE),
    re.compile(rf"^(?P<keep>(?:please )?(?:summari[sz]e|describe|recap|outline|sum up|explain)) (?:the )?(?:{_FILM} )?{_QUOTE}(?P<subject>[^\"”»』」]+)[\"”“»』」]", re.IGNORECASE),
    re.compile(rf"\b(?:in|of|from) (?:the )?(?:{_FILM} )?{_QUOTE}(?P<subject>[^\"”»』」]+)[\"”“»』」]", re.IGNORECASE),
    re.compile(r"(?:在)?(?:那个|这个|那段|这段)?(?:关于|叫|名为|标题为)(?P<subject>[^?？，,里中]+?)的?(?:那个|那段)?(?:视频|影片|片段|讲座|演讲)(?:里面?|中|当中)"),
    re.compile(r"(?:在)?(?:视频|影片)?[“「『《](?P<subject>[^”」』》]+)[”」』》](?:这个视频|视频|影片)?(?:里面?|中|当中|(?=(?:主要)?(?:是)?(?:在)?(?:讲|说|谈|介绍)))"),
    re.compile(r"(?P<keep>(?:总结|概括|概述|归纳|简述)(?:一下)?)(?:视频|影片)?[“「『《](?P<subject>[^”」』》]+)[”」』》]"),
)  # fmt: skip

_MONTHS = {name.lower(): n for n, name in enumerate(calendar.month_name) if n}
_MONTH = "|".join(_MONTHS)
_WHEN = rf"(?P<when>today|yesterday|(?:this|last|the last|the past|past) (?:week|month|year)|(?:the )?(?:last|past) \d+ (?:days?|weeks?|months?)|(?:{_MONTH})(?: \d{{4}})?|\d{{4}})"
_DATES = (
    re.compile(rf"(?P<keep>\bwhat (?:was|has been|have|did|is|were) .{{0,20}}?\b(?:added|uploaded|upload|add|new))(?: (?:in|on|during|since))? {_WHEN}", re.IGNORECASE),
    re.compile(rf"(?P<keep>\bwhat(?:'s| is) new) {_WHEN}", re.IGNORECASE),
    re.compile(rf"(?:\b(?:added|uploaded)|\bthat (?:were|was) (?:added|uploaded))\s+(?:in |on |during |since )?{_WHEN}\b(?:'s)?", re.IGNORECASE),
    re.compile(rf"(?<=videos )(?:from|of) {_WHEN}\b|(?<=clips )(?:from|of) {_WHEN.replace('when', 'when2')}\b|(?<=uploads )(?:from|of) {_WHEN.replace('when', 'when3')}\b", re.IGNORECASE),
    re.compile(rf"\b(?:in |from |of )?{_WHEN}'s (?=uploads?|videos?|clips?)", re.IGNORECASE),
    re.compile(r"(?P<when>今天|昨天|这周|本周|上周|这个月|本月|上个月|今年|去年|最近\d+天)(?=新?(?:上传|添加|加)了些?什么)"),
    re.compile(r"(?P<when>今天|昨天|这周|本周|上周|这个月|本月|上个月|今年|去年|最近\d+天)(?:新?(?:上传|添加|加)的?)"),
    re.compile(rf"\b(?:was|were|has been|have been|is|did \w+) (?:added|uploaded|add|upload)(?: (?:in|on))? {_WHEN}", re.IGNORECASE),
)  # fmt: skip
_DATE_ALONE = re.compile(
    rf"^(?:(?:the )?(?:ones|those|videos|clips) )?(?:(?:from|of|in|added|uploaded|since)(?: in)? )?{_WHEN}$|^(?P<when2>今天|昨天|这周|本周|上周|这个月|本月|上个月|今年|去年)(?:上传|添加)?的?$",
    re.IGNORECASE,
)
_PEOPLE = (
    re.compile(r"\b(?:that (?:were|was) )?(?:uploaded|added|made) by (?P<person>[\w.@+-]+)", re.IGNORECASE),
    re.compile(
        r"\b(?P<person>[\w.@+-]+?)'s (?=(?:uploads?|videos?|clips?)\b)(?<!today's )(?<!week's )(?<!month's )",
        re.IGNORECASE,
    ),
    re.compile(r"(?:由)?(?P<person>[\w.@+-]+?)(?:上传|添加)的(?=视频|影片|片段)"),
)
_PERSON_ALONE = re.compile(
    r"^(?:(?:the )?(?:ones|those|videos|clips) )?(?:by|from) (?P<person>[\w.@+-]+)$", re.IGNORECASE
)
_LANGUAGES = {
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "italian": "it", "portuguese": "pt", "dutch": "nl",
    "russian": "ru", "chinese": "zh", "mandarin": "zh", "japanese": "ja", "korean": "ko", "arabic": "ar", "hindi": "hi",
    "turkish": "tr", "polish": "pl", "swedish": "sv", "ukrainian": "uk", "czech": "cs", "greek": "el",
    "英语": "en", "英文": "en", "德语": "de", "法语": "fr", "西班牙语": "es", "中文": "zh", "汉语": "zh", "普通话": "zh",
    "日语": "ja", "韩语": "ko", "俄语": "ru", "意大利语": "it", "葡萄牙语": "pt", "阿拉伯语": "ar",
}  # fmt: skip
_NAMED = "|".join(_LANGUAGES)
_IN_LANGUAGE = (
    re.compile(rf"(?:(?<=videos )|(?<=clips )|(?<=talks ))(?:that are )?in (?P<language>{_NAMED})\b", re.IGNORECASE),
    re.compile(rf"\b(?P<language>{_NAMED}) (?=(?:videos?|clips?|talks?|recordings?)\b)", re.IGNORECASE),
    re.compile(rf"(?P<language>{_NAMED})的?(?=视频|影片|演讲|讲座)"),
)  # fmt: skip
_LANGUAGE_ALONE = re.compile(
    rf"^(?:(?:the )?(?:ones|those|videos|clips) )?(?:in )?(?:the )?(?P<language>{_NAMED})(?: ones| videos| clips| talks)?(?:的)?$",
    re.IGNORECASE,
)
_LENGTH = re.compile(
    r"\b(?:that are |which are |are )?(?P<how>longer|shorter|more|less|over|under)(?: than)? (?P<number>\d+|an?|one|two|three|five|ten) (?P<unit>seconds?|minutes?|hours?)(?: long)?\b",
    re.IGNORECASE,
)
_NUMBER = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "five": 5, "ten": 10}

_ORDINALS = {
    "first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "fifth": 4, "last": -1,
    "第一": 0, "第二": 1, "第三": 2, "第四": 3, "第五": 4, "最后一": -1,
}  # fmt: skip
_NTH = "|".join(_ORDINALS)
_ORDINAL = re.compile(
    rf"\b(?:(?:in|of|from|about|summari[sz]e|describe|show me|play|open|watch) )?the (?P<nth>{_NTH})(?: (?:one|video|clip|talk|result|of them|of these))\b|(?:在)?(?P<han>第[一二三四五]|最后一)(?:个|段|部)(?:视频)?(?:里|中)?",
    re.IGNORECASE,
)
_THERE = re.compile(
    r"\b(?:in|of|from|during|about) (?:that|this|the same|it|there)(?: (?:video|clip|film|movie|recording|talk|lecture|one))?(?=\s*(?:$|[?.!,]))|\bthere(?=\s*[?.!]*$)|"
    r"(?:在)?(?:那个|这个|那段|这段|同一个)(?:视频|影片|片段|演讲)(?:里面?|中)?",
    re.IGNORECASE,
)


def read_restriction(
    text: str, today: date | None = None, turns: Sequence[Turn] = (), alone: bool = False
) -> tuple[Restriction, str]:
    """The conditions that a question names, and the question without their words. `turns` resolve "the second one" and
    "in that video"; what stands `alone` ("only from May") needs no "uploaded" beside a date.
    """
    today = today or date.today()
    found = NOT_RESTRICTED
    rest = text
    cited = next((turn.videos for turn in reversed(turns) if turn.videos), ())
    if cited:
        found, rest = _read_pointers(found, rest, cited)
    for patterns, read in _READERS:
        for pattern in patterns:
            if match := pattern.search(rest):
                found = found.merged(read(match, today))
                rest = _cut(rest, match)
                break
    if alone:
        for pattern, read in _ALONE:
            if match := pattern.search(rest.strip()):
                found, rest = found.merged(read(match, today)), ""
    return found, re.sub(r"\s+([?？.!])", r"\1", " ".join(rest.split())).replace(" ,", ",").strip(" ,，")


def _read_pointers(found: Restriction, rest: str, cited: tuple[int, ...]) -> tuple[Restriction, str]:
    if match := _ORDINAL.search(rest):
        place = _ORDINALS[(match["nth"] or match["han"]).lower()]
        if -len(cited) <= place < len(cited):
            found, rest = found.merged(Restriction(videos=(cited[place],))), _cut(rest, match)
    elif match := _THERE.search(rest):
        found, rest = found.merged(Restriction(videos=cited[:1])), _cut(rest, match)
    return found, rest


def _cut(text: str, match: re.Match[str]) -> str:
    keep = match.groupdict().get("keep") or ""
    return f"{text[: match.start()]} {keep} {text[match.end() :]}"


def _read_subject(match: re.Match[str], today: date) -> Restriction:
    return Restriction(subject=match["subject"].strip(" \"'"))


def _read_person(match: re.Match[str], today: date) -> Restriction:
    return Restriction(person=match["person"])


def _read_language(match: re.Match[str], today: date) -> Restriction:
    return Restriction(language=_LANGUAGES[match["language"].lower()])


def _read_length(match: re.Match[str], today: date) -> Restriction:
    number = match["number"].lower()
    unit = {"s": 1.0, "m": 60.0, "h": 3600.0}[match["unit"][0].lower()]
    seconds = unit * (_NUMBER[number] if number in _NUMBER else int(number))
    longer = match["how"].lower() in ("longer", "more", "over")
    return Restriction(longer=seconds) if longer else Restriction(shorter=seconds)


def _read_date(match: re.Match[str], today: date) -> Restriction:
    said = next(value for name, value in match.groupdict().items() if name.startswith("when") and value)
    first, last = find_days(said.lower(), today)
    return Restriction(after=first, before=last)


def find_days(said: str, today: date) -> tuple[date, date]:
    """The first and the last day of "last week", "May", "May 2026", "2025", "the last 7 days", 上个月 …"""
    monday = today - timedelta(days=today.weekday())
    first_of_month = today.replace(day=1)
    said = re.sub(r"^the (?=last|past)", "", said)
    if match := re.fullmatch(r"(?:last|past|最近) ?(\d+) ?(day|week|month|天)s?", said):
        days = int(match[1]) * {"day": 1, "天": 1, "week": 7, "month": 30}[match[2]]
        return today - timedelta(days=days), today
    if match := re.fullmatch(r"(\d{4})", said):
        return date(int(match[1]), 1, 1), date(int(match[1]), 12, 31)
    if match := re.fullmatch(rf"({_MONTH})(?: (\d{{4}}))?", said):
        month = _MONTHS[match[1]]
        year = int(match[2]) if match[2] else today.year - (month > today.month)
        return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
    before_month = first_of_month - timedelta(days=1)
    stretches: dict[str, tuple[date, date]] = {
        "today": (today, today),
        "yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
        "this week": (monday, today),
        "last week": (monday - timedelta(days=7), monday - timedelta(days=1)),
        "this month": (first_of_month, today),
        "last month": (before_month.replace(day=1), before_month),
        "this year": (today.replace(month=1, day=1), today),
        "last year": (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    }
    han = {"今天": "today", "昨天": "yesterday", "这周": "this week", "本周": "this week", "上周": "last week",
           "这个月": "this month", "本月": "this month", "上个月": "last month", "今年": "this year", "去年": "last year"}  # fmt: skip
    return stretches[han.get(said, said.replace("past ", "last "))]


_Read = Callable[[re.Match[str], date], Restriction]
_READERS: tuple[tuple[tuple[re.Pattern[str], ...], _Read], ...] = (
    (_SUBJECT, _read_subject),
    (_DATES, _read_date),
    (_PEOPLE, _read_person),
    (_IN_LANGUAGE, _read_language),
    ((_LENGTH,), _read_length),
)
_ALONE: tuple[tuple[re.Pattern[str], _Read], ...] = (
    (_DATE_ALONE, _read_date),
    (_LANGUAGE_ALONE, _read_language),
    (_PERSON_ALONE, _read_person),
)
