/* Hairlines at the same place of all stages, zoom and pan. */

const MOST_ZOOM = 12;
const HOLD = 250; // milliseconds until a press is one that is held
const STILL = 8; // pixels that a pointer may move meanwhile

/* A map's value at a place of the picture, bilinear as it is drawn. */
function valueAt(map, place) {
  const [height, width] = map.size;
  const x = clamp(place.x * width - 0.5, 0, width - 1);
  const y = clamp(place.y * height - 0.5, 0, height - 1);
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const value = (row, column) => map.data[Math.min(row, height - 1) * width + Math.min(column, width - 1)];
  const [right, down] = [x - x0, y - y0];
  return (1 - down) * ((1 - right) * value(y0, x0) + right * value(y0, x0 + 1))
    + down * ((1 - right) * value(y0 + 1, x0) + right * value(y0 + 1, x0 + 1));
}

function placeHair() {
  root.toggleAttribute('data-hair', Boolean(state.hair));
  if (state.hair) { // on the stage, not on the plane: a line that is scaled with it would be as thick as the zoom
    for (const name of stages) {
      const [outer, inner] = [stage(name).getBoundingClientRect(), plane(name).getBoundingClientRect()];
      if (!outer.width) continue;
      stage(name).querySelector('.tm-h').style.top = (100 * (inner.top - outer.top + state.hair.y * inner.height)) / outer.height + '%';
      stage(name).querySelector('.tm-v').style.left = (100 * (inner.left - outer.left + state.hair.x * inner.width)) / outer.width + '%';
    }
  }
  tellPlaces();
}

/* x and y are how far the plane's corner lies from the stage's, in shares of the plane. */
function placeZoom() {
  const { scale, x, y } = state.zoom;
  for (const name of stages) {
    plane(name).style.transform = scale === 1 ? '' : 'translate(' + 100 * x + '%, ' + 100 * y + '%) scale(' + scale + ')';
    stage(name).classList.toggle('tm-zoomed', scale > 1);
  }
  ref['zoom-reset'].textContent = decimal(scale, scale % 1 ? 1 : 0) + '×';
  ref['zoom-out'].disabled = scale <= 1;
  if (state.hair) placeHair();
}

const fingers = new Map();
let pinch = null;
let holding = 0; // of a picture that is pressed: then its heat is taken away
function release() {
  clearTimeout(holding);
  peek(false);
}

function place(name, event) {
  const box = plane(name).getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

/* A zoom at another scale: the place `centre` of the plane stays where it is, but for the shift; no edge comes in. `share`
   is how much of the stage the plane takes at scale 1: as long as it does not fill the stage, it lies in the middle. */
function zoomed({ scale: old, x, y }, scale, centre, shift, share = { x: 1, y: 1 }) {
  scale = clamp(scale, 1, MOST_ZOOM / Math.min(share.x, share.y));
  if (scale < 1.02) scale = 1;
  const within = (value, part) => {
    if (scale * part <= 1) return (1 - scale) / 2;
    const margin = (1 / part - 1) / 2; // of the stage beside the plane, in shares of the plane
    return clamp(value, 1 + margin - scale, -margin);
  };
  return {
    scale,
    x: within(x + centre.x * (old - scale) + shift.x, share.x),
    y: within(y + centre.y * (old - scale) + shift.y, share.y),
  };
}

function setZoom(scale, centre, shift = { x: 0, y: 0 }) {
  state.zoom = zoomed(state.zoom, scale, centre, shift, sharesOf(state.result.picture.width / state.result.picture.height));
  refresh('zoom');
}

function spread() {
  const [a, b] = [...fingers.values()];
  return { distance: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY), clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 };
}

function watchStage(name) {
  const box = stage(name);
  const shiftOf = (event, before) => {
    const { width, height } = plane(name).getBoundingClientRect();
    const scale = state.zoom.scale;
    return { x: ((event.clientX - before.clientX) / width) * scale, y: ((event.clientY - before.clientY) / height) * scale };
  };
  const aim = (event) => {
    const { x, y } = place(name, event);
    state.hair = x >= 0 && x <= 1 && y >= 0 && y <= 1 ? { x, y } : null;
    refresh('hair');
  };
  let begun = null; // where a press began
  const unaim = () => {
    state.hair = null;
    refresh('hair');
  };
  box.addEventListener('pointerdown', (event) => {
    if (!state.result || event.button || event.target.closest('button') || state.mode === 'features') return;
    fingers.set(event.pointerId, event);
    if (fingers.size === 2) pinch = spread();
    release();
    if (fingers.size === 1) holding = setTimeout(() => peek(true), HOLD);
    begun = event;
    if (state.zoom.scale > 1) {
      box.setPointerCapture(event.pointerId);
      box.classList.add('tm-panning');
    }
    aim(event);
  });
  box.addEventListener('pointermove', (event) => {
    if (!state.result || (state.mode === 'features' && name !== 'difference')) return;
    const before = fingers.get(event.pointerId);
    if (before && Math.hypot(event.clientX - begun.clientX, event.clientY - begun.clientY) > STILL) release();
    if (before) fingers.set(event.pointerId, event);
    if (pinch && fingers.size === 2) {
      const now = spread();
      const centre = place(name, now);
      setZoom((state.zoom.scale * now.distance) / pinch.distance, centre, shiftOf(now, pinch));
      pinch = now;
    } else if (before && state.zoom.scale > 1) {
      setZoom(state.zoom.scale, { x: 0, y: 0 }, shiftOf(event, before));
    }
    aim(event);
  });
  for (const type of ['pointerup', 'pointercancel', 'lostpointercapture']) {
    box.addEventListener(type, (event) => {
      fingers.delete(event.pointerId);
      pinch = null;
      release();
      box.classList.remove('tm-panning');
      if (event.pointerType !== 'mouse') unaim(); // a finger that is lifted points at nothing
    });
  }
  box.addEventListener('contextmenu', (event) => { if (event.pointerType === 'touch') event.preventDefault(); });
  box.addEventListener('pointerleave', (event) => {
    fingers.delete(event.pointerId);
    release();
    if (event.pointerType === 'mouse') unaim();
  });
  box.addEventListener('dblclick', (event) => { if (state.result && !event.target.closest('button')) setZoom(state.zoom.scale > 1 ? 1 : 2.5, place(name, event)); });
  box.addEventListener('wheel', (event) => {
    if (!state.result || !(event.ctrlKey || event.metaKey)) return; // the wheel alone scrolls the page
    event.preventDefault();
    setZoom(state.zoom.scale * Math.exp(-event.deltaY / 160), place(name, event));
  }, { passive: false });
}
columns(2);
for (const name of stages) watchStage(name);
const zoomCentre = () => {
  const { scale, x, y } = state.zoom;
  return { x: (0.5 - x) / scale, y: (0.5 - y) / scale };
};
ref['zoom-reset'].title = t.zoom_reset;
ref['zoom-in'].addEventListener('click', () => setZoom(state.zoom.scale * 1.6, zoomCentre()));
ref['zoom-out'].addEventListener('click', () => setZoom(state.zoom.scale / 1.6, zoomCentre()));
ref['zoom-reset'].addEventListener('click', () => setZoom(1, zoomCentre()));
