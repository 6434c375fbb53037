/* Draws the comparison. The body of a function (element, trigger, props, server, upload, watch) that Gradio's HTML
   component runs once a mount. `props.catalog` is what there is to choose (layout.py), `props.value` the latest answer
   (payload.py tells its form). Everything that comes from data goes in by textContent. A picture, a model, a rule or a
   class is one request; all else is drawn from what is here. */

'use strict';
const catalog = props.catalog;
const t = catalog.labels;
const root = element.querySelector('.tm');
const ref = {};
for (const node of root.querySelectorAll('[data-ref]')) ref[node.dataset.ref] = node;
const touched = matchMedia('(pointer: coarse)').matches;
const fill = (text, facts) => text.replace(/\{(\w+)\}/g, (_, name) => facts[name]);
for (const node of root.querySelectorAll('[data-t]')) {
  node.textContent = fill((touched && t[node.dataset.t + '_touch']) || t[node.dataset.t], catalog);
}
for (const node of root.querySelectorAll('[data-label]')) {
  node.setAttribute('aria-label', t[node.dataset.label]);
  if (node.tagName === 'BUTTON') node.title = t[node.dataset.label];
}

const SIDES = ['left', 'right'];
const STAGES = [...SIDES, 'difference'];
const MODES = ['overlay', 'map', 'saw'];
const LONGEST = 384; // pixels of a drawn map's longer side; maps are smooth, the browser enlarges the rest
const MOST_ZOOM = 12;
const LATE = 12000; // milliseconds until waiting needs another word
const PATIENCE = 120000; // milliseconds until nothing is expected any more, of sending and of answering

const state = {
  wish: { example: null, file: null, left: null, right: null, rule: null, target: 'predicted' },
  result: null, shown: null, stop: 0, mode: 'overlay', colours: catalog.colours[0].name, opacity: 0.6,
  hair: null, zoom: { scale: 1, x: 0, y: 0 }, enlarged: null,
};
const server_state = { ready: false, loaded: [], seconds: {} };
const picture = new Image();
const saw = { left: new Image(), right: new Image() };

// --- small things ---------------------------------------------------------------------------------------------------

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const stage = (name) => ref['stage-' + name];
const plane = (name) => stage(name).firstElementChild;
const visible = () => element.isConnected && root.offsetParent !== null;
const decimal = (value, digits = 2) => value.toFixed(digits).replace('-', '\u2212');

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in node && key !== 'style') node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

/* "a **strong** word" as text and <strong>. */
function rich(node, text) {
  node.replaceChildren(...text.split('**').map((part, index) => (index % 2 ? make('strong', { textContent: part }) : part)));
  return node;
}

function bytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function options(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, text, title]) => make('option', { value, textContent: text, title: title || '' })));
  if (chosen !== undefined) select.value = chosen;
}

let segments = 0;
function radios(group, entries, chosen, pick) {
  const name = 'tm-' + segments++;
  group.replaceChildren(...entries.map(([value, text]) => {
    const input = make('input', { type: 'radio', name, value, checked: value === chosen });
    input.addEventListener('change', () => pick(value));
    // a click leaves the arrow keys free
    input.addEventListener('click', (event) => { if (event.detail) ref.result.focus({ preventScroll: true }); });
    return make('label', {}, input, text);
  }));
}

const check = (group, value) => { for (const input of group.querySelectorAll('input')) input.checked = input.value === value; };

const tables = {};
for (const { name, table } of catalog.colours) tables[name] = bytes(table);
const diverging = bytes(catalog.diverging);

// --- drawing maps ---------------------------------------------------------------------------------------------------

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
const layerNow = (side) => state.result.sides[side].layers[stopNow()[side]];

function paintSides() {
  for (const side of SIDES) {
    const canvas = plane(side).querySelector('canvas');
    if (state.mode === 'saw') clear(canvas);
    else paintMap(canvas, layerNow(side).map, state.mode);
    canvas.style.opacity = state.mode === 'overlay' ? state.opacity : 1;
    const image = plane(side).querySelector('img');
    const source = state.mode === 'saw' ? state.result.saw[state.result.sides[side].input.join('x')] : state.result.picture.src;
    if (image.src !== source) image.src = source;
    image.style.visibility = state.mode === 'map' ? 'hidden' : '';
    plane(side).setAttribute('aria-label', t['alt_' + state.mode]);
  }
  root.dataset.mode = state.mode;
  fitPlanes();
}

/* The plane covers the stage; what the model saw has a shape of its own and lies in the middle. */
function fitPlanes() {
  const aspect = state.result.picture.width / state.result.picture.height;
  for (const side of SIDES) {
    const [h, w] = state.result.sides[side].input;
    const ratio = state.mode === 'saw' ? w / h / aspect : 1;
    plane(side).style.width = 100 * Math.min(1, ratio) + '%';
    plane(side).style.height = 100 * Math.min(1, 1 / ratio) + '%';
  }
}

function paintDifference() {
  const canvas = plane('difference').querySelector('canvas');
  const { difference } = stopNow();
  if (!difference) return clear(canvas);
  const [height, width] = extent();
  paint(canvas, enlarge(difference, height, width), height, width, signed);
}

function paintStrips() {
  for (const side of SIDES) {
    const strip = ref['strip-' + side];
    const buttons = [...strip.children];
    const width = Math.max(16, Math.round((strip.clientWidth / buttons.length) * devicePixelRatio));
    const height = Math.max(8, Math.round(17 * devicePixelRatio));
    const heat = document.createElement('canvas');
    state.result.stops.forEach((stop, index) => {
      const canvas = buttons[index].firstElementChild;
      canvas.width = width;
      canvas.height = height;
      const context = canvas.getContext('2d');
      cover(context, picture, 0, 0, width, height);
      const { map } = state.result.sides[side].layers[stop[side]];
      if (!map.max) return;
      paint(heat, enlarge(map, 36, 48), 36, 48, veiled(tables[state.colours]));
      context.globalAlpha = 0.85;
      cover(context, heat, 0, 0, width, height, state.result.picture.width / state.result.picture.height);
    });
  }
}

/* drawImage as object-fit: cover does it, for an image of a given aspect. */
function cover(context, image, x, y, width, height, aspect = (image.naturalWidth || image.width) / (image.naturalHeight || image.height)) {
  const own = [image.naturalWidth || image.width, image.naturalHeight || image.height];
  const share = width / height / aspect; // below 1: the image is too wide
  const taken = [own[0] * Math.min(1, share), own[1] * Math.min(1, 1 / share)];
  context.drawImage(image, (own[0] - taken[0]) / 2, (own[1] - taken[1]) / 2, ...taken, x, y, width, height);
}

function paintFeatures() {
  for (const side of SIDES) {
    const { features, shape } = layerNow(side);
    const grid = ref['features-' + side];
    const count = features ? features.channels.length : 0;
    ref['features-title-' + side].textContent = fill(t.features, { name: state.result.names[side], count, of: shape[2] });
    while (grid.children.length > count) grid.lastChild.remove();
    while (grid.children.length < count) {
      const index = grid.children.length;
      const button = make('button', { type: 'button' }, document.createElement('canvas'));
      button.addEventListener('click', () => openFeature(side, index));
      grid.append(button);
    }
    for (let index = 0; index < count; index++) {
      const button = grid.children[index];
      button.style.setProperty('--aspect', features.size[1] / features.size[0]);
      button.title = fill(t.channel, { channel: features.channels[index] });
      button.setAttribute('aria-label', fill(t.enlarge, { channel: features.channels[index] }));
      paint(button.firstElementChild, one(features, index), ...features.size, opaque(tables[state.colours]));
    }
  }
}

const one = ({ data, size: [h, w] }, index) => data.subarray(index * h * w, (index + 1) * h * w);

function openFeature(side, index) {
  state.enlarged = { side, index };
  paintEnlarged();
  if (!ref.enlarged.open) ref.enlarged.showModal();
}

function paintEnlarged() {
  if (!state.enlarged) return;
  const { side } = state.enlarged;
  const { features, name, shape } = layerNow(side);
  const count = features.channels.length;
  const index = (state.enlarged.index = (state.enlarged.index + count) % count);
  const channel = features.channels[index];
  ref['enlarged-title'].textContent = fill(t.enlarged, { side: state.result.names[side], layer: name, channel });
  ref['enlarged-text'].textContent = fill(t.enlarged_text, {
    place: index + 1, count, of: shape[2], low: features.low[index].toPrecision(3), high: features.high[index].toPrecision(3),
    importance: features.importance[index].toPrecision(2),
  });
  const map = { size: features.size, data: one(features, index) };
  const [height, width] = extent();
  ref['enlarged-map'].style.aspectRatio = ref['enlarged-over'].style.aspectRatio = width / height;
  paint(ref['enlarged-map'], map.data, ...map.size, opaque(tables[state.colours]));
  const heat = document.createElement('canvas');
  paint(heat, enlarge(map, height, width), height, width, opaque(tables[state.colours]));
  const over = ref['enlarged-over'];
  over.width = width * 2;
  over.height = height * 2;
  const context = over.getContext('2d');
  context.drawImage(picture, 0, 0, over.width, over.height);
  context.globalAlpha = 0.6;
  context.drawImage(heat, 0, 0, over.width, over.height);
}

// --- the agreement curve, which is the scrubber's track -------------------------------------------------------------

function curveGeometry(width, height) {
  const { stops } = state.result;
  const known = stops.flatMap(({ rank, band }) => [rank, ...(band ? band.rank : [])]).filter((value) => value !== null);
  const low = Math.floor(Math.min(0, ...known) * 5) / 5;
  const [left, right, top, bottom] = [34, 14, 9, 17];
  return {
    low, left, right: width - right, bottom: height - bottom,
    x: (index) => left + 8 + stops[index].depth * (width - left - right - 16),
    y: (value) => top + ((1 - value) / (1 - low)) * (height - top - bottom),
  };
}

function drawCurve(context, width, height, style) {
  const { stops } = state.result;
  const at = curveGeometry(width, height);
  const colour = (name) => style.getPropertyValue('--tm-' + name).trim();
  context.clearRect(0, 0, width, height);
  context.font = '11px ' + style.fontFamily;
  context.lineWidth = 1;
  context.strokeStyle = colour('line');
  context.fillStyle = colour('soft');
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  for (const value of at.low < -0.3 ? [1, 0, at.low] : [1, 0]) {
    context.beginPath();
    context.moveTo(at.left, at.y(value));
    context.lineTo(at.right, at.y(value));
    context.stroke();
    context.fillText(value === 0 || value === 1 ? String(value) : decimal(value, 1), at.left - 6, at.y(value));
  }
  context.textBaseline = 'alphabetic';
  context.textAlign = 'left';
  context.fillText(t.shallow, at.left, height - 3);
  context.textAlign = 'right';
  context.fillText(t.deep, at.right, height - 3);

  const banded = stops.map((stop, index) => [stop.band, index]).filter(([band]) => band);
  if (banded.length) {
    context.fillStyle = colour('band');
    context.beginPath();
    for (const [band, index] of banded) context.lineTo(at.x(index), at.y(band.rank[2]));
    for (const [band, index] of banded.reverse()) context.lineTo(at.x(index), at.y(band.rank[0]));
    context.fill();
  }

  context.strokeStyle = context.fillStyle = colour('accent');
  context.lineWidth = 2.2;
  context.lineJoin = 'round';
  context.beginPath();
  let broken = true;
  stops.forEach(({ rank }, index) => {
    if (rank !== null) context[broken ? 'moveTo' : 'lineTo'](at.x(index), at.y(rank));
    broken = rank === null;
  });
  context.stroke();
  stops.forEach(({ rank }, index) => {
    if (rank === null) return;
    context.beginPath();
    context.arc(at.x(index), at.y(rank), 2.4, 0, 7);
    context.fill();
  });

  const { rank } = stops[state.stop];
  const x = at.x(state.stop);
  context.strokeStyle = colour('text');
  context.lineWidth = 1.6;
  context.beginPath();
  context.moveTo(x, 2);
  context.lineTo(x, at.bottom + 4);
  context.stroke();
  context.fillStyle = colour('card');
  context.lineWidth = 2.4;
  context.beginPath();
  context.arc(x, at.y(rank === null ? 0 : rank), 7.5, 0, 7);
  context.fill();
  context.stroke();
}

function paintCurve() {
  const { curve } = ref;
  const [width, height] = [curve.clientWidth, curve.clientHeight];
  if (!width) return;
  curve.width = Math.round(width * devicePixelRatio);
  curve.height = Math.round(height * devicePixelRatio);
  const context = curve.getContext('2d');
  context.scale(devicePixelRatio, devicePixelRatio);
  drawCurve(context, width, height, getComputedStyle(root));
}

function nearestStop(x) {
  const at = curveGeometry(ref.curve.clientWidth, ref.curve.clientHeight);
  const distances = state.result.stops.map((_, index) => Math.abs(at.x(index) - x));
  return distances.indexOf(Math.min(...distances));
}

function moveTo(index) {
  index = clamp(index, 0, state.result.stops.length - 1);
  if (index === state.stop) return;
  state.stop = index;
  refresh('sides', 'difference', 'stop', 'curve', 'features');
}

// --- words and numbers ----------------------------------------------------------------------------------------------

function tellStop() {
  const { result } = state;
  const stop = stopNow();
  const { band, rank, overlap } = stop;
  ref.rank.textContent = rank === null ? t.no_agreement : fill(t.rank, { rank: decimal(rank) });
  ref.overlap.textContent = rank === null ? '' : fill(t.overlap, { percent: Math.round(100 * overlap) });
  const { track } = ref;
  track.setAttribute('aria-valuenow', state.stop + 1);
  const facts = {
    place: state.stop + 1, count: result.stops.length, left: layerNow('left').name, right: layerNow('right').name,
    rank: rank === null ? t.no_agreement : decimal(rank), low: band && decimal(band.rank[0]), high: band && decimal(band.rank[2]),
  };
  track.setAttribute('aria-valuetext', fill(band ? t.slider_band : t.slider, facts));
  for (const side of SIDES) {
    [...ref['strip-' + side].children].forEach((button, index) => button.setAttribute('aria-current', index === state.stop));
  }
  ref.words.replaceChildren(...stop.words.map(({ text, tone }) =>
    rich(make('p', { className: tone === 'warn' ? 'tm-amber' : '' }), text)));
  tellPlaces();
}

/* Layer, size, and the heat under the hairlines. */
function tellPlaces() {
  for (const side of SIDES) {
    const { name, shape, map, address } = layerNow(side);
    const parts = [name, shape[0] + ' × ' + shape[1]];
    if (state.mode === 'saw') parts.splice(0, 2, t.saw, state.result.sides[side].input.join(' × '));
    else if (!map.max) parts.push(t.zero);
    else if (state.hair) parts.push(fill(t.heat, { percent: Math.round(under(map) / 2.55) }));
    ref['chip-' + side].textContent = parts.join(' · ');
    ref['chip-' + side].title = address;
  }
  const { difference } = stopNow();
  const legend = stage('difference').clientWidth < 300 ? t.difference_short : t.difference;
  ref['chip-difference'].textContent = difference ? fill(legend, difference) : t.no_difference;
  stage('difference').title = difference ? fill(t.difference_title, difference) : '';
}

function under(map) {
  const [height, width] = map.size;
  const x = clamp(state.hair.x * width - 0.5, 0, width - 1);
  const y = clamp(state.hair.y * height - 0.5, 0, height - 1);
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const value = (row, column) => map.data[Math.min(row, height - 1) * width + Math.min(column, width - 1)];
  const [right, down] = [x - x0, y - y0];
  return (1 - down) * ((1 - right) * value(y0, x0) + right * value(y0, x0 + 1))
    + down * ((1 - right) * value(y0 + 1, x0) + right * value(y0 + 1, x0 + 1));
}

function placeHair() {
  root.toggleAttribute('data-hair', Boolean(state.hair));
  if (state.hair) {
    for (const name of STAGES) {
      plane(name).querySelector('.tm-h').style.top = 100 * state.hair.y + '%';
      plane(name).querySelector('.tm-v').style.left = 100 * state.hair.x + '%';
    }
  }
  tellPlaces();
}

/* x and y are how far the plane's corner lies from the stage's, in shares of the plane. */
function placeZoom() {
  const { scale, x, y } = state.zoom;
  for (const name of STAGES) {
    plane(name).style.transform = scale === 1 ? '' : 'translate(' + 100 * x + '%, ' + 100 * y + '%) scale(' + scale + ')';
    plane(name).style.setProperty('--zoom', scale);
    stage(name).classList.toggle('tm-zoomed', scale > 1);
  }
  ref['zoom-reset'].textContent = decimal(scale, scale % 1 ? 1 : 0) + '×';
  ref['zoom-out'].disabled = scale <= 1;
}

const painters = {
  sides: paintSides, difference: paintDifference, stop: tellStop, curve: paintCurve, features: paintFeatures,
  strips: paintStrips, hair: placeHair, zoom: placeZoom, enlarged: paintEnlarged,
};
const due = new Set();
function refresh(...names) {
  if (!state.result) return;
  if (!due.size) requestAnimationFrame(paintDue);
  names.forEach((name) => due.add(name));
}
function paintDue() {
  const names = [...due];
  due.clear();
  for (const name of names) painters[name]();
}

// --- an answer ------------------------------------------------------------------------------------------------------

async function show(result) {
  const before = state.result;
  const wish = state.wish; // the next one may be made while the picture is decoded
  const depth = before ? before.stops[state.stop].depth : 1;
  for (const side of SIDES) {
    for (const layer of result.sides[side].layers) {
      for (const part of [layer.map, layer.features]) {
        if (part && typeof part.data === 'string') part.data = bytes(part.data);
      }
    }
  }
  for (const { difference } of result.stops) {
    if (difference && typeof difference.data === 'string') difference.data = new Int8Array(bytes(difference.data).buffer);
  }
  picture.src = result.picture.src;
  await picture.decode().catch(() => {});
  state.result = result;
  const distances = result.stops.map((stop) => Math.abs(stop.depth - depth));
  state.stop = distances.lastIndexOf(Math.min(...distances));
  if (!before || before.picture.src !== result.picture.src) Object.assign(state, { hair: null, zoom: { scale: 1, x: 0, y: 0 } });

  Object.assign(wish, { left: result.left, right: result.right, rule: result.rule, target: result.target.asked });
  Object.assign(server_state, { loaded: result.loaded });
  choosers();
  radiosOfTargets(result.target);
  for (const side of SIDES) tellSide(side, result);
  for (const name of STAGES) stage(name).style.setProperty('--aspect', result.picture.width / result.picture.height);
  const difference = plane('difference').querySelector('img');
  difference.src = result.picture.src;
  plane('difference').setAttribute('aria-label', t.alt_difference);
  ref.legend.textContent = result.yardstick.legend;
  ref['legend-short'].textContent = result.yardstick.short;
  ref.legend.title = ref['legend-short'].title = result.yardstick.text;
  ref.cost.textContent = fill(t.cost, { passes: result.cost.passes, seconds: decimal(result.cost.milliseconds / 1000, 1) });
  ref.cost.title = fill(t.cost_title, { milliseconds: Math.round(result.cost.explain) });
  ref.notes.textContent = result.picture.notes.join(' ');
  root.toggleAttribute('data-notes', result.picture.notes.length > 0);
  ref.track.setAttribute('aria-valuemin', 1);
  ref.track.setAttribute('aria-valuemax', result.stops.length);
  root.dataset.state = 'result';
  ref.heard.textContent = stopNow().words[0].text.replaceAll('**', '');
  refresh(...Object.keys(painters));
}

function tellSide(side, result) {
  const { title, detail, accuracy, accuracy_title, bars } = result.sides[side];
  ref['title-' + side].textContent = ref['title-' + side].title = title;
  ref['detail-' + side].textContent = ref['detail-' + side].title = detail;
  ref['accuracy-' + side].textContent = accuracy;
  ref['accuracy-' + side].title = accuracy_title;
  const top = Math.max(...bars.map(({ share }) => share));
  // The old bars stay and move where the classes are the same
  const grid = ref['bars-' + side];
  if (grid.children.length !== 3 * bars.length) {
    grid.replaceChildren(...bars.flatMap(() => [make('span'), make('i'), make('b')]));
  }
  bars.forEach(({ name, share, text }, index) => {
    const [label, bar, value] = [...grid.children].slice(3 * index, 3 * index + 3);
    label.textContent = label.title = name;
    bar.style.setProperty('--p', share);
    bar.classList.toggle('tm-top', share === top);
    value.textContent = text;
  });
  const strip = ref['strip-' + side];
  strip.replaceChildren(...result.stops.map((stop, index) => {
    const name = result.sides[side].layers[stop[side]].name;
    const button = make('button', { type: 'button', title: name, tabIndex: -1 }, document.createElement('canvas'));
    button.setAttribute('aria-label', fill(t.go, { layer: name }));
    button.addEventListener('click', () => moveTo(index));
    return button;
  }));
}

function radiosOfTargets({ asked, options: names }) {
  const pick = (value) => request({ target: value });
  const entries = [['predicted', t.predicted], ...names.map((name) => [name, name])];
  if (names.length <= 4) return radios(ref.targets, entries, asked, pick);
  const select = make('select');
  options(select, entries, asked);
  select.setAttribute('aria-label', t.target);
  select.addEventListener('change', () => pick(select.value));
  ref.targets.replaceChildren(select);
}

function choosers() {
  const { left, right, rule, example, file } = state.wish;
  const found = catalog.experiments.find((experiment) => experiment.left === left && experiment.right === right);
  const entries = catalog.experiments.map(({ id, title, question }) => [id, title, question]);
  options(ref.experiment, found ? entries : [...entries, ['', t.free]], found ? found.id : '');
  ref.question.textContent = found ? found.question : '';
  ref.left.value = left;
  ref.right.value = right;
  ref.rule.value = rule;
  ref.rule.title = (catalog.rules.find(({ name }) => name === rule) || {}).about || '';
  for (const button of ref.examples.children) button.setAttribute('aria-pressed', !file && button.dataset.id === example);
}

// --- asking ---------------------------------------------------------------------------------------------------------

let serial = 0;
let running = null; // {serial, wish, asked: whether the server is at it, timer, late}
let next = null; // what was wished for meanwhile
const sent = new WeakMap(); // file: promise of its path on the server

const model = (id) => catalog.models.find((one) => one.id === id);
const alike = (one, other) => model(one).classes.join('\n') === model(other).classes.join('\n');

/* Two models are compared in one class: beside a model of other classes stands the one it makes an experiment with. */
function partner(id, side) {
  const other = SIDES.find((name) => name !== side);
  const found = catalog.experiments.find((one) => one[side] === id) || catalog.experiments.find((one) => one[other] === id);
  return found ? found[found[side] === id ? other : side] : id;
}

function request(change) {
  const wish = { ...(next || (running && running.wish) || state.wish), ...change };
  for (const side of SIDES) {
    const other = SIDES.find((name) => name !== side);
    if (change[side] && !change[other] && !alike(wish[side], wish[other])) wish[other] = partner(wish[side], side);
  }
  if (wish.target !== 'predicted' && !model(wish.left).classes.includes(wish.target)) wish.target = 'predicted';
  state.wish = wish;
  choosers();
  if (state.result) check(ref.targets, wish.target);
  if (!wish.file && !wish.example) return; // nothing to look at yet
  fail('');
  if (running && running.asked) next = wish;
  else ask(wish); // nothing waits for a photo that is only being sent
}

async function ask(wish) {
  if (running) clearTimeout(running.timer);
  const mine = (running = { serial: ++serial, wish });
  const fails = (sentence) => settle({ kind: 'error', ask: mine.serial, sentence });
  const { file, example, left, right, rule, target } = wish;
  root.setAttribute('data-busy', '');
  if (!state.result) preview(wish);
  let path = null;
  if (file) {
    if (file.size > catalog.most_bytes) return fails(fill(t.too_large, catalog));
    status(t.sending);
    const unsent = () => { sent.delete(file); fails(t.not_sent); };
    mine.timer = setTimeout(unsent, PATIENCE);
    if (!sent.has(file)) sent.set(file, upload(file));
    try {
      path = (await sent.get(file)).path;
    } catch {
      return unsent();
    }
    if (running !== mine) return;
    clearTimeout(mine.timer);
  }
  mine.asked = true;
  status(waitingFor(wish));
  mine.late = setTimeout(() => status(t.still), LATE);
  mine.timer = setTimeout(() => fails(t.no_answer), PATIENCE);
  trigger('ask', { ask: mine.serial, upload: path, example: file ? null : example, left, right, rule, target });
}

function waitingFor({ left, right }) {
  if (!server_state.ready) return t.models_loading;
  const missing = [left, right].filter((id) => !server_state.loaded.includes(id));
  if (!missing.length) return t.looking;
  const titles = [...new Set(missing)].map((id) => model(id).title).join(' · ');
  const seconds = server_state.seconds * new Set(missing).size;
  return fill(seconds ? t.loading : t.loading_unknown, { titles, seconds: Math.max(1, Math.round(seconds)) });
}

/* What comes back, or will not come any more. */
function settle(answer) {
  if (!running || answer.ask !== running.serial) return;
  const { wish, timer, late } = running;
  clearTimeout(timer);
  clearTimeout(late);
  running = null;
  if (answer.code === 'gone' && wish.file && !wish.again) { // the server has deleted the photo; we still have it
    sent.delete(wish.file);
    return ask({ ...wish, again: true });
  }
  if (next) {
    const wished = next;
    next = null;
    return ask(wished);
  }
  root.removeAttribute('data-busy');
  status('');
  if (answer.kind === 'result') {
    state.wish = state.shown = { ...wish, again: false };
    show(answer);
    return;
  }
  fail(answer.sentence);
  if (state.result) { // back to what is shown
    state.wish = state.shown;
    choosers();
    check(ref.targets, state.wish.target);
  } else {
    Object.assign(state.wish, { file: null, example: null });
    root.dataset.state = 'empty';
    choosers();
  }
}

function preview(wish) {
  root.dataset.state = 'waiting';
  const found = catalog.examples.find(({ id }) => id === wish.example);
  const source = wish.file ? URL.createObjectURL(wish.file) : found ? found.large || found.thumb : wish.thumb;
  const image = new Image();
  image.onload = () => {
    for (const name of STAGES) {
      stage(name).style.setProperty('--aspect', image.naturalWidth / image.naturalHeight);
      if (root.dataset.state === 'waiting') plane(name).querySelector('img').src = source;
    }
  };
  image.src = source;
}

function status(text) {
  ref.status.textContent = text;
  root.toggleAttribute('data-status', Boolean(text));
}

function fail(sentence) {
  ref.error.textContent = sentence;
  root.toggleAttribute('data-error', Boolean(sentence));
}

function take(file) {
  if (!file || catalog.models.length === 0) return;
  request({ file, example: null });
}

// --- input ----------------------------------------------------------------------------------------------------------

for (const button of [ref.choose, ref.choose2]) button.addEventListener('click', () => ref.file.click());
ref.file.addEventListener('change', () => { take(ref.file.files[0]); ref.file.value = ''; });
ref.dismiss.addEventListener('click', () => fail(''));

let dragging = 0;
const holdsFile = (event) => visible() && [...event.dataTransfer.types].includes('Files');
const everywhere = {
  dragenter: (event) => { if (holdsFile(event)) { dragging++; root.setAttribute('data-dragging', ''); } },
  dragleave: (event) => { if (holdsFile(event) && --dragging <= 0) { dragging = 0; root.removeAttribute('data-dragging'); } },
  dragover: (event) => { if (holdsFile(event)) event.preventDefault(); },
  drop: (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    dragging = 0;
    root.removeAttribute('data-dragging');
    take(event.dataTransfer.files[0]);
  },
  paste: (event) => {
    const file = visible() && [...event.clipboardData.files][0];
    if (!file) return;
    event.preventDefault();
    take(file);
  },
  keydown,
  'tm-open': ({ detail: { id, thumb, left, right } }) => { // from the Evidence tab: an example, or a test picture
    request({ example: id, thumb, file: null, left, right, target: 'predicted' });
  },
};
function onDocument(event) {
  if (element.isConnected) everywhere[event.type](event);
  else for (const type of Object.keys(everywhere)) document.removeEventListener(type, onDocument);
}
for (const type of Object.keys(everywhere)) document.addEventListener(type, onDocument);

function keydown(event) {
  const target = event.target;
  if (!visible() || !state.result || event.ctrlKey || event.metaKey || event.altKey || ref['camera-dialog'].open) return;
  if (ref.enlarged.open) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) stepEnlarged(step);
    return;
  }
  if (target.closest('select, textarea, [contenteditable], [role="tab"]')) return;
  const last = state.result.stops.length - 1;
  const steps = { ArrowLeft: state.stop - 1, ArrowRight: state.stop + 1, Home: 0, End: last };
  if (target === ref.track) Object.assign(steps, { ArrowDown: state.stop - 1, ArrowUp: state.stop + 1, PageDown: state.stop - 4, PageUp: state.stop + 4 });
  const near = ref.result.contains(target); // single characters act nowhere else: speech input types them anywhere
  const zooms = { '+': 1.6, '-': 1 / 1.6, 0: 0 };
  if (event.key in steps && target.closest('input')) return; // a slider's and a radio button's own
  if (event.key in steps) {
    event.preventDefault();
    moveTo(steps[event.key]);
  } else if (event.key in zooms) {
    if (near) setZoom(state.zoom.scale * zooms[event.key], zoomCentre());
  } else if (near && !event.shiftKey && t.mode_keys.includes(event.key)) {
    setMode(MODES[t.mode_keys.indexOf(event.key)]);
  }
}

let stream = null;
if (!(navigator.mediaDevices && navigator.mediaDevices.getUserMedia)) ref.camera.hidden = true;
ref.camera.addEventListener('click', async () => {
  ref['camera-text'].textContent = t.camera_wait;
  ref.shoot.disabled = true;
  ref['camera-dialog'].showModal();
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1920 } } });
    if (!ref['camera-dialog'].open) return stopCamera();
    ref.video.srcObject = stream;
  } catch {
    ref['camera-text'].textContent = t.camera_none;
  }
});
ref.video.addEventListener('loadeddata', () => {  // before, there is no frame to take
  ref['camera-text'].textContent = '';
  ref.shoot.disabled = false;
});
function stopCamera() {
  if (stream) for (const track of stream.getTracks()) track.stop();
  stream = ref.video.srcObject = null;
}
ref['camera-dialog'].addEventListener('close', stopCamera);
ref['camera-close'].addEventListener('click', () => ref['camera-dialog'].close());
ref.shoot.addEventListener('click', () => {
  const canvas = make('canvas', { width: ref.video.videoWidth, height: ref.video.videoHeight });
  canvas.getContext('2d').drawImage(ref.video, 0, 0);
  canvas.toBlob((blob) => take(new File([blob], 'photo.jpg', { type: 'image/jpeg' })), 'image/jpeg', 0.95);
  ref['camera-dialog'].close();
});

// --- choosing -------------------------------------------------------------------------------------------------------

ref.experiment.addEventListener('change', () => {
  const found = catalog.experiments.find(({ id }) => id === ref.experiment.value);
  if (found) request({ left: found.left, right: found.right });
});
for (const side of SIDES) ref[side].addEventListener('change', () => request({ [side]: ref[side].value }));
ref.rule.addEventListener('change', () => request({ rule: ref.rule.value }));

function setMode(mode) {
  state.mode = mode;
  check(ref.modes, mode);
  refresh('sides', 'stop');
}
function setOpacity() {
  state.opacity = Number(ref.opacity.value);
  ref.opacity.style.setProperty('--at', 100 * state.opacity + '%');
  for (const side of SIDES) if (state.mode === 'overlay') plane(side).querySelector('canvas').style.opacity = state.opacity;
}
ref.opacity.addEventListener('input', setOpacity);
ref.colours.addEventListener('change', () => {
  state.colours = ref.colours.value;
  refresh('sides', 'strips', 'features', 'enlarged');
});

// --- scrubbing ------------------------------------------------------------------------------------------------------

let scrubbing = false;
const scrub = (event) => moveTo(nearestStop(event.clientX - ref.curve.getBoundingClientRect().left));
ref.track.addEventListener('pointerdown', (event) => {
  if (!state.result || event.button) return;
  scrubbing = true;
  ref.track.setPointerCapture(event.pointerId);
  scrub(event);
});
ref.track.addEventListener('pointermove', (event) => { if (scrubbing) scrub(event); });
for (const type of ['pointerup', 'pointercancel']) ref.track.addEventListener(type, () => { scrubbing = false; });

// --- hairlines, zoom, pan -------------------------------------------------------------------------------------------

const fingers = new Map();
let pinch = null;

function place(name, event) {
  const box = plane(name).getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

function setZoom(scale, centre, shift = { x: 0, y: 0 }) {
  scale = clamp(scale, 1, MOST_ZOOM);
  if (scale < 1.02) scale = 1;
  const { scale: old, x, y } = state.zoom;
  state.zoom = {
    scale,
    x: clamp(x + centre.x * (old - scale) + shift.x, 1 - scale, 0),
    y: clamp(y + centre.y * (old - scale) + shift.y, 1 - scale, 0),
  };
  refresh('zoom');
}

function spread() {
  const [one, two] = [...fingers.values()];
  return { distance: Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY), clientX: (one.clientX + two.clientX) / 2, clientY: (one.clientY + two.clientY) / 2 };
}

for (const name of STAGES) {
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
  box.addEventListener('pointerdown', (event) => {
    if (!state.result || event.button || event.target.closest('button')) return;
    fingers.set(event.pointerId, event);
    if (fingers.size === 2) pinch = spread();
    if (state.zoom.scale > 1) {
      box.setPointerCapture(event.pointerId);
      box.classList.add('tm-panning');
    }
    aim(event);
  });
  box.addEventListener('pointermove', (event) => {
    if (!state.result) return;
    const before = fingers.get(event.pointerId);
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
      box.classList.remove('tm-panning');
    });
  }
  box.addEventListener('pointerleave', (event) => {
    fingers.delete(event.pointerId);
    if (event.pointerType !== 'mouse' || !state.result) return;
    state.hair = null;
    refresh('hair');
  });
  box.addEventListener('dblclick', (event) => { if (state.result && !event.target.closest('button')) setZoom(state.zoom.scale > 1 ? 1 : 2.5, place(name, event)); });
  box.addEventListener('wheel', (event) => {
    if (!state.result || !(event.ctrlKey || event.metaKey)) return; // the wheel alone scrolls the page
    event.preventDefault();
    setZoom(state.zoom.scale * Math.exp(-event.deltaY / 160), place(name, event));
  }, { passive: false });
}
const zoomCentre = () => {
  const { scale, x, y } = state.zoom;
  return { x: (0.5 - x) / scale, y: (0.5 - y) / scale };
};
ref['zoom-reset'].title = t.zoom_reset;
ref['zoom-in'].addEventListener('click', () => setZoom(state.zoom.scale * 1.6, zoomCentre()));
ref['zoom-out'].addEventListener('click', () => setZoom(state.zoom.scale / 1.6, zoomCentre()));
ref['zoom-reset'].addEventListener('click', () => setZoom(1, zoomCentre()));

// --- enlarged feature map -------------------------------------------------------------------------------------------

function stepEnlarged(step) {
  state.enlarged.index += step;
  paintEnlarged();
}
ref['enlarged-back'].addEventListener('click', () => stepEnlarged(-1));
ref['enlarged-on'].addEventListener('click', () => stepEnlarged(1));
ref['enlarged-close'].addEventListener('click', () => ref.enlarged.close());
ref.enlarged.addEventListener('close', () => { state.enlarged = null; });
for (const dialog of [ref.enlarged, ref['camera-dialog']]) {
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
}

// --- saving what is on the screen -----------------------------------------------------------------------------------

const WIDE = 1200;
const EDGE = 28;

function lines(context, text, width) {
  const result = [''];
  for (const word of text.split(' ')) {
    const longer = result.at(-1) ? result.at(-1) + ' ' + word : word;
    if (context.measureText(longer).width > width && result.at(-1)) result.push(word);
    else result[result.length - 1] = longer;
  }
  return result;
}

function drawStage(context, name, x, y, width, height) {
  context.save();
  context.beginPath();
  context.roundRect(x, y, width, height, 8);
  context.clip();
  context.fillStyle = getComputedStyle(stage(name)).backgroundColor;
  context.fillRect(x, y, width, height);
  const box = stage(name).getBoundingClientRect();
  const inner = plane(name).getBoundingClientRect();
  const ratio = width / box.width;
  const place = [x + (inner.left - box.left) * ratio, y + (inner.top - box.top) * ratio, inner.width * ratio, inner.height * ratio];
  const [image, canvas] = plane(name).children;
  context.imageSmoothingEnabled = state.mode === 'overlay' || name === 'difference';
  context.filter = getComputedStyle(image).filter;
  if (image.style.visibility !== 'hidden') context.drawImage(image, ...place);
  context.filter = 'none';
  context.globalAlpha = Number(canvas.style.opacity || 1);
  context.drawImage(canvas, ...place);
  context.restore();
}

function compose() {
  const { result } = state;
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue('--tm-' + name).trim();
  const font = (weight, size) => { context.font = weight + ' ' + size + 'px ' + style.fontFamily; };
  const canvas = document.createElement('canvas');
  let context = canvas.getContext('2d');
  const side = (WIDE - 3 * EDGE) / 2;
  const aspect = result.picture.width / result.picture.height;
  const high = Math.min(side / aspect, 620);
  const wide = high * aspect;
  const small = Math.min(300, 300 / aspect);
  const bars = result.sides.left.bars.length * 22;
  const words = stopNow().words.map(({ text }) => text.replaceAll('**', ''));
  font(400, 15);
  const told = words.map((text) => lines(context, text, WIDE - 3 * EDGE - small * aspect));
  const below = Math.max(small, told.reduce((sum, part) => sum + part.length * 21 + 7, 0));
  const top = 118 + bars;
  const total = top + high + 34 + 120 + below + 56;
  [canvas.width, canvas.height] = [WIDE * 2, Math.ceil(total) * 2];
  context = canvas.getContext('2d');
  context.scale(2, 2);
  context.fillStyle = colour('page');
  context.fillRect(0, 0, WIDE, total);
  const write = (text, x, y, weight, size, paint = 'text', align = 'left') => {
    font(weight, size);
    context.fillStyle = colour(paint);
    context.textAlign = align;
    context.fillText(text, x, y);
  };
  write(catalog.name, EDGE, 40, 700, 22);
  const rule = catalog.rules.find(({ name }) => name === result.rule).title;
  write(rule + ' · ' + result.target.text, WIDE - EDGE, 40, 400, 14, 'soft', 'right');
  SIDES.forEach((name, index) => {
    const x = EDGE + index * (side + EDGE);
    const { title, detail, accuracy, bars: shown } = result.sides[name];
    write(title, x, 76, 650, 17);
    write(detail, x, 96, 400, 13, 'soft');
    write(accuracy, x + side, 76, 400, 13, 'soft', 'right');
    const best = Math.max(...shown.map(({ share }) => share));
    shown.forEach(({ name: label, share, text }, row) => {
      const y = 118 + row * 22;
      write(label, x, y, 400, 13);
      write(text, x + side, y, 400, 13, 'text', 'right');
      context.fillStyle = colour('track');
      context.fillRect(x + 100, y - 9, side - 160, 9);
      context.fillStyle = colour(share === best ? 'accent' : 'second');
      context.fillRect(x + 100, y - 9, (side - 160) * share, 9);
    });
    drawStage(context, name, x + (side - wide) / 2, top, wide, high);
    write(ref['chip-' + name].textContent, x + side / 2, top + high + 18, 400, 13, 'soft', 'center');
  });
  let y = top + high + 34;
  write(ref.legend.textContent, EDGE, y + 12, 400, 12.5, 'soft');
  write(ref.rank.textContent + ref.overlap.textContent, WIDE - EDGE, y + 12, 400, 12.5, 'text', 'right');
  const curve = document.createElement('canvas');
  [curve.width, curve.height] = [(WIDE - 2 * EDGE) * 2, 180];
  const inner = curve.getContext('2d');
  inner.scale(2, 2);
  drawCurve(inner, WIDE - 2 * EDGE, 90, style);
  context.drawImage(curve, EDGE, y + 18, WIDE - 2 * EDGE, 90);
  y += 120;
  drawStage(context, 'difference', EDGE, y, small * aspect, small);
  write(ref['chip-difference'].textContent, EDGE, y + small + 18, 400, 12.5, 'soft');
  let line = y + 15;
  for (const part of told) {
    for (const text of part) {
      write(text, EDGE * 2 + small * aspect, line, 400, 15);
      line += 21;
    }
    line += 7;
  }
  return canvas;
}

ref.save.textContent = t.save;
ref.save.title = t.save_title;
ref.save.addEventListener('click', () => {
  if (!state.result) return;
  compose().toBlob((blob) => {
    const link = make('a', { href: URL.createObjectURL(blob), download: 'two-minds-' + layerNow('left').name.replace(/\W+/g, '-') + '.png' });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }, 'image/png');
});

// --- start ----------------------------------------------------------------------------------------------------------

options(ref.left, catalog.models.map(({ id, title, description }) => [id, title, description]));
options(ref.right, catalog.models.map(({ id, title, description }) => [id, title, description]));
options(ref.rule, catalog.rules.map(({ name, title, about }) => [name, title, about]));
options(ref.colours, catalog.colours.map(({ name, title }) => [name, title]), state.colours);
radios(ref.modes, MODES.map((mode) => [mode, t['mode_' + mode]]), state.mode, setMode);
ref.opacity.value = state.opacity;
setOpacity();
ref.accepted.textContent = catalog.accepted;
ref.commands.textContent = catalog.commands;
const thumbnail = ({ id, title, thumb }) => {
  const button = make('button', { type: 'button', title }, make('img', { src: thumb, alt: title }));
  button.dataset.id = id;
  button.addEventListener('click', () => request({ example: id, file: null }));
  return button;
};
ref.examples.replaceChildren(...catalog.examples.map(thumbnail));
ref.large.replaceChildren(...catalog.examples.filter(({ large }) => large).map(({ id, title, large }) => {
  const button = make('button', { type: 'button' }, make('img', { src: large, alt: '' }), make('span', { textContent: title }));
  button.addEventListener('click', () => request({ example: id, file: null }));
  return button;
}));

if (!catalog.models.length) {
  root.dataset.state = 'none';
  ref.none.hidden = false;
} else {
  const { left, right } = catalog.start;
  Object.assign(state.wish, { left, right, rule: catalog.rules[0].name });
  choosers();
  awaitModels();
}

async function awaitModels() {
  for (;;) {
    try {
      Object.assign(server_state, await server.state());
    } catch { /* the server is not there for the moment */ }
    if (server_state.ready || !element.isConnected) break;
    if (!running) status(t.models_loading);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  if (server_state.problem) fail(server_state.problem);
  status(running ? waitingFor(running.wish) : '');
}

new ResizeObserver(() => refresh('curve', 'strips')).observe(ref.track);
new MutationObserver(() => refresh('curve')).observe(document.body, { attributeFilter: ['class'] });

watch('value', () => { if (props.value) settle(props.value); });
