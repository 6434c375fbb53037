/* Draws maps: over the picture, their difference, and scales of colours. */

let places = []; // of the models that are drawn, side by side
let stages = []; // names of the stages on which: the places; of two models also "difference"
const MODES = { // what a stage shows
  overlay: { title: t.mode_overlay, alt: t.alt_overlay },
  map: { title: t.mode_map, alt: t.alt_map },
  features: { title: t.mode_features, alt: t.alt_features },
  saw: { title: t.mode_saw, alt: t.alt_saw },
};
const LONGEST = 384; // pixels of a drawn map's longer side; maps are smooth, the browser enlarges the rest
const SHAPES_OF_STAGES = [0.5, 2.4]; // width by height of a stage; what is longer lies in the middle of it

const state = { // of the view; `result` is the message that it draws (message.py tells its form)
  result: null, chosen: 1, picked: null, stop: 0, depth: 1, mode: 'overlay', colours: catalog.colours[0].name, opacity: 0.6,
  source: '', about: {}, // the message as it came, and of what it tells: {picture, question, date}
  hair: null, zoom: { scale: 1, x: 0, y: 0 }, enlarged: null, order: 'same', channel: { place: 0, index: 0 },
};
const picture = new Image();

/* Columns for so many models: two with what they differ in beside them, or a row of more. */
function columns(count) {
  for (let place = ref.models.children.length; place < count; place++) {
    ref.models.append(clone(ref['of-model'], place));
    if (place > 1) watchStage(place); // the first ones are watched where that is written (zoom.js)
    ref['against-' + place].addEventListener('click', () => choose(place));
  }
  places = Array.from({ length: count }, (_, place) => place);
  stages = count > 2 ? places : [...places, 'difference'];
  [...ref.models.children].forEach((part, place) => { part.hidden = place >= count; });
  root.toggleAttribute('data-row', count > 2);
  root.style.setProperty('--count', count);
  if (state.enlarged && state.enlarged.place >= count) { // its model has left
    state.enlarged = null;
    ref.enlarged.close();
  }
}

/* The width by height of the stages for a picture; the picture lies in them as large as it can. */
function shapeStages(width, height) {
  const aspect = clamp(width / height, ...SHAPES_OF_STAGES);
  for (const name of [...places, 'difference']) stage(name).style.setProperty('--aspect', aspect);
  root.toggleAttribute('data-square', aspect < 1.2);
}

const stage = (name) => ref['stage-' + name];
const plane = (name) => stage(name).firstElementChild;

const tables = {};
for (const { name, table } of catalog.colours) tables[name] = bytes(table);
const diverging = bytes(catalog.diverging);

/* An 8-bit map at another size: bilinear, half-pixel centres, edges repeated; 0 to 255, or -127 to 127 where signed. */
function enlarge({ size: [h, w], data }, height, width) {
  const result = new Float32Array(height * width);
  const columns = Array.from({ length: width }, (_, x) => {
    const at = clamp(((x + 0.5) * w) / width - 0.5, 0, w - 1);
    const low = Math.min(Math.floor(at), Math.max(w - 2, 0));
    return [low, Math.min(low + 1, w - 1), at - low];
  });
  for (let y = 0, place = 0; y < height; y++) {
    const at = clamp(((y + 0.5) * h) / height - 0.5, 0, h - 1);
    const low = Math.min(Math.floor(at), Math.max(h - 2, 0));
    const top = low * w;
    const bottom = Math.min(low + 1, h - 1) * w;
    const share = at - low;
    for (const [x0, x1, part] of columns) {
      const above = data[top + x0] + part * (data[top + x1] - data[top + x0]);
      const below = data[bottom + x0] + part * (data[bottom + x1] - data[bottom + x0]);
      result[place++] = above + share * (below - above);
    }
  }
  return result;
}

/* Where there is no heat the picture stays as it is; from a third of the greatest heat on, colour covers it evenly. */
const HEAT = Float32Array.from({ length: 256 }, (_, value) => 255 * Math.min(1, Math.pow((value / 255) * 2.6, 0.85)));

function paint(canvas, values, height, width, colour) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  for (let place = 0; place < values.length; place++) colour(values[place], image.data, place * 4);
  context.putImageData(image, 0, 0);
}

function opaque(table) {
  return (value, out, at) => {
    const entry = Math.round(value) * 3;
    out[at] = table[entry]; out[at + 1] = table[entry + 1]; out[at + 2] = table[entry + 2]; out[at + 3] = 255;
  };
}

function veiled(table) {
  return (value, out, at) => {
    const level = Math.round(value);
    out[at] = table[level * 3]; out[at + 1] = table[level * 3 + 1]; out[at + 2] = table[level * 3 + 2]; out[at + 3] = HEAT[level];
  };
}

function signed(value, out, at) {
  const share = Math.abs(value) / 127; // what is faint shows through, so that no white veils the photo
  const entry = Math.round(127 + Math.sign(value) * (50 + 60 * share)) * 3;
  out[at] = diverging[entry]; out[at + 1] = diverging[entry + 1]; out[at + 2] = diverging[entry + 2];
  out[at + 3] = 255 * Math.min(1, 1.1 * Math.pow(share, 0.8));
}

function extent() {
  const { width, height } = state.result.picture;
  const scale = LONGEST / Math.max(width, height);
  return [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))];
}

function clear(canvas) {
  canvas.width = canvas.height = 1;
}

function paintMap(canvas, map, mode) {
  if (!map.max) return clear(canvas);
  const table = tables[state.colours];
  if (mode === 'map') return paint(canvas, map.data, ...map.size, opaque(table));
  const [height, width] = extent();
  paint(canvas, enlarge(map, height, width), height, width, veiled(table));
}

const stopNow = () => state.result.stops[state.stop];
const layerNow = (place) => state.result.models[place].layers[stopNow().layers[place]];
/* How far the chosen model agrees with the reference at a stop; of two models the other one is chosen. */
const agreementAt = (stop) => stop.versus[state.chosen];

/* Whether a model's map and the reference's explain different classes: then no difference is drawn and no number told. */
const apart = (place = state.chosen) => !state.result.models[place].alike;

function paintModels() {
  const row = places.length > 2;
  for (const place of places) {
    const canvas = plane(place).querySelector('canvas');
    if (state.mode === 'overlay' || state.mode === 'map') paintMap(canvas, layerNow(place).map, state.mode);
    else clear(canvas);
    canvas.style.opacity = state.mode === 'overlay' ? state.opacity : 1;
    const image = plane(place).querySelector('img');
    const source = state.mode === 'saw' ? state.result.saw[state.result.models[place].input.join('x')] : state.result.picture.src;
    if (image.src !== source) image.src = source;
    image.style.visibility = state.mode === 'map' ? 'hidden' : '';
    const { name, target } = state.result.models[place];
    plane(place).setAttribute('aria-label', fill(MODES[state.mode].alt, { name, target: target.toLowerCase() }));
  }
  root.dataset.mode = state.mode;
  root.dataset.third = row ? 'none' : state.mode === 'features' ? 'channel' : apart() && !state.result.contrast ? 'apart' : 'difference';
  paintHeatBar();
  fitPlanes();
}

/* Width and height of what lies in a stage, as shares of the stage. */
function sharesOf(aspect) {
  const { width, height } = state.result.picture;
  const ratio = aspect / clamp(width / height, ...SHAPES_OF_STAGES);
  return { x: Math.min(1, ratio), y: Math.min(1, 1 / ratio) };
}

/* The plane lies in the middle of the stage, in the shape of the picture, or of what the model saw. */
function fitPlanes() {
  for (const name of stages) {
    const { width, height } = state.result.picture;
    const [h, w] = state.mode === 'saw' && name !== 'difference' ? state.result.models[name].input : [height, width];
    const share = sharesOf(w / h);
    plane(name).style.width = 100 * share.x + '%';
    plane(name).style.height = 100 * share.y + '%';
  }
}

function paintDifference() {
  if (places.length > 2) return;
  const canvas = plane('difference').querySelector('canvas');
  const [height, width] = extent();
  const { contrast } = state.result;
  if (contrast) return paint(canvas, enlarge(contrast, height, width), height, width, signed);
  if (apart()) return paintApart(canvas, height, width);
  const { difference } = agreementAt(stopNow());
  if (!difference) return clear(canvas);
  paint(canvas, enlarge(difference, height, width), height, width, signed);
}

/* Of maps of different classes: where each is hottest, a fifth of the picture in its model's colour. */
function paintApart(canvas, height, width) {
  const hot = places.map((place) => {
    const { map } = layerNow(place);
    if (!map.max) return null;
    const values = enlarge(map, height, width);
    const least = [...values].sort((a, b) => a - b)[Math.floor(0.8 * values.length)];
    return values.map((value) => (value > Math.max(least, 1) ? 1 : 0));
  });
  const style = getComputedStyle(root);
  const colours = ['red', 'blue'].map((name) => {
    const text = style.getPropertyValue('--tm-' + name).trim();
    return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  });
  const edge = (map, at) => map[at] && (!map[at - 1] || !map[at + 1] || !map[at - width] || !map[at + width] || !map[at - 2 * width] || !map[at + 2]);
  paint(canvas, Uint32Array.from({ length: width * height }, (_, at) => at), height, width, (at, out, to) => {
    const here = places.filter((place) => hot[place] && hot[place][at]);
    if (!here.length) return;
    const lines = here.filter((place) => edge(hot[place], at));
    const chosen = lines.length ? [lines.at(-1)] : here;
    for (let k = 0; k < 3; k++) out[to + k] = chosen.reduce((sum, place) => sum + colours[place][k], 0) / chosen.length;
    out[to + 3] = lines.length ? 255 : 115;
  });
}

/* A scale of colours: a table from its first colour to its last. */
function paintBar(canvas, table, turned = false) {
  const count = table.length / 3;
  const values = Uint8Array.from({ length: count }, (_, k) => (turned ? count - 1 - k : k));
  paint(canvas, values, 1, count, opaque(table));
}

const paintHeatBar = () => paintBar(ref['heat-bar'], tables[state.colours]);

/* drawImage as object-fit: cover does it, for an image of a given aspect. */
function cover(context, image, x, y, width, height, aspect = (image.naturalWidth || image.width) / (image.naturalHeight || image.height)) {
  const size = [image.naturalWidth || image.width, image.naturalHeight || image.height];
  const share = width / height / aspect; // below 1: the image is too wide
  const taken = [size[0] * Math.min(1, share), size[1] * Math.min(1, 1 / share)];
  context.drawImage(image, (size[0] - taken[0]) / 2, (size[1] - taken[1]) / 2, ...taken, x, y, width, height);
}
