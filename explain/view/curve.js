/* The curve, which is the scrubber's track: how alike the maps are layer by layer, and under it the maps themselves. */

const THUMB = 1.45; // width by height of the small maps, at most

/* Where the curve's points lie in a canvas of that size, in pixels: x of a stop, y of an agreement. `left`, `right` and
   `below` are kept free; `least` is where the scale begins, by default as low as it must, in fifths. */
function curveGeometry(stops, width, height, { left = 34, right = 14, below = 17, least = 0 } = {}) {
  const low = Math.floor(Math.min(least, ...stops.flatMap(({ values }) => values)) * 5) / 5;
  const [top, step] = [9, (width - left - right) / stops.length];
  return {
    low, left, step, right: width - right, bottom: height - below,
    x: (index) => left + (index + 0.5) * step,
    y: (value) => top + ((1 - value) / (1 - low)) * (height - top - below),
  };
}

/* What the curve shows: of channels their correlation, else how far the maps agree. */
const ofChannels = () => state.mode === 'features' && state.order === 'same' && state.result.stops.every(({ twins }) => twins);
/* Whether the maps are of the input, and stand still whatever the layer. */
const standing = () => state.result.level === 'input' && state.mode !== 'features';
const valueOf = (stop, place) => (ofChannels() ? stop.twins.typical : stop.versus[place].rank);
const bandOf = (stop) => (ofChannels() ? null : agreementAt(stop).band);

/* The curve's stops: all values that are drawn there. */
const curveStops = () => state.result.stops.map((stop) => ({
  values: places.filter((place) => place !== state.result.reference).map((place) => valueOf(stop, place))
    .concat(bandOf(stop) ? bandOf(stop).rank : []).filter((value) => value !== null),
}));

/* The room around the curve: names of what stands there on its left, of a row's lines on its right, small maps below. */
function curveRoom(width, height) {
  const row = places.length > 2;
  const narrow = width < 520 || height < 100;
  const low = height < 100; // room for the curve alone
  const thumb = row || low ? 0 : clamp(Math.round((height - 60) / 5.2), 11, 34);
  return {
    left: narrow ? 38 : 92, right: row && !narrow ? 170 : narrow ? 8 : 12, thumb, narrow,
    low, below: (low ? 8 : 17) + (thumb ? places.length * (thumb + 2) + 8 : 0),
    least: ofChannels() ? 0.8 : 0,
  };
}

/* Heights for labels that should lie at some: in the same order, as near as a step apart lets them. */
function spreadOut(heights, step, low, high) {
  const order = heights.map((_, index) => index).sort((a, b) => heights[a] - heights[b]);
  const free = [];
  order.forEach((index, rank) => { free[index] = Math.max(heights[index], rank ? free[order[rank - 1]] + step : low); });
  let most = high;
  for (const index of order.reverse()) {
    free[index] = Math.min(free[index], most);
    most = free[index] - step;
  }
  return free;
}

/* Runs of equal entries: [first place, last place, entry]. */
function runs(entries) {
  const told = [];
  entries.forEach((entry, index) => {
    if (told.length && told.at(-1)[2] === entry) told.at(-1)[1] = index;
    else told.push([index, index, entry]);
  });
  return told;
}

function drawLine(context, at, values, colour, wide, dashed) {
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = wide;
  context.lineJoin = 'round';
  context.setLineDash(dashed ? [5, 4] : []);
  context.beginPath();
  let broken = true;
  values.forEach((value, index) => {
    if (value !== null) context[broken ? 'moveTo' : 'lineTo'](at.x(index), at.y(value));
    broken = value === null;
  });
  context.stroke();
  context.setLineDash([]);
}

/* Stops without a value: hatched, and said. */
function drawGaps(context, at, values, colour) {
  for (const [first, last, none] of runs(values.map((value) => value === null))) {
    if (!none) continue;
    const [left, right, top] = [at.x(first) - at.step / 2, at.x(last) + at.step / 2, 9];
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, at.bottom - top);
    context.clip();
    context.strokeStyle = colour('line');
    context.lineWidth = 1;
    context.beginPath();
    for (let x = left - at.bottom; x < right; x += 7) {
      context.moveTo(x, at.bottom);
      context.lineTo(x + at.bottom - top, top);
    }
    context.stroke();
    context.restore();
    if (right - left < context.measureText(t.no_map).width + 6) continue;
    context.fillStyle = colour('soft');
    context.textAlign = 'center';
    context.fillText(t.no_map, (left + right) / 2, (top + at.bottom) / 2);
  }
}

/* The axis: how fine the maps are, or, where the models differ in that, how deep they lie. */
function drawAxis(context, at, room, height, colour) {
  const { stops, models } = state.result;
  const sizes = stops.map((stop) => {
    const [first, ...others] = places.map((place) => models[place].layers[stop.layers[place]].map.size.join(' × '));
    return others.every((size) => size === first) ? first : '';
  });
  context.fillStyle = colour('soft');
  context.strokeStyle = colour('line');
  context.lineWidth = 1;
  const [line, text] = [height - 14.5, height - 2];
  const write = (words, x, align) => { context.textAlign = align; context.fillText(words, x, text); };
  const left = at.left - 8;
  if (sizes.every(Boolean)) {
    if (!room.narrow) write(t.cells, left, 'right');
    for (const [first, last, size] of runs(sizes)) {
      const [from, to] = [at.x(first) - at.step / 2 + 3, at.x(last) + at.step / 2 - 3];
      context.beginPath();
      context.moveTo(from, line);
      context.lineTo(to, line);
      context.stroke();
      const told = [size, size.split(' ')[0]].find((words) => context.measureText(words).width < to - from + 4);
      if (told) write(told, (from + to) / 2, 'center');
    }
    return;
  }
  if (!room.narrow) write(t.depth, left, 'right');
  context.beginPath();
  context.moveTo(at.left, line);
  context.lineTo(at.right, line);
  context.stroke();
  for (const depth of [0, 0.25, 0.5, 0.75, 1]) {
    const distances = stops.map((stop) => Math.abs(stop.depth - depth));
    write(Math.round(100 * depth) + '\u00a0%', at.x(distances.indexOf(Math.min(...distances))), 'center');
  }
}

/* The small maps of a pair, column by column under their points, and a frame around those that are shown. */
function drawStrips(context, at, room, height, colour) {
  if (!room.thumb) return;
  const wide = Math.min(at.step - 3, room.thumb * THUMB);
  const top = (row) => height - 17 - (places.length - row) * (room.thumb + 2);
  for (const place of places) {
    if (!room.narrow) {
      context.fillStyle = colour('soft');
      context.textAlign = 'right';
      context.textBaseline = 'middle';
      context.fillText(state.result.models[place].name, at.left - 22, top(place) + room.thumb / 2, at.left - 26);
    }
    context.fillStyle = colour(place ? 'blue' : 'red');
    context.beginPath();
    context.roundRect(at.left - 17, top(place) + room.thumb / 2 - 4, 8, 8, 2);
    context.fill();
    state.result.stops.forEach((_, index) => {
      const small = strips[place] && strips[place][index];
      if (!small) return;
      context.save();
      context.beginPath();
      context.roundRect(at.x(index) - wide / 2, top(place), wide, room.thumb, 2.5);
      context.clip();
      context.globalAlpha = index === state.stop ? 1 : 0.88;
      cover(context, small, at.x(index) - wide / 2, top(place), wide, room.thumb);
      context.restore();
    });
  }
  context.strokeStyle = colour('accent');
  context.lineWidth = 2;
  context.beginPath();
  context.roundRect(at.x(state.stop) - wide / 2 - 2.5, top(0) - 2.5, wide + 5, places.length * (room.thumb + 2) + 3, 4);
  context.stroke();
}

function drawCurve(context, width, height, style) {
  const room = curveRoom(width, height);
  const at = curveGeometry(curveStops(), width, height, room);
  const colour = (name) => style.getPropertyValue('--tm-' + name).trim();
  const { stops, models, reference } = state.result;
  const valuesOf = (place) => stops.map((stop) => valueOf(stop, place));
  const values = valuesOf(state.chosen);
  const dashed = !ofChannels() && apart();
  context.clearRect(0, 0, width, height);
  context.font = '11px ' + style.fontFamily;
  context.textBaseline = 'middle';

  const banded = stops.map((stop, index) => [bandOf(stop), index]).filter(([band]) => band);
  if (banded.length) {
    context.fillStyle = colour('band');
    context.strokeStyle = colour('edge');
    context.lineWidth = 1;
    const upper = banded.map(([band, index]) => [at.x(index), at.y(band.rank[2])]);
    const lower = banded.map(([band, index]) => [at.x(index), at.y(band.rank[0])]);
    context.beginPath();
    for (const point of [...upper, ...[...lower].reverse()]) context.lineTo(...point);
    context.fill();
    for (const line of [upper, lower]) {
      context.beginPath();
      for (const point of line) context.lineTo(...point);
      context.stroke();
    }
  }
  drawGaps(context, at, values, colour);

  const { luck } = models[state.chosen].yardstick;
  const named = [[1, t.the_same], ...(at.low <= 0 ? [[0, t.unrelated]] : [[at.low, t.dots_less]])];
  if (at.low < 0 && at.y(at.low) - at.y(0) > 13) named.push([at.low, '']);
  for (const [value, words] of named) {
    context.strokeStyle = colour(value === 1 ? 'line' : 'zero');
    context.lineWidth = 1;
    context.setLineDash(value === 0 ? [4, 3] : []);
    context.beginPath();
    context.moveTo(at.left, Math.round(at.y(value)) + 0.5);
    context.lineTo(at.right, Math.round(at.y(value)) + 0.5);
    context.stroke();
    context.setLineDash([]);
    const figure = value === 0 || value === 1 ? String(value) : decimal(value, 1);
    context.textAlign = 'right';
    context.fillStyle = colour('text');
    context.font = '650 11px ' + style.fontFamily;
    context.fillText(figure, at.left - 8, at.y(value));
    context.font = '11px ' + style.fontFamily;
    context.fillStyle = colour('soft');
    if (!room.narrow) context.fillText(words, at.left - 12 - context.measureText(figure).width, at.y(value));
  }

  const others = places.filter((place) => place !== reference && place !== state.chosen);
  for (const place of others) drawLine(context, at, valuesOf(place), colour('second'), 1.4, apart(place));
  drawLine(context, at, values, colour(dashed ? 'soft' : 'accent'), dashed ? 1.6 : 2.2, dashed);
  values.forEach((value, index) => {
    if (value === null) return;
    const band = bandOf(stops[index]);
    context.beginPath();
    context.arc(at.x(index), at.y(value), 3, 0, 7);
    context.lineWidth = 1.8;
    context.fillStyle = colour(band && value < band.rank[0] ? 'card' : dashed ? 'soft' : 'accent');
    context.fill();
    context.stroke();
  });
  if (banded.length && luck && !room.narrow) { // in the band, where there is room for it
    const words = luck;
    const middle = banded.map(([band, index]) => at.y(band.rank[0]) - at.y(band.rank[2]));
    const most = middle.indexOf(Math.max(...middle));
    if (middle[most] > 15) {
      context.textAlign = 'left';
      context.fillStyle = colour('soft');
      context.fillText(words, at.x(0) + 6, at.y(banded[Math.min(1, banded.length - 1)][0].rank[2]) + 9);
    }
  }
  if (places.length > 2 && !room.narrow) {
    const labels = [...others, state.chosen];
    const last = labels.map((place) => at.y(valuesOf(place).findLast((value) => value !== null) ?? 0));
    const heights = spreadOut(last, 12, 9, height - 5);
    context.textAlign = 'left';
    labels.forEach((place, index) => {
      context.fillStyle = colour(place === state.chosen ? (apart() ? 'text' : 'accent') : 'soft');
      context.font = (place === state.chosen ? '650 ' : '') + '11px ' + style.fontFamily;
      context.fillText(models[place].name, at.right + 8, heights[index], room.right - 10);
    });
    context.font = '11px ' + style.fontFamily;
  }

  drawStrips(context, at, room, height, colour);
  context.textBaseline = 'alphabetic';
  if (!room.low) drawAxis(context, at, room, height, colour);

  const value = values[state.stop];
  const x = at.x(state.stop);
  context.strokeStyle = colour('text');
  context.lineWidth = 1.6;
  context.beginPath();
  context.moveTo(x, 2);
  context.lineTo(x, at.bottom + 5);
  context.stroke();
  context.fillStyle = colour('card');
  context.lineWidth = 2.4;
  context.beginPath();
  context.arc(x, at.y(value === null ? Math.max(0, at.low) : value), 7, 0, 7);
  context.fill();
  context.stroke();
}

let strips = []; // of each model of a pair its small maps, one a stop

function paintStrips() {
  if (places.length > 2) return; // a row has none: with so many stops in so little width nothing would be seen
  const [width, height] = [Math.round(48 * devicePixelRatio), Math.round(34 * devicePixelRatio)];
  const heat = document.createElement('canvas');
  strips = places.map((place) => state.result.stops.map((stop) => {
    const canvas = make('canvas', { width, height });
    const context = canvas.getContext('2d');
    context.imageSmoothingEnabled = !state.result.picture.small;
    cover(context, picture, 0, 0, width, height);
    context.imageSmoothingEnabled = true;
    const { map } = state.result.models[place].layers[stop.layers[place]];
    if (!map.max) return canvas;
    paint(heat, enlarge(map, 36, 48), 36, 48, veiled(tables[state.colours]));
    context.globalAlpha = 0.85;
    cover(context, heat, 0, 0, width, height, state.result.picture.width / state.result.picture.height);
    return canvas;
  }));
  paintCurve();
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

function nearestStop(stops, x, width, height, room) {
  const at = curveGeometry(stops, width, height, room);
  const distances = stops.map((_, index) => Math.abs(at.x(index) - x));
  return distances.indexOf(Math.min(...distances));
}

/* The stop that is nearest to a depth; of two the deeper one. */
function nearestDepth(depth) {
  const distances = state.result.stops.map((stop) => Math.abs(stop.depth - depth));
  return distances.lastIndexOf(Math.min(...distances));
}

function moveTo(index) {
  index = clamp(index, 0, state.result.stops.length - 1);
  if (index === state.stop) return;
  state.stop = index;
  state.depth = stopNow().depth;
  viewChanged();
  refresh('models', 'difference', 'stop', 'curve', 'features', 'third');
}

let scrubbing = false;
const scrub = (event) => {
  const { curve } = ref;
  const x = event.clientX - curve.getBoundingClientRect().left;
  const [width, height] = [curve.clientWidth, curve.clientHeight];
  moveTo(nearestStop(curveStops(), x, width, height, curveRoom(width, height)));
};
ref.track.addEventListener('pointerdown', (event) => {
  if (!state.result || event.button) return;
  scrubbing = true;
  ref.track.setPointerCapture(event.pointerId);
  scrub(event);
});
ref.track.addEventListener('pointermove', (event) => { if (scrubbing) scrub(event); });
for (const type of ['pointerup', 'pointercancel']) ref.track.addEventListener(type, () => { scrubbing = false; });
