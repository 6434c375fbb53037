/* A tour of five steps over a comparison: offered once, and to be had from About at any time. It lies beside what it tells
   of, and all of the page can be used meanwhile. */

const TOURED = 'two-minds-tour'; // in the browser's storage, once it was taken or put away
const shownOf = (...nodes) => nodes.find((node) => node && node.checkVisibility());
const TOUR = [
  { title: t.tour_choose_title, text: () => t.tour_choose, at: () => [ref.bar] },
  { title: t.tour_overlays_title, text: () => t.tour_overlays, at: () => [ref.models] },
  { title: t.tour_layers_title, text: () => t.tour_layers, at: () => [ref.track] },
  { title: t.tour_curve_title, text: () => t.tour_curve, at: () => [ref.track.parentElement] },
  {
    title: t.tour_take_title, text: () => (tabButton('evidence') ? t.tour_take + ' ' + t.tour_evidence : t.tour_take),
    at: () => [shownOf(ref.save, ref.fold), shownOf(tabButton('evidence'))],
  },
];
let step = null; // of the tour, while it is on
let rung = []; // what it points at

function ring(nodes) {
  for (const node of rung) node.classList.remove('tm-toured');
  rung = nodes;
  for (const node of rung) node.classList.add('tm-toured');
}

/* A step, with what it tells of in view. */
function goStep(number) {
  step = number;
  const { title, text, at } = TOUR[step];
  ref['tour-title'].textContent = title;
  ref['tour-text'].textContent = text();
  ref['tour-place'].textContent = fill(t.tour_place, { step: step + 1, steps: TOUR.length });
  ref['tour-back'].disabled = step === 0;
  ref['tour-on'].textContent = step < TOUR.length - 1 ? t.tour_on : t.tour_done;
  ring(at().filter(Boolean));
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (rung.length) rung[0].scrollIntoView({ block: 'nearest', behavior: calm ? 'auto' : 'smooth' });
  placeTour();
}

/* Under what it tells of, above it, or on its right; where there is no room, at the lower edge. */
function placeTour() {
  if (step === null) return;
  if (!rung.length || !rung[0].checkVisibility()) return endTour(false); // another state of the page, or another tab
  const [box, own, edge] = [rung[0].getBoundingClientRect(), ref.tour.getBoundingClientRect(), 10];
  const [below, above] = [box.bottom + edge, box.top - own.height - edge];
  const [wide, high] = [innerWidth - own.width - edge, innerHeight - own.height - edge]; // as far as it may go
  const middle = box.left + box.width / 2 - own.width / 2;
  const [left, top] = below <= high ? [middle, below] : above >= edge ? [middle, above] : box.right + edge <= wide ? [box.right + edge, box.top] : [middle, high];
  ref.tour.style.left = clamp(left, edge, Math.max(edge, wide)) + 'px';
  ref.tour.style.top = clamp(top, edge, Math.max(edge, high)) + 'px';
}

function startTour() {
  putAway();
  const { models } = asking.wish;
  const { examples = [] } = experimentOf(models) || {};
  root.setAttribute('data-touring', '');
  if (!state.result && !running) pick(examples[0] || catalog.examples[0].id);
  if (step === null) ref.tour.showPopover();
  goStep(0);
  ref['tour-on'].focus({ preventScroll: true });
}

function endTour(back = true) {
  step = null;
  ring([]);
  root.removeAttribute('data-touring');
  ref.tour.hidePopover();
  if (back) ref.result.focus({ preventScroll: true });
}

ref['tour-back'].addEventListener('click', () => goStep(Math.max(0, step - 1)));
ref['tour-on'].addEventListener('click', () => (step < TOUR.length - 1 ? goStep(step + 1) : endTour()));
ref['tour-close'].addEventListener('click', () => endTour());
onDocument({
  keydown: (event) => { if (event.key === 'Escape' && step !== null && !root.querySelector('dialog[open]')) endTour(); },
  scroll: placeTour,
  'tm-tab': () => { if (step !== null && !visible()) endTour(false); },
  click: ({ target }) => {
    if (!target.closest('.tm-about .tm-tour-again')) return;
    goTo('compare');
    requestAnimationFrame(() => requestAnimationFrame(startTour)); // once it can be seen
  },
});
new ResizeObserver(placeTour).observe(root);

// --- the offer ----------------------------------------------------------------------------------------------------------

const offers = [[ref.lead, t.tour_offer], [ref.known.parentElement, t.tour_short]].map(([place, text]) => {
  const start = make('button', { type: 'button', className: 'tm-link', textContent: text, title: t.tour_offer });
  const away = make('button', { type: 'button', className: 'tm-away', textContent: '×', title: t.tour_away, ariaLabel: t.tour_away });
  start.addEventListener('click', startTour);
  away.addEventListener('click', () => {
    putAway();
    (shownOf(ref.choose2, ref.choose) || root).focus({ preventScroll: true });
  });
  const offer = make('span', { className: 'tm-tour-offer', hidden: true }, start, away);
  place.append(' ', offer);
  return offer;
});

/* Taken or not wanted: it is not offered again. */
function putAway() {
  for (const offer of offers) offer.hidden = true;
  try {
    localStorage.setItem(TOURED, 'away');
  } catch { /* then it holds for this time alone */ }
}
try {
  for (const offer of offers) offer.hidden = Boolean(localStorage.getItem(TOURED)) || !catalog.models.length || !catalog.examples.length;
} catch { /* a browser that keeps nothing would be offered it every time */ }
