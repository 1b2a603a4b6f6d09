"""A video in several qualities: made when somebody asks, listed by playlists, sent by byte ranges."""

import re

import pytest

from webapp.models import Step

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("fake_models")]


def test_qualities_are_made_when_wanted_and_served_to_who_may_see(accept, clients, work) -> None:
    video = accept(seconds=2)
    work()
    owner, other = clients["owner"], clients["other"]
    master = f"/media/{video.key}/streams.m3u8"
    assert not video.steps.filter(name="streams").exists()
    assert owner.get(master).status_code == 404
    assert other.post(f"/videos/{video.key}/qualities").status_code == 404
    assert owner.post(f"/videos/{video.key}/qualities").status_code == 302
    video.refresh_from_db()
    assert video.status == "ready"  # what it is while they are made, too
    work()
    assert video.steps.get(name="streams").status == Step.Status.DONE
    text = owner.get(master).content.decode()
    lists = re.findall(r'(/media/[^"\s]+\.m3u8)', text)
    assert len(lists) == 2
    assert 'CODECS="avc1.' in text
    assert ",mp4a.40.2" in text
    for address in (master, *lists):
        assert other.get(address).status_code == 404
        assert clients["anonymous"].get(address).status_code == 401
    listed = owner.get(lists[1]).content.decode()
    file = re.search(r'URI="([^"]+)"', listed)[1]
    length, first = map(int, re.search(r"#EXT-X-BYTERANGE:(\d+)@(\d+)", listed).groups())
    piece = owner.get(file, headers={"Range": f"bytes={first}-{first + length - 1}"})
    assert (piece.status_code, int(piece["Content-Length"])) == (206, length)
    assert other.get(file).status_code == 404
    page = owner.get(f"/videos/{video.key}").content.decode()
    assert f'data-streams="{master}"' in page
    owner.post(f"/videos/{video.key}/qualities")  # again: the same files, none lost
    work()
    assert owner.get(master).content.decode() == text


def test_names_cannot_break_a_playlist(accept) -> None:
    from webapp.media import playlists

    video = accept()
    track = {"index": 1, "title": 'a"b\n#EXT-X-ENDLIST', "language": "en", "readable": True}
    video.media_info = {"container": "mkv", "duration": 1.0, "sounds": [track]}
    sound = {"name": "sound-1", "track": 1, "codec": "mp4a.40.2", "bits": 1, "init": [0, 1], "segments": [[1.0, 1, 1]]}
    video.streams = {"pictures": [], "sounds": [sound]}
    lines = playlists.write_master(video).splitlines()
    assert len([line for line in lines if line.startswith("#EXT-X-MEDIA")]) == 1
    assert 'NAME="a\'b#EXT-X-ENDLIST"' in lines[3]
