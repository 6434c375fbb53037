/* Shows a message: its numbers and words, and what redraws when something changes. */

function tellStop() {
  const { result } = state;
  const stop = stopNow();
  const { band, rank, overlap } = agreementAt(stop);
  const told = rank === null ? t.no_agreement : fill(t.rank, { rank: decimal(rank) });
  const row = places.length > 2;
  ref.rank.textContent = apart() ? '' : row ? result.models[state.chosen].name + ': ' + told : told;
  ref.overlap.textContent = apart() || rank === null ? '' : fill(t.overlap, { percent: Math.round(100 * overlap) });
  const { track } = ref;
  track.setAttribute('aria-valuenow', state.stop + 1);
  const facts = {
    place: state.stop + 1, count: result.stops.length, first: layerNow(0).name, second: layerNow(1).name,
    rank: rank === null ? t.no_agreement : decimal(rank), low: band && decimal(band.rank[0]), high: band && decimal(band.rank[2]),
  };
  track.setAttribute('aria-valuetext', row ? tellRow(facts) : fill(apart() ? t.slider_apart : band ? t.slider_band : t.slider, facts));
  for (const place of places) {
    [...ref['strip-' + place].children].forEach((button, index) => button.setAttribute('aria-current', index === state.stop));
  }
  ref.words.replaceChildren(...stop.words.map(({ text, tone }) =>
    rich(make('p', { className: tone === 'warn' ? 'tm-amber' : '' }), text)));
  tellPlaces();
}

/* Under each model of a row how far it agrees with the reference; what the scrubber says of all. */
function tellRow({ place: stop, count }) {
  const { models, reference } = state.result;
  const alike = places.filter((place) => place !== reference).map((place) => {
    const { rank } = stopNow().versus[place];
    const known = rank !== null && !apart(place);
    const [button, told] = [ref['against-' + place], known ? decimal(rank) : '–'];
    button.querySelector('i').style.setProperty('--p', known ? Math.max(0, rank) : 0);
    button.querySelector('b').textContent = told;
    button.title = apart(place) ? t.row_apart : rank === null ? t.no_agreement : '';
    button.setAttribute('aria-pressed', place === state.chosen);
    button.setAttribute('aria-description', models[place].name);
    return models[place].name + ' ' + (known ? told : apart(place) ? t.row_apart : t.no_agreement);
  });
  const percent = Math.round(100 * stopNow().depth);
  return fill(t.slider_row, { place: stop, count, percent, reference: models[reference].name, alike: alike.join(', ') });
}

/* Of a row: the model whose line stands out and whose agreement is told. */
function choose(place) {
  state.chosen = state.picked = place;
  tellLegend();
  refresh('stop', 'curve');
}

function tellLegend() {
  const { models, reference } = state.result;
  const { legend, short, text } = models[state.chosen].yardstick;
  const between = places.length > 2 ? models[state.chosen].name + ' · ' + models[reference].name + ': ' : '';
  ref.legend.textContent = between + legend;
  ref['legend-short'].textContent = between + short;
  ref.legend.title = ref['legend-short'].title = text;
}

/* Layer, size, and the heat under the hairlines. */
function tellPlaces() {
  for (const place of places) {
    const { name, map, address } = layerNow(place);
    const parts = [name, map.size.join(' × ')];
    if (state.mode === 'saw') parts.splice(0, 2, t.saw, state.result.models[place].input.join(' × '));
    else if (!map.max) parts.push(t.zero);
    else if (state.hair) parts.push(fill(t.heat, { percent: Math.round(valueAt(map, state.hair) / 2.55) }));
    ref['chip-' + place].textContent = parts.join(' · ');
    ref['chip-' + place].title = address;
  }
  if (places.length > 2) return;
  const { difference } = agreementAt(stopNow());
  const [first, second] = state.result.models.map(({ name }) => name);
  const legend = stage('difference').clientWidth < 300 ? t.difference_short : t.difference;
  const why = apart() ? '' : t.no_difference;
  ref['chip-difference'].textContent = difference ? fill(legend, { first, second, ...difference }) : why;
  stage('difference').title = difference ? fill(t.difference_title, difference) : '';
}

const painters = {
  models: paintModels, difference: paintDifference, stop: tellStop, curve: paintCurve, features: paintFeatures,
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

/* What is read out of a stop's words, of which there may be none: the answers, and of which classes the maps are. */
const spoken = (words, apart) => words.slice(0, apart ? 2 : 1).map(({ text }) => text.replaceAll('**', '')).join(' ');

/* Draw a message; all that the view shows comes from it. */
async function show(result) {
  const before = state.result;
  const depth = before ? before.stops[state.stop].depth : 1;
  for (const { layers } of result.models) {
    for (const layer of layers) {
      for (const part of [layer.map, layer.features]) {
        if (part && typeof part.data === 'string') part.data = bytes(part.data);
      }
    }
  }
  for (const { difference } of result.stops.flatMap(({ versus }) => versus.filter(Boolean))) {
    if (difference && typeof difference.data === 'string') difference.data = new Int8Array(bytes(difference.data).buffer);
  }
  picture.src = result.picture.src;
  await picture.decode().catch(() => {});
  state.result = result;
  columns(result.models.length);
  chooseFirst(before);
  const distances = result.stops.map((stop) => Math.abs(stop.depth - depth));
  state.stop = distances.lastIndexOf(Math.min(...distances));
  if (!before || before.picture.src !== result.picture.src) Object.assign(state, { hair: null, zoom: { scale: 1, x: 0, y: 0 } });

  for (const place of places) tellModel(place, result);
  const row = places.length > 2;
  root.toggleAttribute('data-apart', !row && apart());
  root.toggleAttribute('data-small', result.picture.small);
  root.toggleAttribute('data-many', result.target.options.length > result.models[0].bars.length);
  for (const name of stages) stage(name).style.setProperty('--aspect', result.picture.width / result.picture.height);
  const difference = plane('difference').querySelector('img');
  difference.src = result.picture.src;
  plane('difference').setAttribute('aria-label', t.alt_difference);
  tellLegend();
  ref.cost.textContent = fill(t.cost, { passes: result.cost.passes, seconds: decimal(result.cost.milliseconds / 1000, 1) });
  ref.cost.title = fill(t.cost_title, { milliseconds: Math.round(result.cost.explain) });
  ref.notes.textContent = result.picture.notes.join(' ');
  root.toggleAttribute('data-notes', result.picture.notes.length > 0);
  ref.track.setAttribute('aria-valuemin', 1);
  ref.track.setAttribute('aria-valuemax', result.stops.length);
  root.dataset.state = 'result';
  ref.heard.textContent = spoken(stopNow().words, !row && apart());
  refresh(...Object.keys(painters));
}

/* Which model's agreement is told: of two the other one; of a row the one that was clicked, else one that can be told. */
function chooseFirst(before) {
  const { models, reference } = state.result;
  const ids = (result) => result.models.map(({ id }) => id).join();
  const others = places.filter((place) => place !== reference);
  if (before && ids(before) !== ids(state.result)) state.picked = null;
  if (others.includes(state.picked)) return;
  state.chosen = others.find((place) => models[place].target === models[reference].target) ?? others[0];
}

function tellModel(place, result) {
  const { title, detail, accuracy, accuracy_title, evidence, bars, truth, layers } = result.models[place];
  ref['evidence-' + place].textContent = evidence || '';
  ref['title-' + place].textContent = ref['title-' + place].title = title;
  ref['detail-' + place].textContent = ref['detail-' + place].title = detail;
  ref['accuracy-' + place].textContent = accuracy;
  ref['accuracy-' + place].title = accuracy_title;
  const top = Math.max(...bars.map(({ share }) => share));
  // The old bars stay and move where the classes are the same
  const grid = ref['bars-' + place];
  if (grid.children.length !== bars.length) {
    grid.replaceChildren(...bars.map(() => make('div', {}, make('span'), make('i'), make('b'))));
  }
  bars.forEach(({ name, share, text, right }, index) => {
    const line = grid.children[index];
    const [label, bar, value] = line.children;
    line.style.setProperty('--line', index + 1);
    label.textContent = right && truth ? fill(t.right, { name }) : name;
    label.title = name;
    bar.style.setProperty('--p', share);
    line.classList.toggle('tm-top', share === top);
    line.classList.toggle('tm-right', Boolean(right && truth));
    value.textContent = text;
  });
  if (truth) grid.dataset.truth = truth.tone;
  else delete grid.dataset.truth;
  rich(ref['truth-' + place], truth ? truth.text : '');
  const row = places.length > 2;
  const against = ref['against-' + place];
  against.hidden = !row;
  if (row) {
    const { reference, models } = result;
    against.disabled = place === reference;
    against.querySelector('span').textContent = place === reference ? t.row_reference : fill(t.row_alike, { reference: models[reference].name });
    for (const part of against.querySelectorAll('i, b')) part.hidden = place === reference;
  }
  const strip = ref['strip-' + place];
  strip.replaceChildren(...(row ? [] : result.stops).map((stop, index) => {
    const { name } = layers[stop.layers[place]];
    const button = make('button', { type: 'button', title: name, tabIndex: -1 }, document.createElement('canvas'));
    button.setAttribute('aria-label', fill(t.go, { layer: name }));
    button.addEventListener('click', () => moveTo(index));
    return button;
  }));
}

// --- what to show ---------------------------------------------------------------------------------------------------

function setMode(mode) {
  state.mode = mode;
  check(ref.modes, mode);
  refresh('models', 'stop');
}
function setOpacity() {
  state.opacity = Number(ref.opacity.value);
  ref.opacity.style.setProperty('--at', 100 * state.opacity + '%');
  for (const place of places) if (state.mode === 'overlay') plane(place).querySelector('canvas').style.opacity = state.opacity;
}
ref.opacity.addEventListener('input', setOpacity);
ref.colours.addEventListener('change', () => {
  state.colours = ref.colours.value;
  refresh('models', 'strips', 'features', 'enlarged');
});

function keydown(event) {
  const target = event.target;
  if (!visible() || !state.result || event.ctrlKey || event.metaKey || event.altKey) return;
  if (ref.enlarged.open) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) stepEnlarged(step);
    return;
  }
  if (root.querySelector('dialog[open]') || target.closest('select, textarea, [contenteditable], [role="tab"]')) return;
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
    setMode(Object.keys(MODES)[t.mode_keys.indexOf(event.key)]);
  }
}
onDocument({ keydown });

options(ref.colours, catalog.colours.map(({ name, title }) => [name, title]), state.colours);
radios(ref.modes, Object.entries(MODES).map(([mode, { title }]) => [mode, title]), state.mode, setMode);
ref.opacity.value = state.opacity;
setOpacity();
new ResizeObserver(() => refresh('curve', 'strips')).observe(ref.track);
new MutationObserver(() => refresh('curve')).observe(document.body, { attributeFilter: ['class'] });
