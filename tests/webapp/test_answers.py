"""Asking: sentences stream as they are found, parts and times are understood, answers are kept until forgotten."""

import json
import re

import pytest
from asgiref.sync import async_to_sync
from django.utils import translation

from webapp import engine
from webapp.answers import replies, threads
from webapp.media import documents
from webapp.models import Question, Video

EVENTS = {"Accept": "text/event-stream"}
PAST = "What writes down what is spoken?"


def read_events(response) -> list[tuple[str, dict]]:
    async def collect() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    found = re.findall(r"event: (\w+)\ndata: (.*)\n\n", async_to_sync(collect)().decode())
    return [(name, json.loads(data)) for name, data in found]


def test_sentences_arrive_before_the_whole_answer(demo, clients) -> None:
    response = clients["owner"].post(f"/videos/{demo.key}/ask", {"q": PAST}, headers=EVENTS)
    assert response["Content-Type"] == "text/event-stream"
    events = read_events(response)
    names = [name for name, _ in events]
    assert names[0] == "sentence"
    assert names[-1] == "done"
    assert "data-seek" in events[-1][1]["html"]
    assert "whisper" in events[0][1]["text"].lower()
    assert Question.objects.get().answer["sentences"][0]["text"] in events[0][1]["text"]


def test_a_stream_of_what_is_not_said_ends_at_once(demo, clients) -> None:
    response = clients["owner"].post(
        f"/videos/{demo.key}/ask", {"q": "Which penguin won the election?"}, headers=EVENTS
    )
    assert [name for name, _ in read_events(response)] == ["done"]
    assert Question.objects.get().answer["abstained"]


def test_nobody_asks_what_they_may_not_see(demo, clients) -> None:
    Video.objects.filter(pk=demo.pk).update(visibility="private")
    for person in ("other", "friend"):
        assert clients[person].post(f"/videos/{demo.key}/ask", {"q": PAST}, headers=EVENTS).status_code == 404
        events = read_events(clients[person].post("/ask", {"q": PAST}, headers=EVENTS))
        assert [name for name, _ in events] == ["done"]
    assert clients["anonymous"].post("/ask", {"q": PAST}, headers=EVENTS).status_code == 302


def test_the_page_keeps_what_was_asked_until_it_is_forgotten(demo, clients) -> None:
    page = clients["owner"].post(f"/videos/{demo.key}/ask", {"q": PAST}, follow=True).content.decode()
    assert PAST in page
    assert "Forget" in page
    question = Question.objects.get()
    assert clients["other"].post(f"/ask/{question.pk}/forget").status_code == 404
    page = clients["owner"].post(f"/ask/{question.pk}/forget", follow=True).content.decode()
    assert PAST not in page
    assert not Question.objects.exists()


def test_asking_again_takes_the_place_of_the_answer(demo, clients, people) -> None:
    for q in (PAST, "What goes into the index?"):
        clients["owner"].post(f"/videos/{demo.key}/ask", {"q": q})
    first, last = Question.objects.order_by("pk")
    Question.objects.filter(pk=last.pk).update(thread=first.thread)
    theirs = Question.objects.create(asker=people["other"], video=demo, text="Theirs?", answer={"abstained": True})
    for instead in (str(first.pk), str(theirs.pk), "x", "9" * 30):
        again = {"q": "What reads the screen?", "instead": instead, "thread": str(first.thread)}
        clients["owner"].post(f"/videos/{demo.key}/ask", again)
    kept = [q.text for q in Question.objects.filter(thread=first.thread).order_by("pk")]
    assert kept[:2] == ["What reads the screen?", "What goes into the index?"]
    assert Question.objects.get(pk=theirs.pk).text == "Theirs?"


def test_conversations_are_apart(demo, clients, people) -> None:
    """Each is told its own earlier turns, is listed by its first question, and can be forgotten as a whole."""
    owner, page = clients["owner"], f"/videos/{demo.key}"
    for thread in ("new", "new", "no-uuid"):
        owner.post(f"{page}/ask", {"q": PAST, "thread": thread})
    first = Question.objects.order_by("pk").first()
    owner.post(f"{page}/ask", {"q": "What goes into the index?", "thread": str(first.thread)})
    assert Question.objects.values("thread").distinct().count() == 3
    shown = owner.get(page, {"thread": str(first.thread)})
    assert [q.text for q in shown.context["asked"]] == [PAST, "What goes into the index?"]
    assert shown.context["threads"][0].pk == first.pk
    assert [q.text for q in owner.get(page).context["asked"]] == [PAST, "What goes into the index?"]
    assert owner.get(page, {"thread": "new"}).context["asked"] == []
    for client in (owner, clients["admin"]):
        wanted = "00000000-0000-4000-8000-000000000000" if client is owner else str(first.thread)
        assert client.get(page, {"thread": wanted}).status_code == 404
    assert clients["admin"].post(f"/ask/threads/{first.thread}/forget").status_code == 404
    assert owner.post(f"/ask/threads/{first.thread}/forget").status_code == 302
    assert Question.objects.count() == 2


def test_earlier_turns_are_those_of_the_thread(demo, people) -> None:
    first, other = (
        Question.objects.create(asker=people["owner"], video=demo, text=text, answer={"answer": text})
        for text in ("Who is Ada?", "Who is Bo?")
    )
    assert [t.question for t in threads.earlier_turns(people["owner"], demo, first.thread)] == ["Who is Ada?"]
    assert [t.question for t in threads.earlier_turns(people["owner"], demo, other.thread)] == ["Who is Bo?"]


def test_chapters_and_labels_are_evidence(demo, people) -> None:
    kinds = set(demo.evidence.values_list("kind", flat=True))
    assert {"speech", "screen", "chapter"} == kinds - {"tag"}
    titles = set(demo.evidence.filter(kind="chapter").values_list("text", flat=True))
    assert titles == {c.title for c in demo.chapters.all()}
    answer = replies.ask(people["owner"], f"Which chapter is about {min(titles)}?", [demo.pk]).answer
    assert min(titles) in answer.text
    assert answer.sentences[0].kind == "chapter"
    assert all(s.kind != "chapter" for s in replies.ask(people["owner"], PAST, [demo.pk]).answer.sentences)


def test_a_quotation_is_told_in_the_language_of_the_question() -> None:
    kept = {"text": "A dog", "kind": "caption", "citations": []}
    with translation.override("zh-hans"):  # the reader's own does not matter
        assert replies.tell(kept, "en") == "Guessed from the picture: a dog"
    assert replies.tell(kept, "zh-hans").startswith("根据画面推测")
    assert replies.tell({**kept, "kind": "screen"}, "zh-hans") == "画面文字：“A dog”"
    assert replies.tell({**kept, "kind": "speech", "short_answer": "狗"}, "zh-hans") == "狗：“A dog”"
    assert replies.tell({"text": "“Kept by an earlier version.”"}, "en") == "“Kept by an earlier version.”"


def test_suggested_questions_are_answered(demo, people, clients) -> None:
    assert demo.suggestions
    page = clients["owner"].get(f"/videos/{demo.key}").content.decode()
    for question in demo.suggestions:
        assert question in page.replace("&quot;", '"').replace("&#x27;", "'")
        assert not replies.ask(people["owner"], question, [demo.pk]).answer.abstained


def test_parts_and_times_of_a_question_are_answered_apart(demo, people) -> None:
    reply = replies.ask(people["owner"], f"{PAST} And which penguin won the election?", [demo.pk])
    assert reply.answer.sentences
    assert len(reply.unanswered) == 1
    assert "penguin" in reply.record()["unanswered"][0]
    early = replies.ask(people["owner"], "What is written on the screen at the beginning?", [demo.pk]).answer
    assert early.sentences
    assert all(c.start < 15 for s in early.sentences for c in s.citations)


def test_a_decoder_that_is_down_leaves_the_quotations(demo, people, settings, monkeypatch) -> None:
    dead = ("qa.adapters.openai_endpoint.OpenaiEndpoint", "http://127.0.0.1:9/v1", "nobody", "")
    settings.KINOSCOPE_PROFILES = {
        name: {**profile, "decoder": dead} for name, profile in settings.KINOSCOPE_PROFILES.items()
    }
    assert engine.decoder() is not None
    answer = replies.ask(people["owner"], PAST, [demo.pk]).answer
    assert "whisper" in answer.text.lower()


@pytest.mark.parametrize("kind", documents.KINDS)
@pytest.mark.parametrize("form", documents.FORMATS)
def test_everything_can_be_taken_away_in_every_form(kind, form, demo, clients, people) -> None:
    demo.utterances.filter(pk=demo.utterances.first().pk).update(text="<b>Bold</b> --> [link](http://evil.example)")
    asked = clients["owner"].post(f"/videos/{demo.key}/ask", {"q": PAST})
    assert asked.status_code == 302
    response = clients["owner"].get(f"/media/{demo.key}/{kind}.{form}")
    text = response.content.decode()
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith("attachment")
    assert "sandbox" in response["Content-Security-Policy"]
    if form == "json":
        assert all(0 <= s["start"] < s["end"] for s in json.loads(text)["segments"])
        assert json.loads(text)["segments"]
    else:
        assert text.strip()
        assert form == "txt" or "<b>" not in text
        assert form != "md" or "](http" not in text
    if kind == "answers":
        assert PAST in text
        assert PAST not in clients["admin"].get(f"/media/{demo.key}/{kind}.{form}").content.decode()


def test_other_kinds_and_forms_do_not_exist(demo, clients) -> None:
    assert clients["owner"].get(f"/media/{demo.key}/secrets.json").status_code == 404
    assert clients["owner"].get(f"/media/{demo.key}/transcript.exe").status_code == 404
