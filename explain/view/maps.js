/* Draws maps: over the picture, small in the strips, feature maps, and one of these enlarged. */

let places = []; // of the models that are drawn, side by side
let stages = []; // names of the stages on which: the places; of two models also "difference"
const MODES = { // what a stage shows
  overlay: { title: t.mode_overlay, alt: t.alt_overlay },
  map: { title: t.mode_map, alt: t.alt_map },
  saw: { title: t.mode_saw, alt: t.alt_saw },
};
const LONGEST = 384; // pixels of a drawn map's longer side; maps are smooth, the browser enlarges the rest

const state = { // of the view; `result` is the message that it draws (message.py tells its form)
  result: null, chosen: 1, picked: null, stop: 0, mode: 'overlay', colours: catalog.colours[0].name, opacity: 0.6,
  hair: null, zoom: { scale: 1, x: 0, y: 0 }, enlarged: null,
};
const picture = new Image();

/* Columns for so many models: two with the difference beside them, or a row of more. */
function columns(count) {
  for (let place = ref.models.children.length; place < count; place++) {
    ref.models.append(clone(ref['of-model'], place));
    ref.features.append(clone(ref['of-features'], place));
    if (place > 1) watchStage(place); // the first ones are watched where that is written (zoom.js)
    ref['against-' + place].addEventListener('click', () => choose(place));
  }
  places = Array.from({ length: count }, (_, place) => place);
  stages = count > 2 ? places : [...places, 'difference'];
  for (const grid of [ref.models, ref.features]) {
    [...grid.children].forEach((part, place) => { part.hidden = place >= count; part.style.setProperty('--place', place + 1); });
  }
  root.toggleAttribute('data-row', count > 2);
  root.style.setProperty('--count', count);
  if (state.enlarged && state.enlarged.place >= count) { // its model has left
    state.enlarged = null;
    ref.enlarged.close();
  }
  (count > 2 ? ref.tail : ref['stage-difference']).append(ref.zoom);
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
  const entry = Math.round(value + 127) * 3;
  out[at] = diverging[entry]; out[at + 1] = diverging[entry + 1]; out[at + 2] = diverging[entry + 2];
  out[at + 3] = 255 * Math.min(1, Math.pow(Math.abs(value) / 70, 0.8));
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
const apart = (place = state.chosen) => state.result.models[place].target !== state.result.models[state.result.reference].target;

function paintModels() {
  for (const place of places) {
    const canvas = plane(place).querySelector('canvas');
    if (state.mode === 'saw') clear(canvas);
    else paintMap(canvas, layerNow(place).map, state.mode);
    canvas.style.opacity = state.mode === 'overlay' ? state.opacity : 1;
    const image = plane(place).querySelector('img');
    const source = state.mode === 'saw' ? state.result.saw[state.result.models[place].input.join('x')] : state.result.picture.src;
    if (image.src !== source) image.src = source;
    image.style.visibility = state.mode === 'map' ? 'hidden' : '';
    plane(place).setAttribute('aria-label', MODES[state.mode].alt);
  }
  root.dataset.mode = state.mode;
  fitPlanes();
}

/* The plane covers the stage; what the model saw has a shape of its own and lies in the middle. */
function fitPlanes() {
  const aspect = state.result.picture.width / state.result.picture.height;
  for (const place of places) {
    const [h, w] = state.result.models[place].input;
    const ratio = state.mode === 'saw' ? w / h / aspect : 1;
    plane(place).style.width = 100 * Math.min(1, ratio) + '%';
    plane(place).style.height = 100 * Math.min(1, 1 / ratio) + '%';
  }
}

function paintDifference() {
  if (places.length > 2) return;
  const canvas = plane('difference').querySelector('canvas');
  const { difference } = agreementAt(stopNow());
  if (!difference) return clear(canvas);
  const [height, width] = extent();
  paint(canvas, enlarge(difference, height, width), height, width, signed);
}

function paintStrips() {
  if (places.length > 2) return; // a row has none: with so many stops in so little width nothing would be seen
  for (const place of places) {
    const strip = ref['strip-' + place];
    const buttons = [...strip.children];
    const width = Math.max(16, Math.round((strip.clientWidth / buttons.length) * devicePixelRatio));
    const height = Math.max(8, Math.round(17 * devicePixelRatio));
    const heat = document.createElement('canvas');
    state.result.stops.forEach((stop, index) => {
      const canvas = buttons[index].firstElementChild;
      canvas.width = width;
      canvas.height = height;
      const context = canvas.getContext('2d');
      context.imageSmoothingEnabled = !state.result.picture.small;
      cover(context, picture, 0, 0, width, height);
      context.imageSmoothingEnabled = true;
      const { map } = state.result.models[place].layers[stop.layers[place]];
      if (!map.max) return;
      paint(heat, enlarge(map, 36, 48), 36, 48, veiled(tables[state.colours]));
      context.globalAlpha = 0.85;
      cover(context, heat, 0, 0, width, height, state.result.picture.width / state.result.picture.height);
    });
  }
}

/* drawImage as object-fit: cover does it, for an image of a given aspect. */
function cover(context, image, x, y, width, height, aspect = (image.naturalWidth || image.width) / (image.naturalHeight || image.height)) {
  const size = [image.naturalWidth || image.width, image.naturalHeight || image.height];
  const share = width / height / aspect; // below 1: the image is too wide
  const taken = [size[0] * Math.min(1, share), size[1] * Math.min(1, 1 / share)];
  context.drawImage(image, (size[0] - taken[0]) / 2, (size[1] - taken[1]) / 2, ...taken, x, y, width, height);
}

function paintFeatures() {
  for (const place of places) {
    const { features, shape } = layerNow(place);
    const grid = ref['features-' + place];
    grid.parentElement.hidden = !features; // an ensemble has none
    const count = features ? features.channels.length : 0;
    ref['features-title-' + place].textContent = fill(t.features, { name: state.result.models[place].name, count, of: shape[2] });
    while (grid.children.length > count) grid.lastChild.remove();
    while (grid.children.length < count) {
      const index = grid.children.length;
      const button = make('button', { type: 'button' }, document.createElement('canvas'));
      button.addEventListener('click', () => openFeature(place, index));
      grid.append(button);
    }
    for (let index = 0; index < count; index++) {
      const button = grid.children[index];
      button.style.setProperty('--aspect', features.size[1] / features.size[0]);
      button.title = fill(t.channel, { channel: features.channels[index] });
      button.setAttribute('aria-label', fill(t.enlarge, { channel: features.channels[index] }));
      paint(button.firstElementChild, channelOf(features, index), ...features.size, opaque(tables[state.colours]));
    }
  }
}

const channelOf = ({ data, size: [h, w] }, index) => data.subarray(index * h * w, (index + 1) * h * w);

function openFeature(place, index) {
  state.enlarged = { place, index };
  paintEnlarged();
  if (!ref.enlarged.open) ref.enlarged.showModal();
}

function paintEnlarged() {
  if (!state.enlarged) return;
  const { place } = state.enlarged;
  const { features, name, shape } = layerNow(place);
  if (!features) return ref.enlarged.close();
  const count = features.channels.length;
  const index = (state.enlarged.index = (state.enlarged.index + count) % count);
  const channel = features.channels[index];
  ref['enlarged-title'].textContent = fill(t.enlarged, { name: state.result.models[place].name, layer: name, channel });
  ref['enlarged-text'].textContent = fill(t.enlarged_text, {
    place: index + 1, count, of: shape[2], low: features.low[index].toPrecision(3), high: features.high[index].toPrecision(3),
    importance: features.importance[index].toPrecision(2),
  });
  const map = { size: features.size, data: channelOf(features, index) };
  const [height, width] = extent();
  ref['enlarged-map'].style.aspectRatio = ref['enlarged-over'].style.aspectRatio = width / height;
  paint(ref['enlarged-map'], map.data, ...map.size, opaque(tables[state.colours]));
  const heat = document.createElement('canvas');
  paint(heat, enlarge(map, height, width), height, width, opaque(tables[state.colours]));
  const over = ref['enlarged-over'];
  over.width = width * 2;
  over.height = height * 2;
  const context = over.getContext('2d');
  context.imageSmoothingEnabled = !state.result.picture.small;
  context.drawImage(picture, 0, 0, over.width, over.height);
  context.imageSmoothingEnabled = true;
  context.globalAlpha = 0.6;
  context.drawImage(heat, 0, 0, over.width, over.height);
}

function stepEnlarged(step) {
  state.enlarged.index += step;
  paintEnlarged();
}
ref['enlarged-back'].addEventListener('click', () => stepEnlarged(-1));
ref['enlarged-on'].addEventListener('click', () => stepEnlarged(1));
ref['enlarged-close'].addEventListener('click', () => ref.enlarged.close());
ref.enlarged.addEventListener('close', () => { state.enlarged = null; });
ref.enlarged.addEventListener('click', (event) => { if (event.target === ref.enlarged) ref.enlarged.close(); });
