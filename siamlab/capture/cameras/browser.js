// The page's side of a camera: a light that shows when it is on, and, where `gives_frames` is true,
// the browser's own camera, whose frames go to the kernel as JPEG, one in flight at a time.
//
// To the kernel: hello (a view is shown), alive (every half second), gone (nobody sees it), and of
// the browser's camera: on, frame (with the JPEG as buffer), off (with the reason as a sentence).
// From the kernel: begin (as a click on Start), ack (the frame arrived; the next one may go).

const FRAMES_PER_SECOND = 25;
const JPEG_QUALITY = 0.85;
const BEAT_MS = 500;
const MOVED_MS = 300; // a view that is drawn again elsewhere comes back within this time
const ANSWER_MS = 4000; // a kernel that is silent for longer is gone
const SIZES = ["320 x 240", "640 x 480", "1280 x 720"];

const AGAIN = "and press Start again.";
const REASONS = {
  NotAllowedError: `the browser refused the camera: allow it for this page, by the sign beside its address, ${AGAIN}`,
  NotFoundError: `this computer has no camera that the browser can see: plug one in ${AGAIN}`,
  NotReadableError: `the camera is in use by another program: close that one ${AGAIN}`,
  SecurityError: `the browser does not let this page use cameras: open the notebook in its own tab ${AGAIN}`,
};
REASONS.OverconstrainedError = REASONS.NotFoundError;
REASONS.AbortError = REASONS.NotReadableError;

const STYLE = `
.siamlab-camera { display: flex; flex-wrap: wrap; gap: 8px; align-items: center;
  color: var(--jp-content-font-color1, inherit); }
.siamlab-camera video { width: 160px; transform: scaleX(-1); background: #000; }
.siamlab-light { width: 12px; height: 12px; border-radius: 50%; border: 2px solid #c62828; }
.siamlab-on .siamlab-light { background: #e53935; box-shadow: 0 0 6px #e53935; }
.siamlab-camera [hidden] { display: none; }
`;

function missingCamera() {
  if (navigator.mediaDevices?.getUserMedia) return "";
  if (!window.isSecureContext) {
    return "browsers give a camera only to pages of https addresses and of localhost: open the notebook at such an address.";
  }
  return "this page cannot use cameras (VS Code's notebooks cannot): open the notebook in JupyterLab, in a browser.";
}

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

// The stream of the browser's camera, and the frames that it sends.
class Stream {
  constructor(send, changed) {
    this.send = send;
    this.changed = changed; // is called when anything to show has changed
    this.media = null;
    this.starting = false;
    this.message = "";
    this.speed = "";
    this.cameras = [];
    this.opening = 0; // counts starts and stops, so that a late answer is known as late
    this.video = document.createElement("video");
    this.video.muted = true;
    this.video.playsInline = true;
    this.canvas = document.createElement("canvas");
  }

  async start(deviceId, size) {
    this.end();
    const opening = this.opening;
    this.message = missingCamera();
    if (this.message) return this.stop(this.message);
    this.message = "Waiting for the camera: the browser may ask whether this page can use it.";
    this.starting = true;
    this.changed();
    const [width, height] = size.split(" x ").map(Number);
    const video = { width: { ideal: width }, height: { ideal: height } };
    if (deviceId) video.deviceId = { exact: deviceId };
    try {
      const media = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      if (opening !== this.opening) return media.getTracks().forEach((track) => track.stop());
      this.media = media;
      this.video.srcObject = media;
      const track = media.getVideoTracks()[0];
      track.onended = () => this.stop(`the camera went away: was it unplugged? Plug it in ${AGAIN}`);
      await this.video.play();
      const found = await navigator.mediaDevices.enumerateDevices();
      if (opening !== this.opening) return;
      this.cameras = found.filter((device) => device.kind === "videoinput");
      this.deviceId = track.getSettings().deviceId;
    } catch (error) {
      if (opening === this.opening) this.stop(REASONS[error.name] ?? `${error.name}: ${error.message}`);
      return;
    }
    this.message = "";
    this.starting = false;
    this.number = 0;
    this.times = [];
    this.send({ kind: "on" });
    this.changed();
    this.sendFrame(opening);
  }

  async grabFrame() {
    const { videoWidth: width, videoHeight: height } = this.video;
    Object.assign(this.canvas, { width, height });
    this.canvas.getContext("2d").drawImage(this.video, 0, 0);
    const blob = await new Promise((done) => this.canvas.toBlob(done, "image/jpeg", JPEG_QUALITY));
    return blob.arrayBuffer();
  }

  async sendFrame(opening) {
    const jpeg = await (this.next ?? this.grabFrame());
    if (opening !== this.opening) return;
    this.number += 1;
    this.sent = performance.now();
    this.send({ kind: "frame", number: this.number }, [jpeg]);
    const silent = "the kernel does not answer, so the camera was turned off. Press Start when it does.";
    this.timer = setTimeout(() => this.stop(silent), ANSWER_MS);
    this.next = this.grabFrame(); // while this one travels
  }

  acknowledged(number) {
    if (!this.media || number !== this.number) return;
    clearTimeout(this.timer);
    const now = performance.now();
    this.times.push(now);
    if (this.times.length > FRAMES_PER_SECOND) {
      const rate = (1000 * (this.times.length - 1)) / (now - this.times[0]);
      const { videoWidth, videoHeight } = this.video;
      this.speed = `${videoWidth} x ${videoHeight}, ${rate.toFixed(0)} frames/s, `
        + `${(now - this.sent).toFixed(0)} ms to the kernel and back`;
      this.times = [];
      this.changed();
    }
    const opening = this.opening;
    const rest = Math.max(0, 1000 / FRAMES_PER_SECOND - (now - this.sent));
    this.timer = setTimeout(() => this.sendFrame(opening), rest);
  }

  // Turn the camera off and tell the kernel why, unless it is off.
  stop(reason) {
    const told = this.media || this.starting || this.message;
    this.end();
    this.message = reason[0].toUpperCase() + reason.slice(1);
    if (told) this.send({ kind: "off", reason });
    this.changed();
  }

  end() {
    this.opening += 1;
    clearTimeout(this.timer);
    this.media?.getTracks().forEach((track) => {
      track.onended = null;
      track.stop();
    });
    this.media = this.video.srcObject = this.next = null;
    this.starting = false;
    this.message = this.speed = "";
  }
}

export default () => {
  const views = new Set();
  let stream = null;
  let send = () => {};
  let leave = () => {};
  let start = () => {};

  return {
    initialize({ model }) {
      const givesFrames = model.get("gives_frames");
      send = (message, buffers = []) => {
        try {
          model.send(message, undefined, buffers);
        } catch (error) {
          stream?.end(); // the kernel is gone, or the notebook closed
        }
      };
      const draw = () => views.forEach((view) => view());
      stream = new Stream(send, draw);
      start = () => {
        if (!model.get("closed")) stream.start(model.get("device"), model.get("resolution"));
      };
      leave = (why) => {
        if (givesFrames) stream.stop(why);
        else send({ kind: "gone" });
      };
      const hidden = () => document.hidden && leave("its page was hidden, so the camera was turned off.");
      const closing = () => leave("its page was closed, so the camera was turned off.");
      const dead = () => {
        if (stream.media) stream.stop("the kernel is gone, so the camera was turned off.");
      };
      const closed = () => {
        if (model.get("closed")) stream.end();
        draw();
      };
      document.addEventListener("visibilitychange", hidden);
      window.addEventListener("pagehide", closing);
      model.on("msg:custom", (message) => {
        if (message.kind === "begin") start();
        if (message.kind === "ack") stream.acknowledged(message.number);
      });
      model.on("change:closed change:on", closed);
      model.on("comm:close comm_live_update destroy", dead);
      const beats = setInterval(() => {
        const on = givesFrames ? stream.media || stream.starting : model.get("on");
        if (on && views.size && !document.hidden) send({ kind: "alive" });
      }, BEAT_MS);
      return () => {
        clearInterval(beats);
        stream.end();
        document.removeEventListener("visibilitychange", hidden);
        window.removeEventListener("pagehide", closing);
      };
    },

    render({ model, el }) {
      const givesFrames = model.get("gives_frames");
      el.dataset.lmSuppressShortcuts = "true"; // keys pressed here are not JupyterLab's
      const box = element("div", "siamlab-camera");
      const light = element("span", "siamlab-light");
      light.setAttribute("aria-hidden", "true");
      const state = element("span", "siamlab-state");
      const message = element("span", "siamlab-message");
      for (const live of [state, message]) live.setAttribute("role", "status");
      const speed = element("span", "siamlab-speed");
      box.append(element("style", "", STYLE), light, state);

      const button = element("button", "jupyter-button siamlab-start", "Start");
      const preview = document.createElement("video");
      const cameras = element("select");
      const sizes = element("select");
      if (givesFrames) {
        preview.muted = preview.autoplay = preview.playsInline = true;
        preview.setAttribute("aria-label", "What the camera sees, mirrored");
        cameras.setAttribute("aria-label", "Camera");
        sizes.setAttribute("aria-label", "Resolution");
        for (const size of new Set([...SIZES, model.get("resolution")])) sizes.add(new Option(size));
        sizes.value = model.get("resolution");
        const choose = () => {
          model.set("device", cameras.value);
          model.set("resolution", sizes.value);
          model.save_changes();
          if (stream.media) start();
        };
        cameras.onchange = sizes.onchange = choose;
        button.onclick = () => {
          if (stream.media) stream.stop("it was stopped.");
          else start();
        };
        box.append(button, cameras, sizes, preview, speed, message);
      }

      const draw = () => {
        const on = givesFrames ? !!stream.media : model.get("on");
        box.classList.toggle("siamlab-on", on);
        state.textContent = `${model.get("label")} is ${on ? "on" : "off"}`;
        if (!givesFrames) return;
        button.textContent = stream.media ? "Stop" : "Start";
        button.hidden = model.get("closed");
        cameras.replaceChildren(
          ...stream.cameras.map((camera, n) => new Option(camera.label || `Camera ${n + 1}`, camera.deviceId)),
        );
        cameras.value = stream.deviceId;
        cameras.hidden = stream.cameras.length < 2;
        if (preview.srcObject !== stream.media) preview.srcObject = stream.media;
        preview.hidden = !stream.media;
        speed.textContent = stream.speed;
        message.textContent = stream.message;
      };
      views.add(draw);
      draw();
      el.append(box);
      send({ kind: "hello" });
      return () => {
        views.delete(draw);
        const last = () => views.size || leave("its panel was removed, so the camera was turned off.");
        setTimeout(last, MOVED_MS);
      };
    },
  };
};
