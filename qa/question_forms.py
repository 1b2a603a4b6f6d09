"""The forms of questions in English and Chinese, by kind. The first that matches counts, so the narrow ones come first."""

import re
from enum import StrEnum


class Kind(StrEnum):
    """What is wanted."""

    LIST = "list"  # the videos that show or say something
    EXISTS = "exists"  # whether there is one
    COUNT = "count"  # how many there are
    WHEN = "when"  # the moments at which something is seen or said
    ABOUT = "about"  # what it is about
    SUMMARY = "summary"
    POINTS = "points"
    CHAPTERS = "chapters"
    SAID = "said"  # what is said at, after, first, last
    MENTIONS = "mentions"  # how often, and where, words are said
    SPEAKERS = "speakers"
    SEEN = "seen"  # colour, thing, place, action, number in the picture
    FACT = "fact"  # from what is said or written
    LIBRARY = "library"  # about the collection: `detail` names what
    COMPARE = "compare"
    SHOW = "show"  # what was cited before, to look at
    CHAT = "chat"  # `detail`: hello, thanks, bye, help, unclear


_FILM = (
    r"(?:videos?|clips?|films?|movies?|recordings?|footage|uploads?|talks?|lectures?|presentations?|moments?|scenes?)"
)
_WHOLE = r"(?:videos?|clips?|films?|movies?|recordings?|footage|uploads?|talks?|lectures?|presentations?)"
_SHOWS = (
    r"(?:that |which |in which |where )?(?:(?:do |does |can )?(?:show|display|feature|contain|depict|have|has|include)"
    r"(?:s|ing)?|with|of|showing|about|containing|on|where|in which|deal(?:s|ing)? with|are about|is about|"
    r"(?:can )?(?:we|you|i|one|people) (?:can )?see|there (?:is|are))"
)
_SAYS = (
    r"(?:that |which |in which |where )?(?:people |they |he |she |someone |somebody |anyone )?"
    r"(?:mention|discuss|talk(?:s|ing)? about|speak(?:s|ing)? (?:of|about)|say|explain|refer to|tell us about)(?:s|es|ed|ing)?"
)
_MINE = r"(?: (?:in|of|from) (?:my|our|the|this|all(?: the| of the| my)?)? ?(?:library|collection|videos|clips|archive|site))?"
_TOPIC = r"(?P<topic>.+?)"
_END = r"(?: please| for me)?[\s?？!！.。]*$"
_THIS = r"(?:this|the|that|it|the whole|my|these|those|your|all|all the|our)"

_Form = tuple[Kind, str, str, str]  # kind, detail, source, pattern

# fmt: off
_ENGLISH: tuple[_Form, ...] = (
    # small talk
    (Kind.CHAT, "hello", "", r"^(?:hello|hi|hey|hiya|greetings|good (?:morning|afternoon|evening|day)|howdy)\b[^?]{0,30}$"),
    (Kind.CHAT, "hello", "", r"^(?:how are you|how is it going|how's it going|what's up)\b.{0,20}$"),
    (Kind.CHAT, "thanks", "", r"^(?:many |ok(?:ay)?,? )?(?:thanks|thank you|thx|cheers|great|perfect|nice|awesome|well done)\b[^?]{0,30}$"),
    (Kind.CHAT, "thanks", "", r"^(?:that(?:'s| is| was) (?:great|helpful|perfect|nice|all))\b[^?]{0,20}$"),
    (Kind.CHAT, "bye", "", r"^(?:bye|goodbye|good night|see you(?: later)?|ciao)\b[^?]{0,20}$"),
    (Kind.CHAT, "help", "", r"^(?:help|help me|what can (?:you|i|one) (?:do|ask)(?: here| you| about)?|what (?:do|are) you(?: do)?|who are you|" r"how (?:does|do) (?:this|it|you|i use this|that) (?:work|works)?|how (?:can|do) i (?:ask|use (?:this|it)|search).{0,20}|" r"what (?:kind|sort)s? of questions.{0,40}|what should i ask.{0,20}|give me (?:some )?examples?.{0,20})" + _END),
    # two videos
    (Kind.COMPARE, "", "", r"^(?:compare|what(?:'s| is| are)(?: the)? (?:difference|differences|similarit\w+)(?: between)?) " r"(?P<topic>.+? (?:and|with|to|vs\.?|versus) .+?)" + _END),
    (Kind.COMPARE, "", "", r"^how (?:do|does|is|are) (?P<topic>.+? (?:and .+? (?:differ|compare)|differ(?:s|ent)? from .+?))" + _END),
    (Kind.COMPARE, "length", "", rf"^(?:which|what) (?:of them |{_FILM} |one )?is (?:longer|shorter|newer|older)[,:]? (?P<topic>.+? or .+?)" + _END),
    # the library itself
    (Kind.LIBRARY, "digest", "", r"^(?:what(?:'s| is) new|what (?:was|has been|were) (?:newly )?(?:added|uploaded)|what (?:did|have) (?:people|we|they|i|you) (?:add(?:ed)?|upload(?:ed)?))(?! last\b)"
     r"(?: (?:here|recently|lately|so far|to (?:the|my|our) (?:library|collection|site)|today|yesterday|(?:this|last) \w+|since .{1,20}|in \w+))?(?:,? and what (?:is|are) (?:it|they) about)?" + _END),
    (Kind.LIBRARY, "digest", "", rf"^(?:what are (?:my|the|all(?: the| my)?|our|these) {_FILM} about|(?:summari[sz]e|describe|give me an overview of) " rf"(?:my|the|our|this) (?:library|collection|videos|uploads)|what(?:'s| is) in (?:my|the|this|our) (?:library|collection)|what do (?:i|we|you) have(?: here)?)" + _END),
    (Kind.LIBRARY, "newest", "", rf"(?:\b(?:added|uploaded|arrived|came) (?:last|most recently|latest)\b|\b(?:newest|latest|most recent) (?:{_WHOLE}|addition|one)\b" rf"(?! (?:about|with|of|show))|^(?:what|which) (?:is|was) the last {_WHOLE}{_END})"),
    (Kind.LIBRARY, "oldest", "", rf"\b(?:oldest|earliest) (?:uploaded |added )?{_WHOLE}\b.{{0,20}}$|^(?:what|which) (?:is|was) the first {_WHOLE}{_END}|\b(?:added|uploaded) first\b"),
    (Kind.LIBRARY, "longest", "", rf"\b(?:which|what|the|my)\b.{{0,30}}\blongest\b.{{0,12}}$|\blongest {_FILM}\b"),
    (Kind.LIBRARY, "shortest", "", rf"\b(?:which|what|the|my)\b.{{0,30}}\bshortest\b.{{0,12}}$|\bshortest {_FILM}\b"),
    (Kind.LIBRARY, "length", "", rf"^how long (?:is (?:this|that|it|(?:this|the|that) {_WHOLE})|does (?:this|the|that) {_WHOLE} (?:take|last|run))" + _END),
    (Kind.LIBRARY, "length", "", rf"^(?:what(?:'s| is) )?(?:the )?(?:length|duration|running time) of (?:this|the|that) {_WHOLE}" + _END),
    (Kind.LIBRARY, "total", "", rf"^how (?:long|much (?:time|footage|material|video))\b.{{0,20}}\b(?:all|together|altogether|in total|total|{_FILM} (?:are|is) there)\b.{{0,30}}$|" rf"\btotal (?:length|duration|running time|playing time|runtime)\b|^how many (?:hours|minutes|seconds) (?:of (?:{_FILM}|material)|are (?:all|the))\b.{{0,30}}$|" r"^how (?:large|big|long) is (?:the|my|this|our) (?:library|collection)"),
    (Kind.LIBRARY, "languages", "", r"^(?:which|what|how many) languages? (?:are|is|do|does|can)\b|^in (?:which|what) languages?\b|\blanguages? (?:spoken|are there|occur)\b|" rf"^what languages?(?: are)?(?: in)?(?: the| my)?(?: {_FILM})?" + _END),
    (Kind.LIBRARY, "people", "", rf"^who (?:has |have )?(?:uploaded|added|uploads|made|contributed)\b.{{0,40}}(?:{_FILM}|most|them|these|this|it)?" + _END + rf"|^by whom\b.{{0,30}}\b(?:uploaded|added)\b|^whose (?:{_FILM}|uploads)\b"),
    (Kind.LIBRARY, "count", "", rf"^(?:how many|what (?:is|'s) the number of) {_WHOLE}(?: (?:are there|exist|(?:do|did|have|has) (?:i|we|you|\w+) (?:have|got|own|upload(?:ed)?|add(?:ed)?)|(?:have|has|had|were|was|are)(?: been)?(?: (?:uploaded|added))?|are here))?" rf"(?: (?:in|on) (?:the |my |our |this |your )?(?:library|collection|site|archive|total|here)| here| now| altogether| in total)*" + _END),
    (Kind.LIBRARY, "count", "", rf"^(?:count|number of) (?:all |my |the |of )*{_WHOLE}" + _END),
    # the video as a whole
    (Kind.CHAPTERS, "", "", r"^(?:(?:what|which|how many) (?:are (?:the|its) |chapters|sections|parts)|(?:list|show|give|name)(?: me)?(?: all)?(?: the)? |outline|structure)?.{0,20}" r"\b(?:chapters?|table of contents|outline|structure|sections)\b(?: (?:are|is|does|do|of|in|has|have)\b.{0,40})?" + _END),
    (Kind.POINTS, "", "", r"\b(?:main|key|most important|central|essential) (?:points?|ideas?|messages?|things?|takeaways?|facts?|arguments?|topics?|statements?|moments?)\b|" r"\btake-?aways?\b|\b(?:highlights|gist|in a nutshell|bullet points)\b|^what (?:should|can) (?:i|we|one) (?:learn|take away|remember)\b"),
    (Kind.SUMMARY, "", "", r"^(?:please )?(?:can you |could you )?(?:briefly )?(?:give me |write |make |i (?:want|need|would like) )?(?:a |an |the |some )?(?:short |brief |quick |detailed |long )?" r"(?:summari[sz]e|summary|summarisation|sum up|tl;?dr|overview|recap|synopsis|abstract|digest)\b.{0,40}$"),
    (Kind.ABOUT, "", "", rf"^(?:so )?(?:what|whom|who)(?:'s| is| are| was| were)? (?:(?:{_THIS} )?(?:{_FILM}|one|it|this|that|content|thing|story|file)|it|this|that)?(?: all)? ?(?:really )?about" rf"(?: in (?:this|the) {_FILM})?" + _END),
    (Kind.ABOUT, "", "", rf"^what (?:is|are|was|were) {_THIS} {_FILM} (?:all )?about" + _END),
    (Kind.ABOUT, "", "", r"^what(?:'s| is| are)? (?:the )?(?:topic|subject|theme|content|contents|story|plot)s?\b(?: of| in)?.{0,30}$"),
    (Kind.ABOUT, "", "", rf"^(?:what (?:happens|is happening|is going on|goes on|takes place|occurs|can (?:i|we|you) see|can be seen|do (?:i|we|you) see|is (?:being )?shown|is seen|is to be seen)|what's (?:happening|going on|shown))" rf"(?: here| overall)?(?: (?:in|on) {_THIS} ?(?:{_FILM}|one|picture|screen)?)?" + _END),
    (Kind.ABOUT, "", "", rf"^(?:describe|explain|tell me (?:more )?about|what do you know about|introduce) {_THIS}(?: {_FILM}| one| file)?(?: to me)?" + _END),
    (Kind.ABOUT, "", "", rf"^what does {_THIS} ?(?:{_FILM})? (?:show|contain|deal with|discuss|cover|tell|talk about|present)(?: us)?" + _END),
    (Kind.ABOUT, "", "", rf"^what (?:do they|does (?:he|she|the speaker|it)|do the speakers|do people) (?:talk|speak|say|discuss)(?:s)?(?: about)?(?: (?:here|in {_THIS} {_FILM}))?" + _END),
    (Kind.ABOUT, "", "", rf"^what (?:is|was|gets) (?:said|spoken|discussed|explained|talked about|told)(?: (?:here|in {_THIS} {_FILM}))?" + _END),
    # words
    (Kind.SPEAKERS, "", "speech", r"^(?:who (?:is |are |was |were )?(?:the |all )?(?:speak(?:s|ing|ers?)?|talk(?:s|ing)?|narrat(?:or|es|ing)|present(?:s|ers?)|hosts?|lecturers?|heard|be heard|can be heard)\b" r"(?! about| of| to).{0,40}|(?:how many (?:people|persons|different people)) (?:(?:is|are|do|can|does) (?:be )?)?(?:speak|talk|heard|hear|say).{0,40}|how many (?:speakers|voices) (?:are|can|do)\b.{0,30}|whose voices? (?:is|are|do|can)\b.{0,30}|" r"(?:what(?:'s| is) the (?:name of the (?:speaker|narrator|presenter|host)|(?:speaker|narrator|presenter|host)'?s? name)).{0,20})" + _END),
    (Kind.MENTIONS, "count", "speech", r"^(?:how (?:often|many times|frequently)|count (?:how often|how many times)) (?:is|are|was|were|does|do|did|has|have) " rf"(?:(?:the )?(?:word|words|name|term|phrase) )?(?:(?:he|she|they|anyone|somebody|someone|anybody|people|the speakers?|it|you) )?(?:say|mention|use|speak of|talk about|refer to)?\s*" rf"(?:(?:the )?(?:word|words|name|term|phrase) )?{_TOPIC}(?: (?:be )?(?:mentioned|said|named|used|spoken|occur(?:s)?|come up|appear in speech|heard|talked about|come up in speech|fall))?" rf"(?: (?:here|in {_THIS} ?{_FILM}))?" + _END),
    (Kind.MENTIONS, "", "speech", rf"^(?:where|when|at what (?:time|point|minute)|in which (?:moment|part|minute)|at which (?:moment|point)) (?:is|are|was|were|do|does|did|can i hear|do i hear)\s+" rf"(?:(?:he|she|they|anyone|somebody|someone|people|the speakers?|we|i) )?(?:say|mention|discuss|talk about|speak of|speak about|hear)?\s*" rf"{_TOPIC} (?:mentioned|said|discussed|talked about|spoken of|named|heard)(?: in {_THIS} ?{_FILM})?" + _END),
    (Kind.MENTIONS, "", "speech", rf"^(?:where|when|at what (?:time|point|minute)) (?:do|does|did) (?:he|she|they|anyone|somebody|someone|people|the (?:speaker|narrator|man|woman|presenter)s?|it|we|you) " rf"(?:say|mention|discuss|talk about|speak (?:of|about)|explain|use the word) {_TOPIC}" + _END),
    (Kind.MENTIONS, "yesno", "speech", rf"^(?:does|do|did|has|have|is|are|was) (?:anyone|anybody|someone|somebody|he|she|they|the (?:speaker|man|woman|narrator|presenter|talk|video)s?|people) " rf"(?:ever )?(?:say|said|mention|mentioned|talk(?:ed)? about|discuss(?:ed)?|speak (?:of|about)|use the word) (?:anything about |something about )?{_TOPIC}" + _END),
    (Kind.MENTIONS, "yesno", "speech", rf"^(?:is|are|was|were) (?:(?:the )?(?:word|name|term) )?{_TOPIC} (?:ever )?(?:mentioned|discussed|talked about|spoken of|said)(?: (?:in|by) .+?)?" + _END),
    (Kind.LIST, "", "speech", rf"^(?:(?:in )?(?:which|what) {_FILM} (?:do |does |are |is )?|(?:show|find|list|give|search)(?: me)? (?:for )?(?:all |some |the |any )*{_FILM} )" rf"(?:people |they |someone )?{_SAYS} {_TOPIC}" + _END),
    (Kind.COUNT, "", "speech", rf"^(?:in )?how many {_FILM} (?:do |does |are )?{_SAYS} {_TOPIC}" + _END),
    (Kind.COUNT, "", "speech", rf"^in how many {_FILM} (?:is|are) {_TOPIC} (?:mentioned|discussed|said|talked about)" + _END),
    (Kind.EXISTS, "", "speech", rf"^(?:is|are) there (?:a |an |any |some )*{_FILM} {_SAYS} {_TOPIC}" + _END),
    (Kind.EXISTS, "", "speech", rf"^(?:do|does) any (?:of (?:the|my|these) )?{_FILM} {_SAYS} {_TOPIC}" + _END),
    (Kind.SAID, "", "screen", r"^what(?:'s| is| was| can be| does it say| text is)? (?:written |shown |displayed |read |there )?on (?:the )?(?:screen|slide)s?\b.{0,60}$"),
    (Kind.SAID, "", "speech", r"^what(?:'s| is| was| are| were)? (?:the )?(?:very )?(?:first|last|opening|closing|final) (?:thing|word|words|sentence|sentences|line|lines|remark)s?\b.{0,50}$"),
    (Kind.SAID, "", "speech", r"^what (?:do(?:es)?|did|is|are|was|were) (?:(?:he|she|they|the (?:speaker|man|woman|narrator|presenter)s?|people|someone|one) )?(?:say|said|saying|spoken|heard|talk about|talking about|discuss|discussed|mentioned)\b" r" (?:right |just |shortly )?(?:at|after|before|around|between|in the (?:first|last|beginning|end|middle)|during the (?:first|last)|first|last|finally|next)\b.{0,60}$"),
    (Kind.SAID, "", "speech", r"^what (?:do(?:es)?|did) (?:he|she|they|the (?:speaker|man|woman|narrator|presenter)s?|people) (?:first|finally) (?:say|mention|talk about)\b.{0,40}$"),
    (Kind.SAID, "", "speech", r"^how (?:does|do|did) (?:the )?(?:video|talk|speech|speaker|it|he|she|they|clip|film|presentation|lecture) (?:begin|start|end|close|finish|open)\b.{0,20}$"),
    # what is seen, and where
    (Kind.WHEN, "", "", rf"^(?:find|show me|show|give me|locate) (?:the |a |every |all (?:the )?)?(?:moments?|scenes?|parts?|places?|points?|shots?|times?|seconds?) (?:where|when|of|with|in which|that shows?|showing|at which) {_TOPIC}" + _END),
    (Kind.COUNT, "", "", rf"^(?:in )?how many (?:of )?(?:the |my )?{_FILM} (?:are there |do (?:i|we|you) have |is there |there are )?{_SHOWS} {_TOPIC}{_MINE}" + _END),
    (Kind.COUNT, "", "", rf"^in how many {_FILM} (?:does|do|is|are|can|did) {_TOPIC}(?: appear| occur| shown| seen| visible| be seen)?" + _END),
    (Kind.COUNT, "", "", rf"^(?:count|number of) (?:the |all |my )*{_FILM} {_SHOWS} {_TOPIC}" + _END),
    (Kind.EXISTS, "", "", rf"^(?:is|are|was) there (?:a |an |any |some |even |also |only )*(?:(?:single|other|good|short|long|more) )*{_FILM} {_SHOWS} {_TOPIC}{_MINE}" + _END),
    (Kind.EXISTS, "", "", rf"^(?:(?:do|does|have|has|did) (?:you|we|i|the (?:library|site|collection)|people|one) (?:have|own|got|find|see|contain|include|hold)?|can (?:you|we|i|one) (?:find|see)) ?(?:a |an |any |some |something )*(?:{_FILM} )?" rf"(?:{_SHOWS}) {_TOPIC}{_MINE}" + _END),
    (Kind.EXISTS, "", "", rf"^(?:do|does|is|are) any(?: of)?(?: the| my| our| these)? ?(?:{_FILM}|one) (?:{_SHOWS}) {_TOPIC}" + _END),
    (Kind.EXISTS, "", "", rf"^(?:are there |is there |got |have you got )?any(?:thing| {_FILM}) (?:{_SHOWS}) {_TOPIC}{_MINE}" + _END),
    (Kind.EXISTS, "", "", rf"^(?:does|do|is|are|can) (?:a |an |any |some |the )?{_TOPIC} (?:(?:be )?(?:seen|shown|visible|appear|occur|present|found))(?: (?:in|on) (?:any|one|some|a|this|the|my)(?: of (?:the|my|these))? ?{_FILM}| anywhere| somewhere)?" + _END),
    (Kind.EXISTS, "", "", rf"^(?:does|do) (?:this|the|that|these) {_FILM} (?:{_SHOWS}) (?:any |a |an |some )?{_TOPIC}" + _END),
    (Kind.EXISTS, "", "", rf"^can (?:i|we|you|one) see (?:a |an |any |some |the )?{_TOPIC}(?: (?:in (?:any|this|the|one|my)(?: of (?:the|my|these))? ?{_FILM}|anywhere|somewhere))?" + _END),
    (Kind.EXISTS, "", "", rf"^(?:is|are) there (?:a |an |any |some )?{_TOPIC}(?: (?:in|on) (?:any|this|the|one|my|these|that)(?: of (?:the|my|these))? ?(?:{_FILM}|library|collection|picture|screen)| anywhere| somewhere| here)?" + _END),
    (Kind.LIST, "", "screen", rf"^(?:(?:in )?(?:which|what) {_FILM} |(?:show|find|list|give)(?: me)? (?:all |some |the )*{_FILM} )(?:that )?(?:show|have|has|contain|with)? ?(?:the )?(?:text|words?|writing|title|caption) {_TOPIC}(?: on (?:the )?screen)?" + _END),
    (Kind.LIST, "", "", rf"^(?:in )?(?:which|what) (?:of (?:the|my|these) )?{_FILM} (?:do |does |can )?(?:i |we |you )?(?:{_SHOWS}|see|am i seeing) {_TOPIC}{_MINE}" + _END),
    (Kind.LIST, "", "", rf"^in (?:which|what) {_FILM} (?:does|do|is|are|can|did) {_TOPIC}(?: appear| occur| shown| (?:be )?seen| visible| present)?" + _END),
    (Kind.LIST, "", "", r"^(?:which|what) (?P<topic>[\w -]+?) (?:appear|occur|are shown|are seen|can be seen|are visible|are there|are|can i (?:see|find)|do (?:i|we|you) see|do (?:i|we|you) have)" r"(?: (?:in|on|across)(?: my| the| these| our| all(?: the| my)?)? ?(?:videos|clips|library|collection|uploads|footage|archive))" + _END),
    (Kind.LIST, "", "", rf"^(?:please )?(?:can you |could you )?(?:i(?: am|'m) looking for|i (?:want|need|would like)(?: to (?:see|watch|find))?|(?:show|find|list|give|get|bring|search(?: for)?|look for|play|recommend|suggest)(?: me| us| for)?)" rf"(?: all| some| every| any| the| my| a| an| other)* {_FILM} (?:{_SHOWS}) {_TOPIC}" + _END),
    (Kind.LIST, "", "", rf"^(?:all |every |any |some |my |the )*{_FILM} (?:{_SHOWS}) {_TOPIC}" + _END),
    (Kind.WHEN, "", "", rf"^(?:when|where|at what (?:time|point|second|minute|moment)|at which (?:time|point|second|minute|moment)|how (?:early|late|far in))\s+(?:in (?:this|the) (?:{_FILM}) )?" rf"(?:can|could|is|are|was|were|do|does|did)\s+(?:this|that|the following) (?:be )?(?:seen|shown|visible|happen|appear|occur|found)[:,]?\s+{_TOPIC}" + _END),
    (Kind.LIST, "", "", rf"^where (?:can|could|do|did|may) (?:i|we|you|one) (?:see|find|watch|look at)(?: any| some)? {_TOPIC}{_MINE}" + _END),
    (Kind.WHEN, "", "", rf"^(?:when|where|at what (?:time|point|second|minute|moment)|at which (?:time|point|second|minute|moment|place)|in which (?:moment|part|scene|minute|second))\s+(?:in (?:this|the) (?:{_FILM}) )?" rf"(?:can|could|is|are|was|were|do|does|did)\s+(?:i |we |you |one )?(?:see )?{_TOPIC}(?: (?:be )?(?:seen|shown|visible|appear|appears|occur|happen|found|to be seen|on screen|in the picture|come(?: in| on)?|enter|show up|start|begin))" rf"(?: (?:in|on) (?:this|the|that|any) ?(?:{_FILM}|screen|picture)?)?" + _END),
    (Kind.WHEN, "", "", rf"^(?:when|at what (?:time|point|second|minute|moment)) (?:can|do|could) (?:i|we|you|one) see {_TOPIC}" + _END),
    (Kind.WHEN, "", "", rf"^(?:jump|go|take me|skip|seek|bring me|navigate) to (?:the )?(?:(?:moment|scene|part|place|point|second|shot) )?(?:where|when|of|with|in which|that shows)? ?{_TOPIC}" + _END),
    (Kind.SHOW, "", "", r"^(?:ok(?:ay)?,? |please )?(?:show (?:me|it|them|that)|show me (?:it|that|them|the (?:moment|moments|clip|clips|video|place|part))|play (?:it|that|them)|let me see(?: it| that| them)?|where exactly|can i see (?:it|that|them))" + _END),
)

_HAN_FILM = r"(?:视频|影片|片段|录像|影像|短片|电影|讲座|演讲|片子)"
_HAN_MINE = r"(?:(?:我的?|我们的?|这个|这里的?|所有的?|全部的?)?(?:库|视频库|媒体库|收藏)?[里中]?)"
_HAN_TOPIC = r"(?P<topic>[^?？]+?)"
_HAN_END = r"[呢吗嘛的了\s?？!！。.]*$"
_CHINESE: tuple[_Form, ...] = (
    (Kind.CHAT, "hello", "", r"^(?:你好|您好|嗨|哈喽|早上好|下午好|晚上好|大家好)[^?？]{0,8}$"),
    (Kind.CHAT, "thanks", "", r"^(?:非常|多)?(?:谢谢|感谢|谢了|太好了|很好|不错)[^?？]{0,8}$"),
    (Kind.CHAT, "bye", "", r"^(?:再见|拜拜|回头见|晚安)[^?？]{0,6}$"),
    (Kind.CHAT, "help", "", r"^(?:帮助|帮帮我|你(?:能|会|可以)(?:做|干)?(?:些)?什么|你是谁|怎么用|如何使用|(?:这个)?怎么使用|我(?:能|可以)问(?:些)?什么|有什么功能)" + _HAN_END),
    (Kind.LIBRARY, "digest", "", r"^(?:(?:最近|新)?(?:有|加|添加|上传)了?什么新(?:的)?(?:内容|视频)?|有什么新(?:内容|视频|的)|(?:新)?(?:添加|上传|加)了(?:些)?什么(?:视频|内容)?|(?:概括|总结|介绍)(?:一下)?(?:我的|整个|这个)?(?:视频库|库|所有视频)|(?:库|视频库)[里中]都?有(?:些)?什么)" + _HAN_END),
    (Kind.LIBRARY, "newest", "", rf"最(?:新|近)(?:的|添加的?|上传的?)?(?:{_HAN_FILM}|一个)|(?:最后|最近)(?:添加|上传|加)的"),
    (Kind.LIBRARY, "oldest", "", rf"最(?:早|旧|老)(?:的|添加的?|上传的?)?(?:{_HAN_FILM}|一个)?"),
    (Kind.LIBRARY, "longest", "", r"最长"),
    (Kind.LIBRARY, "shortest", "", r"最短"),
    (Kind.LIBRARY, "total", "", r"(?:总共|一共|加起来|总计|总时长|全部).{0,6}(?:多长|多久|时长|多少(?:小时|分钟))|总时长|总长度"),
    (Kind.LIBRARY, "languages", "", r"(?:哪些|什么|哪几种|几种|多少种)(?:语言|语种)"),
    (Kind.LIBRARY, "people", "", r"^(?:谁|哪些人|哪位)(?:上传|添加)"),
    (Kind.LIBRARY, "count", "", rf"^(?:{_HAN_MINE}|现在|这里|一共|总共|库里)*(?:一共|总共)?有?(?:多少|几)(?:个|部|段|条)?{_HAN_FILM}" + _HAN_END),
    (Kind.COMPARE, "", "", r"^(?:比较|对比)(?:一下)?(?P<topic>.+?(?:和|与|跟).+?)" + _HAN_END),
    (Kind.COMPARE, "", "", r"^(?P<topic>.+?(?:和|与|跟).+?)(?:之间)?有(?:什么|哪些)(?:区别|不同|差别|相同)" + _HAN_END),
    (Kind.CHAPTERS, "", "", r"(?:章节|目录|大纲|结构)(?:有哪些|是什么|列表)?" + _HAN_END),
    (Kind.POINTS, "", "", r"要点|重点|关键点|核心(?:内容|观点)|主要(?:观点|内容有哪些)"),
    (Kind.SUMMARY, "", "", r"总结|概括|摘要|概述|归纳|简述"),
    (Kind.ABOUT, "", "", rf"^(?:这|那|该|它)?(?:个|部|段|条)?(?:{_HAN_FILM})?(?:主要|大概|到底)?(?:是)?(?:在)?(?:讲|说|谈|介绍|关于|拍|演)(?:的)?(?:是)?(?:了)?(?:些)?(?:什么|啥)(?:内容|事情|主题)?(?:的)?" + _HAN_END),
    (Kind.ABOUT, "", "", rf"(?:内容|主题)是(?:什么|啥)|^(?:介绍|描述|说说|讲讲)(?:一下)?(?:这|那|该)(?:个|部|段|条)?{_HAN_FILM}|^(?:这|那)(?:个|部|段|条)?{_HAN_FILM}[里中]?(?:发生了什么|有什么|能看到什么)"),
    (Kind.SPEAKERS, "", "speech", r"^(?:是)?谁在?(?:说话|讲话|演讲|发言|讲解|主持)|(?:说话|讲话|演讲|发言)(?:的)?(?:人)?是谁|(?:有)?(?:几|多少)个?(?:人)(?:在)?(?:说话|讲话|发言)"),
    (Kind.MENTIONS, "count", "speech", rf"^{_HAN_TOPIC}(?:这个词|一词)?(?:一共|总共)?(?:被)?(?:提到|提及|说到|说|讲到|出现)了?(?:过)?(?:多少|几)(?:次|遍|回)" + _HAN_END),
    (Kind.MENTIONS, "count", "speech", rf"^(?:提到|提及|说到|说|讲到)了?(?:多少|几)(?:次|遍|回)(?:的)?{_HAN_TOPIC}" + _HAN_END),
    (Kind.MENTIONS, "", "speech", rf"^(?:在)?(?:哪里|哪儿|什么时候|何时|什么地方|第几分钟)(?:有)?(?:提到|提及|说到|讲到|谈到)了?(?:过)?{_HAN_TOPIC}" + _HAN_END),
    (Kind.MENTIONS, "yesno", "speech", rf"^(?:有没有|是否|有)(?:人)?(?:提到|提及|说到|讲到|谈到|说过)(?:过)?{_HAN_TOPIC}" + _HAN_END),
    (Kind.LIST, "", "speech", rf"^(?:哪些|哪个|哪几个|什么){_HAN_FILM}(?:里|中)?(?:有人)?(?:提到|提及|说到|讲到|谈到|讲|谈|介绍)了?(?:过)?{_HAN_TOPIC}" + _HAN_END),
    (Kind.COUNT, "", "speech", rf"^(?:有)?(?:多少|几)(?:个|部|段|条)?{_HAN_FILM}(?:里|中)?(?:提到|提及|说到|讲到|谈到)了?{_HAN_TOPIC}" + _HAN_END),
    (Kind.SAID, "", "screen", r"(?:屏幕|画面|幻灯片)上?.{0,12}(?:写|显示)(?:着|了|的是)?(?:些)?什么"),
    (Kind.SAID, "", "speech", r"(?:第一句|最后一句|开头|结尾|一开始|最后|前\d+秒|第\d+秒|\d+:\d+)(?:话)?(?:时)?(?:都)?(?:是|说了?|讲了?)(?:些)?什么"),
    (Kind.COUNT, "", "", rf"^(?:有)?(?:多少|几)(?:个|部|段|条)?{_HAN_FILM}(?:里|中)?(?:有|出现|展示|显示|拍了|是关于|关于)了?{_HAN_TOPIC}" + _HAN_END),
    (Kind.EXISTS, "", "", rf"^(?:{_HAN_MINE})?(?:有没有|是否有|有无|有)(?:关于|拍|展示|出现|包含)?{_HAN_TOPIC}的?{_HAN_FILM}" + _HAN_END),
    (Kind.EXISTS, "", "", rf"^(?:这|那|该)?(?:个|部|段|条)?(?:{_HAN_FILM})?[里中]?(?:有没有|是否有|能看到|能不能看到|是否出现|有){_HAN_TOPIC}(?:吗|么|没有)?[?？。]?$"),
    (Kind.LIST, "", "", rf"^(?:在)?(?:哪些|哪个|哪几个|什么){_HAN_FILM}(?:里|中)?(?:面)?(?:有|出现|展示|显示|拍了|拍到|是关于|关于|能看到|可以看到)了?{_HAN_TOPIC}" + _HAN_END),
    (Kind.LIST, "", "", rf"^(?:请|帮我|给我)*(?:查找|找一?下?|找出|搜索|搜|列出|播放|看看|看|给我看|我想看|我要看)(?:一下)?(?:所有|全部|一些|几个)?(?:有|关于|带有|包含|出现|拍)?{_HAN_TOPIC}的?{_HAN_FILM}" + _HAN_END),
    (Kind.LIST, "", "", rf"^(?:在)?(?:哪里|哪儿|什么地方)(?:能|可以)(?:看到|找到|看见){_HAN_TOPIC}" + _HAN_END),
    (Kind.LIST, "", "", rf"^(?:我的|所有|这些)?{_HAN_FILM}(?:里|中)?(?:有|出现了?)哪些(?P<topic>[^?？]+?)" + _HAN_END),
    (Kind.LIST, "", "", rf"^(?:所有|全部)?(?:关于|有|包含){_HAN_TOPIC}的{_HAN_FILM}" + _HAN_END),
    (Kind.WHEN, "", "", rf"^(?:在)?(?:什么时候|何时|第几秒|第几分钟|什么时间|哪一刻)(?:能|可以)?(?:出现|看到|看见|有|显示)了?{_HAN_TOPIC}" + _HAN_END),
    (Kind.WHEN, "", "", rf"^{_HAN_TOPIC}(?:是)?(?:在)?(?:什么时候|何时|第几秒|第几分钟|哪里|哪儿)(?:出现|显示|登场)" + _HAN_END),
    (Kind.WHEN, "", "", rf"^(?:跳到|跳转到|转到|定位到){_HAN_TOPIC}(?:的)?(?:地方|时候|片段|画面|场景|那里)?" + _HAN_END),
    (Kind.SHOW, "", "", r"^(?:给我看看?|播放一?下?|放给我看|让我看看?|看一下)(?:它|那个|这个|那里)?" + _HAN_END),
)
# fmt: on
FORMS = [
    (kind, detail, source, re.compile(pattern, re.IGNORECASE))
    for kind, detail, source, pattern in (*_ENGLISH, *_CHINESE)
]
