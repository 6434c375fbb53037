/* The Evidence tab; runs behind common.js when the tab is opened first. `props.catalog` holds labels, experiments and
   examples; everything else is asked of the server by name (findings.py tells what it answers) and goes in by
   textContent, but for the plots, which the server has cleaned and which are parsed as SVG. */

const SHAPES = { // of verdicts, so that they are not told by colour alone
  holds: '<circle cx="10" cy="10" r="9"/><path d="M5.8 10.4l3 3 5.4-6.4"/>',
  fails: '<rect x="1.5" y="1.5" width="17" height="17" rx="3"/><path d="M6.5 6.5l7 7m0-7l-7 7"/>',
  open: '<circle cx="10" cy="10" r="8.6" stroke-dasharray="3.2 2.6"/><path d="M7.6 7.8a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.2.9-1.2 1.7M10 14.4v.1"/>',
};
const LONG = 250; // milliseconds of waiting that need no word

// --- small things ---------------------------------------------------------------------------------------------------

function drawn(svg) {
  const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement;
  return parsed.localName === 'svg' ? document.adoptNode(parsed) : '';
}

/* Fill a place with what the server says: a grey shape meanwhile, a sentence and a button where it fails. */
async function load(place, name, asked, show, shape = 'tm-wait') {
  const mine = (place.asked = {});
  delete place.dataset.shown;
  const waiting = setTimeout(() => {
    if (place.asked !== mine) return;
    const words = make('p', { className: 'tm-hidden', role: 'status', textContent: t.loading });
    place.replaceChildren(make('div', { className: shape }, words));
  }, place.childElementCount ? LONG : 0);
  try {
    const answer = await ask(name, asked);
    if (place.asked !== mine) return;
    show(answer);
    place.dataset.shown = Object.values(asked).join(':');
  } catch (error) {
    if (place.asked !== mine) return;
    const again = make('button', { type: 'button', className: 'tm-button', textContent: t.again });
    again.addEventListener('click', () => load(place, name, asked, show, shape));
    place.replaceChildren(make('p', { className: 'tm-trouble', role: 'alert' }, error.message + ' ', again));
  } finally {
    clearTimeout(waiting);
  }
}

/* Commands break between words alone: a line that breaks behind a hyphen reads wrong. */
const commandBox = (commands) => !commands.length ? '' : make('div', { className: 'tm-command' },
  make('p', { textContent: t.make }), make('pre', { tabIndex: 0 }, ...commands.flatMap((command, index) =>
    [index ? '\n' : '', ...command.split(' ').flatMap((word, place) => [place ? ' ' : '', make('span', { textContent: word })])])));

// --- models and claims ----------------------------------------------------------------------------------------------

function cell(figures) {
  const node = make('td');
  if (!figures) return make('td', { className: 'tm-soft' }, make('span', { ariaLabel: t.no_figure, role: 'img', textContent: '–' }));
  node.append(make('b', { textContent: figures.accuracy }), ' ');
  for (const name of ['interval', 'loss', 'of']) {
    if (figures[name]) node.append(make('span', { className: 'tm-' + name, textContent: figures[name] }), ' ');
  }
  return node;
}

function showModels(models) {
  const head = [t.model, t.train, t.validation, t.test].map((text) => make('th', { scope: 'col', textContent: text }));
  const bodies = models.map(({ title, told, rows }) => make('tbody', {},
    make('tr', { className: 'tm-group' }, make('th', { colSpan: 4, scope: 'rowgroup' },
      make('strong', { textContent: title }), ...told.map((text) => make('small', { textContent: text })))),
    ...rows.map(({ name, cells }, index) => make('tr', { className: index ? 'tm-theirs' : '' },
      make('th', { scope: 'row', textContent: name }),
      ...cells.map(cell)))));
  const caption = make('caption', { className: 'tm-hidden', textContent: t.models_title });
  ref['models-body'].replaceChildren(make('div', { className: 'tm-card tm-figures' },
    make('table', {}, caption, make('thead', {}, make('tr', {}, ...head)), ...bodies)));
}

function verdict({ verdict: name, word }) {
  const mark = make('span', { className: 'tm-verdict' });
  mark.dataset.verdict = name;
  mark.innerHTML = '<svg viewBox="0 0 20 20" aria-hidden="true">' + SHAPES[name] + '</svg>';
  mark.append(word);
  return mark;
}

function claimCard(claim) {
  const { id, sentence, told, test, svg } = claim;
  const card = make('article', { className: 'tm-card tm-claim' },
    make('header', {}, verdict(claim), svg ? csvButton(sentence, { claim: id }) : ''),
    make('h4', { textContent: sentence, tabIndex: -1 }),
    make('p', { className: 'tm-test' }, make('span', { textContent: t.tested + ': ' }), test),
    ...told.map((text) => rich(make('p'), text)),
    svg ? drawn(svg) : '');
  card.dataset.claim = id;
  return card;
}

function plotCard(title, text, svg, asked) {
  const card = make('figure', { className: 'tm-card tm-plot' },
    make('header', {}, make('h4', { textContent: title }), csvButton(title, asked)), make('figcaption', { textContent: text }), drawn(svg));
  card.dataset.plot = asked.plot || asked.claim;
  return card;
}

let judged = null; // groups of claims
function showClaims(groups) {
  judged = groups;
  showVerdicts();
  ref['claims-body'].replaceChildren(...(groups.length ? [] : [rich(make('p', { className: 'tm-card' }), t.claims_none)]),
    ...groups.flatMap(({ title, text, plots, claims, commands }) => [
      make('h3', { textContent: title }), text ? make('p', { className: 'tm-fine', textContent: text }) : '', commandBox(commands),
      make('div', { className: 'tm-two' }, ...(plots || []).map((plot) => plotCard(plot.title, plot.text, plot.svg, { claim: plot.name })), ...claims.map(claimCard))]));
}

// --- verdicts, a line each ------------------------------------------------------------------------------------------------

function verdictLine(claim, experiment) {
  const { id, sentence, see } = claim;
  const to = make('button', { type: 'button', className: 'tm-sentence', textContent: sentence });
  to.addEventListener('click', () => {
    const card = ref['claims-body'].querySelector('[data-claim="' + id + '"]');
    card.scrollIntoView({ block: 'center' });
    card.querySelector('h4').focus({ preventScroll: true });
  });
  const line = make('li', {}, verdict(claim), to, see && experiment ? seeButton(see, experiment, sentence) : make('span'));
  line.dataset.verdictOf = id;
  return line;
}

/* Where what a claim speaks of can be looked at: at its depth, in its view, on the experiment's first example. */
function seeButton({ depth, view }, { models, examples }, sentence) {
  const first = catalog.examples.find(({ id }) => id === examples[0]);
  if (!first) return make('span');
  const button = make('button', { type: 'button', className: 'tm-link', textContent: t.see, title: fill(t.see_title, { sentence, title: first.title }) });
  button.setAttribute('aria-label', button.title);
  button.addEventListener('click', () => open(first.id, first.thumb, { models, depth, view }));
  return button;
}

const experimentOf = (group) => catalog.experiments.find(({ models }) => group.models && models.join() === group.models.join());

function showVerdicts() {
  if (!judged) return;
  const lists = judged.map((group) => [group, make('ul', {}, ...group.claims.map((claim) => verdictLine(claim, experimentOf(group))))]);
  const mine = lists.filter(([group]) => current && experimentOf(group) === current);
  const others = lists.filter((list) => !mine.includes(list));
  const counts = (groups) => {
    const claims = groups.flatMap(([{ claims }]) => claims);
    const words = [...new Set(claims.map(({ word }) => word))];
    return make('p', { className: 'tm-tally' }, ...words.flatMap((word, index) => {
      const those = claims.filter((claim) => claim.word === word);
      return [index ? ' · ' : '', make('b', { textContent: those.length }), ' ' + word];
    }));
  };
  const rest = others.length && make('details', { className: 'tm-rule', open: !mine.length },
    make('summary', { textContent: fill(t.verdicts_others, { count: others.flatMap(([{ claims }]) => claims).length }) }),
    ...others.flatMap(([{ title }, list]) => [make('h3', { textContent: title }), list]));
  const unjudged = make('details', { className: 'tm-rule tm-unjudged' },
    make('summary', { textContent: fill(t.verdicts_unjudged, { count: catalog.unjudged.length }) }),
    make('dl', {}, ...catalog.unjudged.flatMap(([sentence, reason]) => [make('dt', { textContent: sentence }), make('dd', { textContent: reason })])));
  ref['verdicts-body'].replaceChildren(...(mine.length ? [counts(mine), ...mine.map(([, list]) => list)] : [make('p', { className: 'tm-tally', textContent: t.verdicts_none })]), rest || '', judged.length ? unjudged : '');
}

// --- one experiment -------------------------------------------------------------------------------------------------

let current = null; // the chosen experiment
let names = null; // what its sides are called

function showPair(answer) {
  names = answer.names;
  ref['plots-body'].replaceChildren(
    answer.measured ? rich(make('p', { className: 'tm-fine' }), answer.measured) : '',
    make('div', { className: 'tm-two' }, ...answer.plots.map(({ name, title, text, svg }) => plotCard(title, text, svg, { experiment: current.id, plot: name }))),
    ...answer.missing.map((text) => make('div', { className: 'tm-card tm-lacking' }, make('p', { textContent: text }), commandBox(answer.commands))));
  showLists(answer);
}

function showLists({ lists, no_lists, pictures }) {
  const some = lists.length > 0;
  ref['pictures-body'].hidden = !some;
  ref['no-lists'].hidden = some;
  ref['no-lists'].textContent = no_lists;
  ref.free.hidden = ref['by-name'].hidden = pictures.shown;
  ref['free-text'].textContent = pictures.text;
  if (!some) return;
  ref.counts.replaceChildren(...lists.filter(({ count }) => count !== null).map(({ title, count }) => make('li', {}, make('b', { textContent: number(count) }), ' ' + title)));
  const before = ref.lists.querySelector(':checked');
  const chosen = lists.find(({ name }) => before && name === before.value) || lists.find(({ count }) => count !== 0);
  ref.lists.replaceChildren(...lists.map((list) => {
    const input = make('input', { type: 'radio', name: 'tm-list', value: list.name, checked: list === chosen });
    input.addEventListener('change', () => showList(list, pictures.shown));
    return make('label', {}, input, list.title, list.count === null ? '' : make('small', { textContent: ' ' + number(list.count) }));
  }));
  const show = () => {
    ref['all-lists'].hidden = !pictures.shown && !ref['by-name'].open;
    if (!ref['all-lists'].hidden) showList(chosen, pictures.shown);
  };
  ref['by-name'].ontoggle = show;
  show();
}

function showList({ name, text }, shown, from = 0) {
  ref['list-text'].textContent = text;
  const asked = { experiment: current.id, list: name, from };
  return load(ref.listing, 'listed', asked, (answer) => {
    if (!answer.rows.length) return ref.listing.replaceChildren(make('p', { className: 'tm-card', textContent: t.list_none }));
    const columns = [t.picture, t.truth, names.left, names.right, t.agreement];
    const head = columns.map((column) => make('th', { scope: 'col', textContent: column }));
    const table = make('table', {}, make('caption', { className: 'tm-hidden', textContent: text }),
      make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...answer.rows.map(({ left, right, ...row }) => pictureRow({ ...row, sides: [left, right] }, shown))));
    const card = make('div', { className: 'tm-card tm-figures tm-tested' }, table);
    ref.listing.replaceChildren(card, make('p', { className: 'tm-fine', textContent: t.agreement_text }),
      pager(answer, (place) => showList({ name, text }, shown, place)));
    if (shown) thumbnails(answer.rows);
  }, 'tm-wait tm-low');
}

/* In Compare, with this experiment's models, or as a claim has it. */
function open(id, thumb, { models = current.models, ...how } = {}) {
  document.dispatchEvent(new CustomEvent('tm-open', { detail: { id, thumb, models, ...how } }));
  document.getElementById('tm-compare-button').click();
}

/* One experiment for the whole page: it stands in the address. */
async function choose(id, write = true) {
  current = catalog.experiments.find((experiment) => experiment.id === id);
  check(ref.experiments, id);
  if (write) address({ experiment: id, models: null });
  rich(ref.question, current.question || current.title);
  showVerdicts();
  const two = current.models.length === 2;
  for (const name of ['plots', 'pictures']) {
    ref[name].hidden = !two;
    ref.jumps.querySelector('[data-jump="' + name + '"]').hidden = !two;
  }
  ref['of-a-row'].hidden = two;
  if (two) await load(ref['plots-body'], 'pair', { experiment: current.id }, showPair);
}
onDocument({
  'tm-tab': ({ detail }) => {
    const { experiment } = addressed();
    if (detail === 'evidence' && current && experiment !== current.id && catalog.experiments.some(({ id }) => id === experiment)) choose(experiment, false);
  },
});

// --- start ----------------------------------------------------------------------------------------------------------

for (const rule of catalog.rules) ref.rules.append(make('li', { textContent: rule }));
const jumps = { plots: t.plots, pictures: t.pictures, claims: t.claims, models: t.models, many: t.many };
for (const name of catalog.experiments.length ? Object.keys(jumps) : ['claims', 'models', 'many']) {
  const button = make('button', { type: 'button', textContent: jumps[name], hidden: name === 'many' });
  button.dataset.jump = name;
  button.addEventListener('click', () => {
    ref[name].scrollIntoView({ behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
    ref[name].querySelector('[tabindex="-1"]').focus({ preventScroll: true });
  });
  ref.jumps.append(button);
}
ref.freely.hidden = !catalog.examples.length;
ref.examples.replaceChildren(...catalog.examples.map(({ id, title, thumb }) => {
  const button = make('button', { type: 'button', title: fill(t.open_example, { title }) }, make('img', { src: thumb, alt: '' }));
  button.setAttribute('aria-label', button.title);
  button.addEventListener('click', () => open(id, thumb));
  return button;
}));
const loads = [
  load(ref['models-body'], 'overview', {}, ({ models, ladder, many }) => {
    showModels(models);
    showLadder(ladder);
    showMany(many);
  }),
  load(ref['claims-body'], 'judged', {}, ({ claims }) => showClaims(claims)),
];
if (catalog.experiments.length) {
  radios(ref.experiments, catalog.experiments.map(({ id, title }) => [id, title]), '', choose);
  const { experiment } = addressed();
  const known = catalog.experiments.some(({ id }) => id === experiment);
  loads.push(choose(known ? experiment : catalog.experiments[0].id, false));
} else {
  ref.closely.hidden = ref.question.hidden = ref.experiments.hidden = true;
}
Promise.all(loads).then(() => document.dispatchEvent(new CustomEvent('tm-loaded')));
