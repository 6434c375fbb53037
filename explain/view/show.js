/* Shows a message: its numbers and words, and what redraws when something changes. */

function tellStop() {
  const { result } = state;
  const stop = stopNow();
  const { rank, overlap } = agreementAt(stop);
  const [value, band, row] = [valueOf(stop, state.chosen), bandOf(stop), places.length > 2];
  const figure = !ofChannels() && apart() ? t.rank_apart : value === null ? t.rank_none : decimal(value);
  if (row) ref.where.textContent = result.models[state.chosen].name + ':';
  else both(ref.where, tellLayers() + ':', standing() ? '' : layerNow(0).name + ':');
  ref.rank.textContent = figure;
  explain(ref.rank, () => {
    if (ofChannels()) return t.about_rank_channels;
    if (apart()) return result.models[state.chosen].yardstick.text;
    return rank === null ? t.about_rank_none : fill(t.about_rank, { rank: decimal(rank), percent: Math.round(100 * overlap) });
  });
  const range = band && { low: decimal(band.rank[0]), high: decimal(band.rank[2]) };
  ref.luck.textContent = band ? fill(t.luck, range) : '';
  const { track } = ref;
  track.setAttribute('aria-valuenow', state.stop + 1);
  const facts = {
    place: state.stop + 1, count: result.stops.length, first: layerNow(0).name, second: layerNow(1).name,
    rank: value === null ? t.rank_none : decimal(value), ...range,
  };
  track.setAttribute('aria-valuetext', row ? tellRow(facts) : fill(!ofChannels() && apart() ? t.slider_apart : band ? t.slider_band : t.slider, facts));
  const words = state.mode === 'features' ? stop.channels : stop.words;
  ref.words.replaceChildren(...words.map(({ text, tone }) =>
    rich(make('p', { className: tone === 'warn' ? 'tm-amber' : '' }), text)));
  tellPlaces();
}

/* The layers of a pair and how fine their maps are; once where they are alike. */
function tellLayers() {
  const told = places.map((place) => {
    const { name, map } = layerNow(place);
    const size = map.size.join(' × ');
    return standing() ? fill(t.standing, { size }) : fill(t.where, { layer: name, size });
  });
  return [...new Set(told)].join(' | ');
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
    button.title = apart(place) ? t.row_apart : rank === null ? t.rank_none : '';
    button.setAttribute('aria-pressed', place === state.chosen);
    button.setAttribute('aria-description', models[place].name);
    return models[place].name + ' ' + (known ? told : apart(place) ? t.row_apart : t.rank_none);
  });
  const percent = Math.round(100 * stopNow().depth);
  return fill(t.slider_row, { place: stop, count, percent, reference: models[reference].name, alike: alike.join(', ') });
}

/* Of a row: the model whose line stands out and whose agreement is told. */
function choose(place) {
  state.chosen = state.picked = place;
  refresh('stop', 'legend', 'curve');
}

/* What the curve shows, in words. */
function curveTitle() {
  const { models, reference } = state.result;
  if (ofChannels()) return t.alike_channels;
  if (places.length > 2) return fill(standing() ? t.alike_row_input : t.alike_row, { reference: models[reference].name });
  return standing() ? t.alike_input : t.alike;
}

/* The curve's numbers as a table, for who does not see it. */
function tellNumbers() {
  const { models, stops, reference } = state.result;
  const others = places.filter((place) => place !== reference);
  const bandAt = (stop, place) => (ofChannels() ? null : stop.versus[place].band);
  const banded = others.filter((place) => stops.some((stop) => bandAt(stop, place)));
  const figure = (stop, place) => {
    const value = valueOf(stop, place);
    return !ofChannels() && apart(place) ? t.rank_apart : value === null ? t.rank_none : decimal(value);
  };
  const range = (band) => (band ? fill(t.numbers_range, { low: decimal(band.rank[0]), high: decimal(band.rank[2]) }) : '');
  const head = [t.numbers_place, t.depth, ...models.map(({ name }) => fill(t.numbers_layer, { name })),
    ...others.flatMap((place) => [fill(t.numbers_alike, models[place]), ...(banded.includes(place) ? [t.numbers_luck] : [])])];
  const body = stops.map((stop, index) => make('tr', {}, make('th', { scope: 'row', textContent: index + 1 }),
    ...[Math.round(100 * stop.depth) + '\u00a0%', ...places.map((place) => models[place].layers[stop.layers[place]].name),
      ...others.flatMap((place) => [figure(stop, place), ...(banded.includes(place) ? [range(bandAt(stop, place))] : [])]),
    ].map((text) => make('td', { textContent: text }))));
  ref.numbers.replaceChildren(make('table', {}, make('caption', { textContent: fill(t.numbers_title, { title: curveTitle() }) }),
    make('thead', {}, make('tr', {}, ...head.map((text) => make('th', { scope: 'col', textContent: text })))), make('tbody', {}, ...body)));
}

function tellLegend() {
  const { models } = state.result;
  const row = places.length > 2;
  const title = curveTitle();
  both(ref.legend, title, standing() && !row && !ofChannels() ? title : t.alike_short);
  explain(ref['legend-about'], () => {
    if (ofChannels()) return t.about_curve_channels;
    return fill(standing() ? t.about_curve_input : t.about_curve, { luck: models[state.chosen].yardstick.text });
  });
}

/* What each map is evidence for, how much of it lies under the hairlines, and the layer. */
function tellPlaces() {
  for (const place of places) {
    const { name, map, address } = layerNow(place);
    const { evidence, input } = state.result.models[place];
    const size = map.size.join(' × ');
    const facts = { evidence: evidence.text, size: input.join(' × '), percent: state.hair && Math.round(valueAt(map, state.hair) / 2.55) };
    const text = state.mode === 'saw' ? t.saw : !map.max ? t.zero : state.hair ? t.heat : '{evidence}';
    rich(ref['evidence-' + place], fill(text, facts));
    ref['evidence-' + place].classList.toggle('tm-otherwise', evidence.tone === 'warn' && state.mode !== 'saw');
    ref['chip-' + place].textContent = standing() ? fill(t.standing, { size }) : name + ' · ' + size;
    ref['chip-' + place].title = address;
  }
}

/* Beside a pair: what the two differ in, with its scale; or why there is none; or a channel of theirs. */
function tellThird() {
  if (places.length > 2 || state.mode === 'features') return;
  const { models } = state.result;
  const { difference } = agreementAt(stopNow());
  const [first, second] = models.map(({ name }) => name);
  if (state.result.contrast) return tellContrast();
  ref['third-title'].textContent = apart() ? t.apart : t.difference;
  const more = (name) => fill(t.difference_more, { limit: difference.limit, name });
  const own = (place) => fill(t.apart_own, { name: models[place].name, target: models[place].target.toLowerCase() });
  ref['end-first'].textContent = difference ? more(first) : apart() ? own(0) : '';
  ref['end-middle'].textContent = difference ? t.difference_alike : '';
  ref['end-second'].textContent = difference ? more(second) : apart() ? own(1) : '';
  ref['no-difference'].textContent = difference || apart() ? '' : t.no_difference;
  root.toggleAttribute('data-same', !difference && !apart());
  plane('difference').setAttribute('aria-label', apart() ? t.alt_apart : t.alt_difference);
  paintBar(ref['ends-bar'], diverging, true);
}

/* Of two models that disagree: what sets them apart, and what brings them together. */
function tellContrast() {
  ref['third-title'].textContent = t.contrast;
  ref['end-first'].textContent = t.contrast_apart;
  ref['end-middle'].textContent = ref['no-difference'].textContent = '';
  ref['end-second'].textContent = t.contrast_together;
  root.removeAttribute('data-same');
  plane('difference').setAttribute('aria-label', t.alt_contrast);
  paintBar(ref['ends-bar'], diverging, true);
}

/* What stands in the third place, and what it means. */
function paintThird() {
  if (state.mode !== 'features') tellThird();
  else if (places.length === 2) paintThirdChannel();
  explain(ref['third-about'], state.mode === 'features' ? t.about_channels : state.result.contrast ? t.about_contrast : apart() ? t.about_apart : t.about_difference);
}

const painters = {
  models: paintModels, difference: paintDifference, stop: tellStop, curve: paintCurve, features: paintFeatures,
  third: paintThird, legend: tellLegend, numbers: tellNumbers, strips: paintStrips, hair: placeHair, zoom: placeZoom, enlarged: paintEnlarged,
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
  if (!state.result) return; // it has been taken away
  for (const name of Object.keys(painters)) if (names.includes(name)) painters[name]();
}

/* What is read out of a stop's words, of which there may be none: the answers, and of which classes the maps are. */
const spoken = (words, apart) => words.slice(0, apart ? 2 : 1).map(({ text }) => text.replaceAll('**', '')).join(' ');

/* A model's first map, or its one map of the input. */
const mapOf = ({ layers, attribution }) => attribution || layers[0].map;

/* Draw a message; all that the view shows comes from it. */
async function show(result) {
  const before = state.result;
  if (typeof mapOf(result.models[0]).data === 'string') state.source = JSON.stringify(result); // to be saved
  for (const { layers, attribution } of result.models) {
    for (const layer of layers) {
      if (attribution) layer.map = attribution; // one for all, which stands still
      for (const part of [layer.map, layer.features]) {
        if (part && typeof part.data === 'string') part.data = bytes(part.data);
      }
    }
  }
  if (result.contrast && typeof result.contrast.data === 'string') result.contrast.data = new Int8Array(bytes(result.contrast.data).buffer);
  for (const stop of result.stops) stop.versus ??= result.stops[0].versus;
  for (const { difference } of result.stops.flatMap(({ versus }) => versus.filter(Boolean))) {
    if (difference && typeof difference.data === 'string') difference.data = new Int8Array(bytes(difference.data).buffer);
  }
  picture.src = result.picture.src;
  await picture.decode().catch(() => {});
  state.result = result;
  columns(result.models.length);
  chooseFirst(before);
  state.stop = nearestDepth(state.depth);
  if (!before || before.picture.src !== result.picture.src) Object.assign(state, { hair: null, zoom: { scale: 1, x: 0, y: 0 } });

  for (const place of places) tellModel(place, result);
  const row = places.length > 2;
  root.toggleAttribute('data-small', result.picture.small);
  root.toggleAttribute('data-many', result.models.some(({ classes, bars }) => classes > bars.length));
  shapeStages(result.picture.width, result.picture.height);
  const difference = plane('difference').querySelector('img');
  difference.src = result.picture.src;
  const { passes, milliseconds, explain: inside } = result.cost;
  state.cost = fill(t.cost, { passes, seconds: decimal((milliseconds ?? inside) / 1000, 1), milliseconds: Math.round(inside) });
  ref.notes.textContent = result.picture.notes.join(' ');
  ref.track.setAttribute('aria-valuemin', 1);
  ref.track.setAttribute('aria-valuemax', result.stops.length);
  root.dataset.state = 'result';
  ref.heard.textContent = spoken(stopNow().words, !row && apart());
  refresh(...Object.keys(painters));
  if (!before) requestAnimationFrame(() => setTimeout(reveal)); // when all has its size
}

/* The first result comes into view where the pictures would not all be: on small screens. */
function reveal() {
  if (root.hasAttribute('data-touring')) return; // then it is shown where it is
  const { bottom } = stage(places.length > 2 ? 0 : 1).getBoundingClientRect();
  const room = getComputedStyle(ref.panel).position === 'sticky' ? ref.panel.offsetHeight : 0;
  if (bottom > innerHeight - room || ref.result.getBoundingClientRect().top < 0) ref.result.scrollIntoView({ block: 'start' });
}

/* Which model's agreement is told: of two the other one; of a row the one that was clicked, else one that can be told. */
function chooseFirst(before) {
  const { models, reference } = state.result;
  const ids = (result) => result.models.map(({ id }) => id).join();
  const others = places.filter((place) => place !== reference);
  if (before && ids(before) !== ids(state.result)) state.picked = null;
  if (others.includes(state.picked)) return;
  state.chosen = others.find((place) => models[place].alike) ?? others[0];
}

function tellModel(place, result) {
  const { title, name, accuracy, accuracy_short, accuracy_title, bars, truth } = result.models[place];
  ref['title-' + place].textContent = name.charAt(0).toUpperCase() + name.slice(1);
  ref['title-' + place].title = title;
  both(ref['accuracy-' + place], places.length > 2 || name.length > 16 ? accuracy_short : accuracy, accuracy_short);
  explain(ref['accuracy-' + place], accuracy_title);
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
}

/* While it is held: the photo alone; and the two sides in each other's place, so that a difference blinks. */
const peek = (held) => root.toggleAttribute('data-peek', held);
function swap(held) {
  const order = [...places];
  if (held) [order[state.result.reference], order[state.chosen]] = [state.chosen, state.result.reference];
  root.toggleAttribute('data-swapped', held);
  [...ref.models.children].forEach((side, place) => { side.style.order = held ? order[place] : ''; });
}

// --- what to show ---------------------------------------------------------------------------------------------------

/* Told to whoever keeps what is shown. */
const viewChanged = () => root.dispatchEvent(new CustomEvent('tm-view'));

function setMode(mode) {
  state.mode = mode;
  viewChanged();
  if (mode === 'features') state.hair = null;
  check(ref.modes, mode);
  refresh('models', 'difference', 'features', 'third', 'stop', 'legend', 'numbers', 'curve', 'hair');
}

/* Of twins: the same channels on both sides, or each one's most important. */
function setOrder(order) {
  state.order = order;
  check(ref.orders, order);
  refresh('features', 'third', 'stop', 'legend', 'numbers', 'curve');
}
function setOpacity() {
  state.opacity = Number(ref.opacity.value);
  ref.opacity.style.setProperty('--at', 100 * state.opacity + '%');
  for (const place of places) if (state.mode === 'overlay') plane(place).querySelector('canvas').style.opacity = state.opacity;
}
ref.opacity.addEventListener('input', setOpacity);
ref.colours.addEventListener('change', () => {
  state.colours = ref.colours.value;
  refresh('models', 'strips', 'features', 'third', 'enlarged');
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
  } else if (near && (event.key === ' ' || event.key === t.swap_key) && !target.closest('button, input')) {
    event.preventDefault(); // Space would scroll
    if (event.key === ' ') peek(true);
    else swap(true);
  } else if (near && !event.shiftKey && t.mode_keys.includes(event.key)) {
    setMode(Object.keys(MODES)[t.mode_keys.indexOf(event.key)]);
  }
}
onDocument({
  keydown,
  keyup: ({ key }) => {
    if (key === ' ') peek(false);
    else if (key === t.swap_key) swap(false);
  },
});
addEventListener('blur', () => { peek(false); swap(false); });

explain(ref['heat-about'], () => (state.result && standing() ? t.about_heat_input : t.about_heat));
options(ref.colours, catalog.colours.map(({ name, title }) => [name, title]), state.colours);
radios(ref.modes, Object.entries(MODES).map(([mode, { title }]) => [mode, title]), state.mode, setMode);
radios(ref.orders, [['same', t.channels_same_in_both], ['own', t.channels_most_important]], state.order, setOrder);
ref.opacity.value = state.opacity;
setOpacity();
ref.fold.addEventListener('click', () => {
  const open = root.toggleAttribute('data-unfolded');
  ref.fold.setAttribute('aria-expanded', open);
});
new ResizeObserver(() => refresh('curve', 'features')).observe(ref.track);
new ResizeObserver(() => root.style.setProperty('--panel', ref.panel.offsetHeight + 'px')).observe(ref.panel);
new MutationObserver(() => refresh('curve')).observe(document.body, { attributeFilter: ['class'] });
