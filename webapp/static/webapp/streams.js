// Several qualities and sounds (HLS), where they were made: chosen by the speed of the line, or by the person. Without
// it, or when it fails, the page plays the one file.
"use strict";

{
  const media = document.querySelector("video[data-streams]");
  const choice = document.querySelector(".qualities");
  if (media && window.Hls?.isSupported()) {
    const hls = new Hls({ enableWorker: false, capLevelToPlayerSize: true });
    const file = media.src;
    const fill = (select, names, chosen) => {
      names.forEach(([value, text]) => select.add(new Option(text, value, false, value === chosen)));
      select.closest("label").hidden = select.options.length < 2;
    };
    const quality = choice.querySelector("[data-quality]");
    const sound = choice.querySelector("[data-sound]");
    quality.addEventListener("change", () => { hls.nextLevel = Number(quality.value); });
    sound.addEventListener("change", () => { hls.audioTrack = Number(sound.value); });
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      choice.hidden = false;
      const levels = hls.levels.map((level, number) => [number, `${Math.min(level.height, level.width)}p`]);
      fill(quality, levels.reverse(), null);
    });
    hls.on(Hls.Events.AUDIO_TRACKS_UPDATED, () => {
      sound.replaceChildren();
      fill(sound, hls.audioTracks.map((track, number) => [number, track.name]), hls.audioTracks.findIndex((t) => t.default));
    });
    hls.on(Hls.Events.ERROR, (_event, error) => {
      if (!error.fatal) return;
      const now = media.currentTime;
      hls.destroy();
      choice.hidden = true;
      media.src = file;
      media.currentTime = now;
    });
    // What is about to be deleted is not asked for any more.
    addEventListener("submit", (event) => {
      if (event.target.matches("[data-delete]") && !event.defaultPrevented) hls.stopLoad();
    });
    hls.loadSource(media.dataset.streams);
    hls.attachMedia(media);
  }
}
