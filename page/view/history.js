/* The address and what is shown: written as it changes, and brought again by back, forward, reload and links. */

const TABS = ['compare', 'evidence', 'pictures', 'about'];
const PLACES = 'two-minds-scroll'; // in the tab's storage, for a reload
const RESTING = 300; // milliseconds without scrubbing until the depth is written
const tabButton = (name) => document.getElementById('tm-' + name + '-button');
const tabNow = () => TABS.find((name) => tabButton(name) && tabButton(name).getAttribute('aria-selected') === 'true') || TABS[0];
const goTo = (name) => { if (tabNow() !== name && tabButton(name)) tabButton(name).click(); };

/* What the address says of a wish. */
function entriesOf({ example, file, models, rule, target }) {
  const experiment = freely ? undefined : experimentOf(models);
  return {
    experiment: experiment ? experiment.id : null, models: experiment ? null : models.join(),
    example: file ? null : example, photo: file ? idOf(file) : null,
    method: rule === catalog.rules[0].name ? null : rule, class: target === 'own' ? null : target,
  };
}

/* The wish that the address tells; what does not exist counts as not said. */
function wishOf({ experiment: id, models: named = '', example, photo: own, method, class: target = 'own' }) {
  const experiment = catalog.experiments.find((each) => each.id === id);
  const ids = named.split(',').filter(model);
  const some = ids.length > 1 && ids.length <= catalog.most;
  const files = [...photos, next, running && running.wish, asking.wish].filter((each) => each && each.file).map((each) => each.file);
  const file = files.find((each) => idOf(each) === own) || null;
  return {
    models: experiment ? experiment.models : some ? ids : catalog.start, file,
    example: (!file && example) || null, rule: (catalog.rules.find(({ name }) => name === method) || catalog.rules[0]).name, target,
  };
}

const same = (a, b) => ['file', 'example', 'rule', 'target'].every((key) => (a[key] ?? null) === (b[key] ?? null)) && a.models.join() === b.models.join();

/* Show what the address says. */
function restore() {
  const entries = addressed();
  goTo(TABS.includes(entries.tab) ? entries.tab : TABS[0]);
  if (tabNow() !== TABS[0]) return; // the rest when Compare is opened
  const wish = wishOf(entries);
  freely = !catalog.experiments.some(({ id }) => id === entries.experiment) && wish.models.join() === entries.models;
  state.depth = Math.min(1, Math.max(0, Number(entries.depth ?? 1))) || 0;
  setMode(entries.view in MODES ? entries.view : 'overlay');
  if (state.result) moveTo(nearestDepth(state.depth));
  if (entries.photo && !wish.file) fail(t.photo_gone);
  if (same(wish, next || (running && running.wish) || asking.wish)) return choosers();
  if (wish.file || wish.example) return request(wish, true);
  if (running) for (const timer of [running.timer, running.late]) clearTimeout(timer);
  giveUp();
  [running, next] = [null, null];
  root.removeAttribute('data-busy');
  status('');
  asking.wish = wish;
  showEmpty();
}

/* At which depth, and how: written when the scrubber rests. */
let resting = 0;
function writeView() {
  clearTimeout(resting);
  resting = 0;
  if (!state.result || root.dataset.state !== 'result') return;
  const last = state.stop === state.result.stops.length - 1;
  address({ depth: last ? null : String(Number(stopNow().depth.toFixed(3))), view: state.mode === 'overlay' ? null : state.mode });
}
root.addEventListener('tm-view', () => {
  clearTimeout(resting);
  resting = setTimeout(writeView, RESTING);
});

// --- tabs -------------------------------------------------------------------------------------------------------------

let tab = tabNow();
let scrolls = {}; // how far each tab is scrolled
try {
  scrolls = JSON.parse(sessionStorage.getItem(PLACES)) || {};
} catch { /* nothing is kept */ }
history.scrollRestoration = 'manual';

/* A tab stands where it was left; what the others have chosen it takes over. */
function tabChanged() {
  const name = tabNow();
  if (name === tab) return;
  tab = name;
  if (resting) writeView();
  address({ tab: name === TABS[0] ? null : name }, true);
  scrollTo(0, scrolls[name] || 0);
  if (name === TABS[0]) restore();
  document.dispatchEvent(new CustomEvent('tm-tab', { detail: name }));
}
new MutationObserver(tabChanged).observe(document.body, { subtree: true, attributeFilter: ['aria-selected'] });

const windowListeners = {
  scroll: () => { if (tab === tabNow()) scrolls[tab] = scrollY; },
  popstate: () => {
    clearTimeout(resting);
    resting = 0;
    restore();
  },
  pagehide: () => {
    if (resting) writeView();
    try {
      sessionStorage.setItem(PLACES, JSON.stringify(scrolls));
    } catch { /* nothing is kept */ }
  },
};
for (const [type, listener] of Object.entries(windowListeners)) {
  addEventListener(type, function heard() {
    if (element.isConnected) listener();
    else removeEventListener(type, heard);
  });
}
let left = scrolls.evidence; // before a reload: there is nothing to scroll until it is filled
onDocument({
  'tm-loaded': () => {
    if (tab === 'evidence' && left && scrollY === 0) scrollTo(0, left);
    left = 0;
  },
});
