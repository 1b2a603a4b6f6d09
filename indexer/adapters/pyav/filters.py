"""FFmpeg's filter graphs: how one is built, and the one that has to see a whole stream."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import av
from av.filter import Graph
from av.video.frame import VideoFrame

Filter: TypeAlias = str | tuple[str, dict[str, str]]  # in FFmpeg's notation, or with options that hold any sign


def make_graph(frame: VideoFrame, chain: Sequence[Filter]) -> Graph:
    """Filters one after the other for frames like this one."""
    graph = Graph()
    ends = [
        graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or av.time_base
        )
    ]
    for part in chain:
        if isinstance(part, str):
            name, _, arguments = part.partition("=")
            ends.append(graph.add(name, arguments))
        else:
            ends.append(graph.add(part[0], **part[1]))
    ends.append(graph.add("buffersink"))
    graph.link_nodes(*ends).configure()
    return graph


@dataclass
class Deinterlacer:
    """Frames of two fields become whole ones (FFmpeg's bwdif), others pass; a frame comes out when the next goes in."""

    _graph: Graph | None = None
    _kind: tuple[Any, ...] = ()

    def decode(self, packet: Any) -> Iterator[VideoFrame]:
        """The whole frames of a packet; one that is damaged gives none."""
        try:
            frames = packet.decode()
        except (av.FFmpegError, ValueError):
            return
        for frame in frames:
            yield from self.push(frame)

    def push(self, frame: VideoFrame) -> list[VideoFrame]:
        kind = (frame.width, frame.height, frame.format.name)
        frames = self.flush() if self._kind != kind else []
        if self._graph is None and not frame.interlaced_frame:
            return [*frames, frame]
        if self._graph is None:
            self._graph, self._kind = make_graph(frame, ["bwdif=mode=send_frame:deint=interlaced"]), kind
        self._graph.push(frame)
        return [*frames, *self._pull()]

    def flush(self) -> list[VideoFrame]:
        """What is still inside; the next frame begins anew."""
        if self._graph is None:
            return []
        self._graph.push(None)
        frames = self._pull()
        self._graph, self._kind = None, ()
        return frames

    def _pull(self) -> list[VideoFrame]:
        frames: list[VideoFrame] = []
        assert self._graph is not None
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return frames
            assert isinstance(frame, VideoFrame)
            frames.append(frame)
