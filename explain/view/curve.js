/* The agreement curve, which is the scrubber's track. */

/* Where the curve's points lie in a canvas of that size, in pixels: x of a stop, y of an agreement. */
function curveGeometry(stops, width, height, right = 14) {
  const low = Math.floor(Math.min(0, ...stops.flatMap(({ values }) => values)) * 5) / 5;
  const [left, top, bottom] = [34, 9, 17];
  return {
    low, left, right: width - right, bottom: height - bottom,
    x: (index) => left + 8 + stops[index].depth * (width - left - right - 16),
    y: (value) => top + ((1 - value) / (1 - low)) * (height - top - bottom),
  };
}

/* The curve's stops: depth, and all agreements that are drawn there. */
const curveStops = () => state.result.stops.map(({ depth, versus }) => ({
  depth, values: versus.filter(Boolean).flatMap(({ rank, band }) => [rank, ...(band ? band.rank : [])]).filter((value) => value !== null),
}));

/* Room for names at the right end of the curves of a row of models. */
const curveRoom = (width) => (places.length > 2 && width > 500 ? 190 : 14);

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

function drawLine(context, at, ranks, colour, wide, dashed) {
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = wide;
  context.lineJoin = 'round';
  context.setLineDash(dashed ? [5, 4] : []);
  context.beginPath();
  let broken = true;
  ranks.forEach((rank, index) => {
    if (rank !== null) context[broken ? 'moveTo' : 'lineTo'](at.x(index), at.y(rank));
    broken = rank === null;
  });
  context.stroke();
  context.setLineDash([]);
}

function drawCurve(context, width, height, style) {
  const stops = curveStops();
  const room = curveRoom(width);
  const at = curveGeometry(stops, width, height, room);
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

  const { stops: all, models, reference } = state.result;
  const ranksOf = (place) => all.map(({ versus }) => versus[place].rank);
  const banded = all.map((stop, index) => [agreementAt(stop).band, index]).filter(([band]) => band);
  if (banded.length) {
    context.fillStyle = colour('band');
    context.beginPath();
    for (const [band, index] of banded) context.lineTo(at.x(index), at.y(band.rank[2]));
    for (const [band, index] of banded.reverse()) context.lineTo(at.x(index), at.y(band.rank[0]));
    context.fill();
  }

  const others = places.filter((place) => place !== reference && place !== state.chosen);
  for (const place of others) drawLine(context, at, ranksOf(place), colour('second'), 1.4, apart(place));
  const ranks = ranksOf(state.chosen);
  drawLine(context, at, ranks, colour(apart() ? 'soft' : 'accent'), apart() ? 1.6 : 2.2, apart());
  ranks.forEach((rank, index) => {
    if (rank === null) return;
    context.beginPath();
    context.arc(at.x(index), at.y(rank), 2.4, 0, 7);
    context.fill();
  });
  if (room > 14) {
    const named = [...others, state.chosen];
    const last = named.map((place) => at.y(ranksOf(place).findLast((rank) => rank !== null) ?? 0));
    const heights = spreadOut(last, 12, 9, height - 5);
    context.textAlign = 'left';
    context.textBaseline = 'middle';
    named.forEach((place, index) => {
      context.fillStyle = colour(place === state.chosen ? (apart() ? 'text' : 'accent') : 'soft');
      context.font = (place === state.chosen ? '650 ' : '') + '11px ' + style.fontFamily;
      context.fillText(models[place].name, at.right + 12, heights[index], room - 12);
    });
  }

  const rank = ranks[state.stop];
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

function nearestStop(stops, x, width, height, right) {
  const at = curveGeometry(stops, width, height, right);
  const distances = stops.map((_, index) => Math.abs(at.x(index) - x));
  return distances.indexOf(Math.min(...distances));
}

function moveTo(index) {
  index = clamp(index, 0, state.result.stops.length - 1);
  if (index === state.stop) return;
  state.stop = index;
  refresh('models', 'difference', 'stop', 'curve', 'features');
}

let scrubbing = false;
const scrub = (event) => {
  const { curve } = ref;
  const x = event.clientX - curve.getBoundingClientRect().left;
  moveTo(nearestStop(curveStops(), x, curve.clientWidth, curve.clientHeight, curveRoom(curve.clientWidth)));
};
ref.track.addEventListener('pointerdown', (event) => {
  if (!state.result || event.button) return;
  scrubbing = true;
  ref.track.setPointerCapture(event.pointerId);
  scrub(event);
});
ref.track.addEventListener('pointermove', (event) => { if (scrubbing) scrub(event); });
for (const type of ['pointerup', 'pointercancel']) ref.track.addEventListener(type, () => { scrubbing = false; });
