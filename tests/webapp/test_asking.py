"""Asking: sentences stream as they are found, parts and times are understood, answers are kept until forgotten."""

import json
import re

import pytest
from asgiref.sync import async_to_sync

from webapp import answering, documents, engine
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
    assert Question.objects.get().answer["answer"].startswith(events[0][1]["text"])


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
    first = Question.objects.get(text=PAST)
    theirs = Question.objects.create(asker=people["other"], video=demo, text="Theirs?", answer={"abstained": True})
    for instead in (str(first.pk), str(theirs.pk), "x", "9" * 30):
        clients["owner"].post(f"/videos/{demo.key}/ask", {"q": PAST, "instead": instead})
    assert not Question.objects.filter(pk=first.pk).exists()
    assert Question.objects.filter(pk=theirs.pk).exists()


def test_suggested_questions_are_answered(demo, people, clients) -> None:
    assert demo.suggestions
    page = clients["owner"].get(f"/videos/{demo.key}").content.decode()
    for question in demo.suggestions:
        assert question in page.replace("&quot;", '"').replace("&#x27;", "'")
        assert not answering.ask(people["owner"], question, [demo.pk]).answer.abstained


def test_parts_and_times_of_a_question_are_answered_apart(demo, people) -> None:
    reply = answering.ask(people["owner"], f"{PAST} And which penguin won the election?", [demo.pk])
    assert reply.answer.sentences
    assert len(reply.unanswered) == 1
    assert "penguin" in reply.record()["unanswered"][0]
    early = answering.ask(people["owner"], "What is written on the screen at the beginning?", [demo.pk]).answer
    assert early.sentences
    assert all(c.start < 15 for s in early.sentences for c in s.citations)


def test_a_decoder_that_is_down_leaves_the_quotations(demo, people, settings, monkeypatch) -> None:
    dead = ("qa.adapters.openai_endpoint.OpenaiEndpoint", "http://127.0.0.1:9/v1", "nobody", "")
    settings.KINOSCOPE_PROFILES = {
        name: {**profile, "decoder": dead} for name, profile in settings.KINOSCOPE_PROFILES.items()
    }
    assert engine.decoder() is not None
    answer = answering.ask(people["owner"], PAST, [demo.pk]).answer
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
