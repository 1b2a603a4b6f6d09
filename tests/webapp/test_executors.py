"""Questions of every kind, asked of a small library whose rows are known: what is said, cited, and to whom."""

import uuid

import pytest

from qa.types import Turn
from webapp.answers import replies, threads
from webapp.answers.suggestions import suggest_first, suggest_next
from webapp.models import Question, SharedThread, Utterance, Video

pytestmark = pytest.mark.usefixtures("fake_models")


def say(video: Video, *sentences: str) -> None:
    for n, text in enumerate(sentences):
        words = text.split()
        timed = [[f" {w}", 5.0 * n + 0.5 * i, 5.0 * n + 0.5 * i + 0.4] for i, w in enumerate(words)]
        Utterance.objects.create(video=video, start=5.0 * n, end=5.0 * n + 4, text=text, words=timed)


@pytest.fixture
def library(people) -> dict[str, Video]:
    """Three public videos and a private one of somebody else."""
    rows = {
        "soup": ("owner", "public", "en", 60.0), "tram": ("owner", "public", "en", 200.0),
        "tee": ("other", "public", "de", 30.0), "secret": ("other", "private", "en", 999.0),
    }  # fmt: skip
    made = {
        name: Video.objects.create(
            owner=people[owner], title=name.title(), file_name=f"{name}.mp4", sha256=name, size_bytes=1,
            language=language, visibility=visibility, duration=duration, status="ready",
        )
        for name, (owner, visibility, language, duration) in rows.items()
    }  # fmt: skip
    say(made["soup"], "My name is Marta Lind and I cook.", "Chop the garlic.", "More garlic is better.", "Serve hot.")
    say(made["tram"], "The tram line opens in May.", "Nobody spoke of garlic before.", "Thank you for coming.")
    say(made["secret"], "The garlic is hidden in the safe.")
    made["soup"].about = [{"text": "garlic soup", "start": 5.0, "end": 9.0}]
    made["soup"].summary = [{"text": "Chop the garlic.", "start": 5.0, "end": 9.0}]
    made["soup"].save()
    made["soup"].chapters.create(start=0, end=30, title="Garlic")
    return made


def ask(people, text: str, video: Video | None = None, who: str = "friend", turns=()) -> replies.Reply:
    return replies.ask(people[who], text, [video.pk] if video else None, turns)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How many videos are there?", "There are 3 videos."),
        ("How many videos were added today?", "There are 3 videos."),
        ("How many videos were added last year?", "There are no such videos."),
        ("Which video is the longest?", "The longest is “Tram” with 3 minutes 20 seconds."),
        ("What is the shortest video?", "The shortest is “Tee” with 30 seconds."),
        ("What was added last?", "The newest is “Tee”"),
        ("Which languages are spoken?", "Spoken are English (2) and German (1)."),
        ("How long are all videos together?", "3 videos, 4 minutes 50 seconds together."),
        ("Who uploaded the most?", "Uploaded by owner (2) and other (1)."),
        ("一共有多少个视频？", "共有 3 个视频。"),
        ("How often is garlic mentioned?", "“garlic” is mentioned 3 times."),
        ("Does anyone mention butter?", "“butter” is not mentioned, as far as can be heard."),
        ("Is the tram mentioned?", "Yes: “tram” is mentioned once."),
        ("Which videos mention garlic?", "In 2 videos: “Soup” and “Tram”."),
        ("How many videos mention garlic?", "2: “Soup” and “Tram”."),
        ("hello", "Hello!"),
        ("thanks!", "You are welcome."),
        ("?", "I did not understand that."),
        ("你好", "你好！"),
        ("What is new?", "“Soup”: garlic soup."),
    ],
)
def test_what_the_library_knows(library, people, text: str, expected: str) -> None:
    reply = ask(people, text)
    assert expected in reply.record()["answer"]
    assert "Secret" not in reply.record()["answer"]
    assert library["secret"].pk not in reply.videos


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is this video about?", "Marta Lind speaks about garlic soup. Chop the garlic."),
        ("Summarise this.", "Marta Lind speaks about garlic soup. Chop the garlic."),
        ("What are the main points?", "Chop the garlic."),
        ("List the chapters", "The chapter “Garlic”"),
        ("What are the first words?", "“My name is Marta Lind and I cook.”"),
        ("What is the last sentence?", "“Serve hot.”"),
        ("What is said at 0:06?", "“Chop the garlic.”"),
        ("Who is speaking?", "Marta Lind: “My name is Marta Lind and I cook.”"),
        ("How often is garlic mentioned?", "“garlic” is mentioned 2 times."),
    ],
)
def test_what_one_video_says(library, people, text: str, expected: str) -> None:
    reply = ask(people, text, library["soup"])
    assert expected in reply.record()["answer"]
    assert {c.video for s in reply.answer.sentences for c in s.citations} == {library["soup"].pk}


def test_words_are_cited_where_they_are_said(library, people) -> None:
    (sentence,) = ask(people, "How often is garlic mentioned?", library["soup"]).answer.sentences
    assert [(c.start, c.end) for c in sentence.citations] == [(6.0, 6.4), (10.5, 10.9)]


def test_a_video_without_words_says_that_it_does_not_know(library, people) -> None:
    reply = ask(people, "What is this video about?", library["tee"])
    assert reply.answer.abstained
    assert "Nothing could be recognised" in reply.record()["answer"]
    assert ask(people, "Who is speaking?", library["tee"]).answer.abstained


def test_a_title_and_a_person_narrow_the_question(library, people) -> None:
    assert "garlic soup" in ask(people, "What is said in the video about soup?").record()["answer"]
    assert ask(people, "How many videos were uploaded by owner?").record()["answer"] == "There are 2 videos."
    assert "no such videos" in ask(people, "How many videos were uploaded by nobody?").record()["answer"]
    compared = ask(people, "Compare Soup and Tram").record()
    assert [s["citations"][0]["file"] for s in compared["sentences"]] == ["soup.mp4", "tram.mp4"]


def test_a_follow_up_refers_to_what_was_cited(library, people) -> None:
    cited = ((library["soup"].pk, 6.0, 6.4), (library["tram"].pk, 5.0, 6.0))
    turns = [Turn("Which videos mention garlic?", "In 2 videos", cited)]
    assert "Tram" not in ask(people, "What is the first one about? ", turns=turns).record()["answer"]
    assert [c.video for s in ask(people, "show me", turns=turns).answer.sentences for c in s.citations] == [
        library["soup"].pk, library["tram"].pk,
    ]  # fmt: skip
    assert "“butter”" in ask(people, "and butter?", turns=turns).record()["answer"]
    hidden = [Turn("Which videos mention garlic?", "", ((library["secret"].pk, 0.0, 1.0),))]
    assert ask(people, "show me", turns=hidden).answer.abstained


def test_why_says_how_a_question_was_understood(library, people) -> None:
    (why,) = ask(people, "Which videos uploaded by owner mention garlic?").why
    assert (why["kind"], why["topic"], why["restriction"], why["videos"]) == ("list", "garlic", {"person": "owner"}, 2)


def test_an_answer_is_judged_by_who_asked(library, people, clients) -> None:
    clients["friend"].post("/ask", {"q": "Which videos mention garlic?"})
    question = Question.objects.get()
    page = clients["friend"].get("/ask").content.decode()
    assert "Why this answer?" in page
    assert page.count('class="citation card"') == 2
    address = f"/ask/{question.pk}/judge"
    for who, status in (("anonymous", 302), ("other", 404), ("friend", 302)):
        assert clients[who].post(address, {"good": "1"}).status_code == status
    question.refresh_from_db()
    assert question.good is True
    clients["friend"].post(address, {"good": "1"})
    question.refresh_from_db()
    assert question.good is None


def test_a_title_is_not_told_once_the_video_is_hidden(library, people, clients) -> None:
    """A composed sentence names every video it cites: it goes when one of them is no longer theirs to see."""
    clients["friend"].post("/ask", {"q": "Which videos mention garlic?"})
    Video.objects.filter(pk=library["tram"].pk).update(visibility="private")
    assert "Tram" not in clients["friend"].get("/ask").content.decode()
    assert "Tram" not in clients["friend"].get("/api/v1/answers").content.decode()


def test_a_conversation_is_named_and_taken_away(library, people, clients) -> None:
    clients["friend"].post("/ask", {"q": "Which videos mention garlic?"})
    thread = Question.objects.get().thread
    clients["friend"].post(f"/ask/threads/{thread}/rename", {"name": "Kitchen"})
    assert "Kitchen" in clients["friend"].get("/ask").content.decode()
    exported = clients["friend"].get(f"/ask/threads/{thread}/export")
    text = exported.content.decode()
    assert exported["Content-Type"].startswith("text/markdown")
    assert text.startswith("# Kitchen\n\n## Which videos mention garlic?")
    assert f"(http://testserver/videos/{library['soup'].key}?t=6.0)" in text
    Video.objects.filter(pk=library["tram"].pk).update(visibility="private")
    assert "Tram" not in clients["friend"].get(f"/ask/threads/{thread}/export").content.decode()


def test_what_may_be_asked_next_is_answered(library, people, clients) -> None:
    library["soup"].suggestions = ["What is said about Marta Lind?", "What is written on the screen at 0:20?"]
    library["soup"].save()
    thread = uuid.uuid4()
    asked = [threads.ask(people["friend"], "How often is garlic mentioned?", None, thread)]
    cited = threads.cited_videos(people["friend"], asked)
    following = suggest_next(asked, cited)
    assert following == ["What is said about Marta Lind?", "What is “Soup” about?"]
    asked.append(threads.ask(people["friend"], following[1], None, thread))
    assert asked[1].answer["sentences"][0]["text"] == "Marta Lind speaks about garlic soup."
    assert following[1] not in suggest_next(asked, cited)
    page = clients["friend"].get(f"/ask?thread={thread}").content.decode()
    assert page.count("data-next") == 1


def test_a_shared_conversation_shows_only_what_its_person_may_share(library, people, clients) -> None:
    thread = uuid.uuid4()
    threads.ask(people["owner"], "What is the shortest video?", None, thread)  # of somebody else
    threads.ask(people["owner"], "Which video is the longest?", None, thread)
    assert clients["owner"].post(f"/ask/threads/{thread}/share").status_code == 302
    link = f"/shared/conversations/{SharedThread.objects.get().key}"
    for who, tee in (("anonymous", False), ("other", True), ("owner", True)):
        page = clients[who].get(link).content.decode()
        assert "The longest is “Tram”" in page
        assert ("The shortest is “Tee”" in page) is tee
        assert (f"/videos/{library['tram'].key}" in page) is (who != "anonymous")
    assert clients["owner"].post(f"/ask/threads/{thread}/unshare").status_code == 302
    assert clients["owner"].get(link).status_code == 404


@pytest.mark.parametrize(
    ("sound", "expected"),
    [
        ({"music": 0.8, "silence": 0.2}, "A video with music. It shows dog."),
        ({}, "A silent video. It shows dog."),
        ({"other": 1.0}, "A video without speech. It shows dog."),
        ({"speech": 0.3, "silence": 0.7}, "It shows dog."),
    ],
)
def test_a_video_without_speech_is_told_by_its_kind(sound, expected, library, people) -> None:
    library["tee"].tags, library["tee"].sound = ["dog"], sound
    library["tee"].save()
    assert ask(people, "What is this about?", library["tee"]).answer.sentences[0].text == expected


def test_what_may_be_asked_first_is_answered(library, people, clients) -> None:
    library["soup"].suggestions = ["What is said about garlic?"]
    library["soup"].save()
    first = suggest_first(people["friend"])
    assert first == [
        "What is “Soup” about?",
        "What is said about garlic?",
        "Which video is the longest?",
        "What was added this week?",
    ]
    for text in (first[0], *first[2:]):
        assert not ask(people, text).answer.abstained, text
    page = clients["friend"].get("/ask").content.decode()
    assert "Suggested questions" in page
    assert "Which video is the longest?" in page
    Video.objects.exclude(title="Secret").delete()
    assert suggest_first(people["friend"]) == []
