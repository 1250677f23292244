"use strict";
// Two frames of equal size that zoom and pan in step; side by side or stacked, whichever shows the pictures larger.
const viewer = (() => {
  const stage = document.getElementById("stage");
  const frames = [...stage.querySelectorAll(".frame")];
  const LARGEST = 8;
  const view = { scale: 1, x: 0, y: 0 }; // x and y in frame sizes, from the middle
  const pointers = new Map();
  let aspect = 1.5;

  const bound = (value, size) => {
    const most = Math.max(0, (view.scale * size - 1) / 2);
    return Math.min(most, Math.max(-most, value));
  };

  const draw = () => {
    const { width, height } = frames[0].getBoundingClientRect();
    if (!width || !height) return;
    const fit = Math.min(width, height * aspect);
    view.x = bound(view.x, fit / width);
    view.y = bound(view.y, fit / aspect / height);
    for (const picture of stage.querySelectorAll("img")) {
      picture.style.transform = `translate(${view.x * 100}%, ${view.y * 100}%) scale(${view.scale})`;
    }
    stage.classList.toggle("zoomed", view.scale > 1);
    document.getElementById("zoom").textContent = `${Math.round(view.scale * 10) / 10}×`;
  };

  const arrange = () => {
    const { width, height } = stage.getBoundingClientRect();
    const beside = Math.min(width / 2, height * aspect);
    const above = Math.min(width, (height / 2) * aspect);
    stage.classList.toggle("stacked", above > beside);
    draw();
  };

  // Zooms by a factor about a point of a frame (in frame sizes, from its middle), which stays where it is.
  const zoom = (factor, px = 0, py = 0) => {
    const scale = Math.min(LARGEST, Math.max(1, view.scale * factor));
    const ratio = scale / view.scale;
    view.x = px - (px - view.x) * ratio;
    view.y = py - (py - view.y) * ratio;
    view.scale = scale;
    draw();
  };

  const pan = (dx, dy) => {
    view.x += dx;
    view.y += dy;
    draw();
  };

  const place = (frame, event) => {
    const box = frame.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width - 0.5, (event.clientY - box.top) / box.height - 0.5];
  };

  const moved = (frame, event) => {
    const before = [...pointers.values()];
    const here = place(frame, event);
    const [lastX, lastY] = pointers.get(event.pointerId);
    pointers.set(event.pointerId, here);
    if (before.length === 1) {
      pan(here[0] - lastX, here[1] - lastY);
    } else if (before.length === 2) {
      const after = [...pointers.values()];
      const middle = (pair, axis) => (pair[0][axis] + pair[1][axis]) / 2;
      const apart = (pair) => Math.hypot(pair[0][0] - pair[1][0], pair[0][1] - pair[1][1]);
      pan(middle(after, 0) - middle(before, 0), middle(after, 1) - middle(before, 1));
      if (apart(before) > 0) zoom(apart(after) / apart(before), middle(after, 0), middle(after, 1));
    }
  };

  for (const frame of frames) {
    frame.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, place(frame, event));
      frame.setPointerCapture(event.pointerId);
    });
    frame.addEventListener("pointermove", (event) => pointers.has(event.pointerId) && moved(frame, event));
    for (const end of ["pointerup", "pointercancel"]) {
      frame.addEventListener(end, (event) => pointers.delete(event.pointerId));
    }
    frame.addEventListener("dblclick", (event) => (view.scale > 1 ? viewer.fit() : zoom(3, ...place(frame, event))));
    frame.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), ...place(frame, event));
      },
      { passive: false },
    );
  }
  new ResizeObserver(arrange).observe(stage);

  return {
    zoom,
    pan,
    fit() {
      Object.assign(view, { scale: 1, x: 0, y: 0 });
      draw();
    },
    shape(picture) {
      aspect = picture.naturalWidth / picture.naturalHeight || 1.5;
      pointers.clear();
      this.fit();
      arrange();
    },
  };
})();
