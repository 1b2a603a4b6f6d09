// Several qualities and sounds (HLS), where they were made: chosen by the speed of the line, or by the person. Without
// it, or when it fails, the page plays the one file.
"use strict";

{
  const media = document.querySelector("video[data-streams]");
  const choice = document.querySelector(".qualities");
  if (media && window.Hls?.isSupported()) {
    const hls = new Hls({ enableWorker: false, capLevelToPlayerSize: true });
    const file = media.src;
    const fill = (select, names, chosen, choose) => {
      names.forEach(([value, text]) => select.add(new Option(text, value, false, value === chosen)));
      select.addEventListener("change", () => choose(Number(select.value)));
      select.closest("label").hidden = select.options.length < 2;
    };
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      choice.hidden = false;
      const levels = hls.levels.map((level, number) => [number, `${Math.min(level.height, level.width)}p`]);
      fill(choice.querySelector("[data-quality]"), levels.reverse(), null, (number) => { hls.nextLevel = number; });
      const sounds = hls.audioTracks.map((track, number) => [number, track.name]);
      fill(choice.querySelector("[data-sound]"), sounds, hls.audioTracks.findIndex((track) => track.default), (number) => {
        hls.audioTrack = number;
      });
    });
    hls.on(Hls.Events.ERROR, (_event, error) => {
      if (!error.fatal) return;
      const now = media.currentTime;
      hls.destroy();
      choice.hidden = true;
      media.src = file;
      media.currentTime = now;
    });
    hls.loadSource(media.dataset.streams);
    hls.attachMedia(media);
  }
}
