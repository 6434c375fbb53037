/* The agreement curve, which is the scrubber's track. */

/* Where the curve's points lie in a canvas of that size, in pixels: x of a stop, y of an agreement. */
function curveGeometry(stops, width, height) {
  const known = stops.flatMap(({ rank, band }) => [rank, ...(band ? band.rank : [])]).filter((value) => value !== null);
  const low = Math.floor(Math.min(0, ...known) * 5) / 5;
  const [left, right, top, bottom] = [34, 14, 9, 17];
  return {
    low, left, right: width - right, bottom: height - bottom,
    x: (index) => left + 8 + stops[index].depth * (width - left - right - 16),
    y: (value) => top + ((1 - value) / (1 - low)) * (height - top - bottom),
  };
}

/* The curve's points: depth, and the agreement of the two models. */
const curveStops = () => state.result.stops.map((stop) => ({ depth: stop.depth, ...agreementAt(stop) }));

function drawCurve(context, width, height, style) {
  const stops = curveStops();
  const at = curveGeometry(stops, width, height);
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

  context.strokeStyle = context.fillStyle = colour(apart() ? 'soft' : 'accent');
  context.lineWidth = apart() ? 1.6 : 2.2;
  context.lineJoin = 'round';
  context.setLineDash(apart() ? [5, 4] : []);
  context.beginPath();
  let broken = true;
  stops.forEach(({ rank }, index) => {
    if (rank !== null) context[broken ? 'moveTo' : 'lineTo'](at.x(index), at.y(rank));
    broken = rank === null;
  });
  context.stroke();
  context.setLineDash([]);
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

function nearestStop(stops, x, width, height) {
  const at = curveGeometry(stops, width, height);
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
  moveTo(nearestStop(curveStops(), x, curve.clientWidth, curve.clientHeight));
};
ref.track.addEventListener('pointerdown', (event) => {
  if (!state.result || event.button) return;
  scrubbing = true;
  ref.track.setPointerCapture(event.pointerId);
  scrub(event);
});
ref.track.addEventListener('pointermove', (event) => { if (scrubbing) scrub(event); });
for (const type of ['pointerup', 'pointercancel']) ref.track.addEventListener(type, () => { scrubbing = false; });
