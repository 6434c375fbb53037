/* What is looked at, and by whom: the photo, the examples, experiments, models, rule and class. */

const PAIR = [0, 1]; // places of the models that are chosen one by one
const FREE = 'free'; // in place of an experiment's id: any two models

/* The classes, and where the two maps explain different ones, one for both, a click away. */
function offerTargets({ asked }) {
  showTarget(asked);
  faithfulButton.hidden = ['contrast', 'finer'].includes(asked);
  const classes = sharedClasses(asking.wish.models);
  const own = [...new Set(state.result.models.map(({ target }) => target))].filter((name) => classes.includes(name));
  const names = many() ? own : classes;
  ref.apart.hidden = !names.length;
  ref.apart.replaceChildren(t.apart_ask + ' ', ...names.map((name) => {
    const button = make('button', { type: 'button', className: 'tm-button', textContent: name.toLowerCase() });
    button.addEventListener('click', () => request({ target: name }));
    return button;
  }));
  if (!contrastText()) return;
  const why = make('button', { type: 'button', className: 'tm-button', textContent: t.why, title: contrastText(t.contrast_ask) });
  why.dataset.target = 'contrast';
  why.addEventListener('click', () => request({ target: 'contrast', rule: ruleOf(asking.wish.rule).paired ? asking.wish.rule : catalog.rules[0].name }));
  ref.apart.append(' ', why);
}

const experimentOf = (models) => catalog.experiments.find((experiment) => experiment.models.join() === models.join());

let freely = false; // whether any two models were asked for
function choosers() {
  const { models, rule, example, file } = asking.wish;
  const shown = freely ? undefined : experimentOf(models);
  const id = shown ? shown.id : FREE;
  check(ref.experiments, id);
  const tab = ref.experiments.querySelector('label:has(:checked)');
  if (tab) ref.experiments.scrollLeft = tab.offsetLeft - 24; // where they do not all fit
  ref.more.value = [...ref.more.options].some(({ value }) => value === id) ? id : '';
  ref.more.parentElement.toggleAttribute('data-chosen', ref.more.value !== '');
  for (const card of ref.cards.children) card.firstElementChild.setAttribute('aria-pressed', card.dataset.id === id);
  ref.picks.hidden = Boolean(shown);
  rich(ref.question, shown ? shown.question : t.free_question);
  for (const button of ref.also.querySelectorAll('button')) button.setAttribute('aria-pressed', button.dataset.id === id);
  root.toggleAttribute('data-several', models.length > 2); // a row is chosen by its experiment alone
  for (const place of PAIR) ref['model-' + place].value = models[place];
  showRule(rule);
  explain(ref['rule-about'], () => {
    const { sentence, about } = ruleOf(asking.wish.rule);
    return [sentence, about, state.cost].filter(Boolean).join(' · ');
  });
  tellKnown(models, shown);
  arrange(shown || catalog.experiments[0]);
  for (const button of ref.examples.querySelectorAll(':scope > button')) button.setAttribute('aria-pressed', !file && button.dataset.id === example);
  showPhotos();
}

/* What the models know, and how rarely they disagree. */
function tellKnown(models, shown) {
  const { knows, classes } = model(models[0]);
  const apart = !together(models);
  const each = () => models.map((id) => model(id).title + ': ' + model(id).knows).join(' · ');
  ref.known.textContent = apart ? fill(t.known_apart, { knows: each() }) : fill(t.known, { knows: many() ? '' : knows });
  ref.knows.hidden = apart || !many();
  ref.knows.textContent = knows;
  ref['classes-title'].textContent = fill(t.knows, { count: classes.length });
  ref.rarely.textContent = rarely.textContent = (shown && disagreements[shown.id]) || '';
}
const rarely = make('p', { className: 'tm-rarely' });
ref.notes.after(rarely);
const disagreements = {}; // sentences by experiment

/* The examples in an experiment's order: those that show what its models know, the first of them large; the others. */
let arranged = '';
function arrange(experiment) {
  if (!experiment) return;
  const { examples, within, neither } = experiment;
  if (arranged === experiment.id) return;
  arranged = experiment.id;
  const put = (list, ids) => {
    const buttons = new Map([...list.querySelectorAll(':scope > button')].map((button) => [button.dataset.id, button]));
    for (const [id, button] of buttons) button.hidden = !ids.includes(id);
    list.prepend(...ids.map((id) => buttons.get(id)).filter(Boolean));
  };
  put(ref.examples, examples);
  ref.examples.prepend(ref.photos);
  put(ref.large, within);
  put(ref.small, neither);
  ref.within.hidden = !within.length;
  ref.neither.hidden = !neither.length;
  ref['within-title'].textContent = experiment.within_title;
}

/* The two models are chosen in the heads of their pictures, and before there are such, under the experiments. */
function placePicks() {
  const pair = asking.wish.models.length === 2;
  for (const place of PAIR) {
    const head = root.dataset.state === 'empty' || !pair ? ref.picks : ref['title-' + place].parentElement;
    if (ref['pick-' + place].parentElement !== head) head.append(ref['pick-' + place]);
  }
}

// --- the photo ------------------------------------------------------------------------------------------------------

for (const button of [ref.choose, ref.choose2]) button.addEventListener('click', () => ref.file.click());
ref.file.addEventListener('change', () => { take(...ref.file.files); ref.file.value = ''; });
ref.dismiss.addEventListener('click', () => fail(''));

/* Whatever is dropped: a browser would leave the page for it. */
let dragging = 0;
const brings = ({ dataTransfer: { types } }) => ['Files', 'text/uri-list'].some((type) => types.includes(type));
onDocument({
  dragenter: (event) => { if (brings(event)) { dragging++; root.setAttribute('data-dragging', ''); } },
  dragleave: (event) => { if (brings(event) && --dragging <= 0) { dragging = 0; root.removeAttribute('data-dragging'); } },
  dragover: (event) => { if (brings(event)) event.preventDefault(); },
  drop: (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    dragging = 0;
    root.removeAttribute('data-dragging');
    const { files } = event.dataTransfer;
    if (!files.length) goTo('compare');
    if (files.length) take(...files);
    else fail(t.not_a_file);
  },
  paste: (event) => {
    const files = visible() ? [...event.clipboardData.files] : [];
    if (!files.length) return;
    event.preventDefault();
    take(...files);
  },
  'tm-open': ({ detail: { id, thumb, models, depth, view } }) => { // from the Evidence tab: an example, or a test picture
    freely = false;
    scrolls.compare = 0;
    if (depth !== undefined) state.depth = depth;
    if (state.result && depth !== undefined) moveTo(nearestDepth(depth));
    if (view) setMode(view);
    request({ example: id, thumb, file: null, models, target: 'own' });
    if (depth !== undefined) address({ depth: depth === 1 ? null : String(depth), view: view === 'overlay' ? null : view });
  },
});

let stream = null;
const cameras = [ref.camera, ref.camera2]; // in the bar, and on the empty page
for (const button of cameras) button.hidden = !(navigator.mediaDevices && navigator.mediaDevices.getUserMedia);
for (const button of cameras) button.addEventListener('click', async () => {
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
ref['camera-dialog'].addEventListener('click', (event) => { if (event.target === event.currentTarget) event.target.close(); });
ref.shoot.addEventListener('click', () => {
  const canvas = make('canvas', { width: ref.video.videoWidth, height: ref.video.videoHeight });
  canvas.getContext('2d').drawImage(ref.video, 0, 0);
  canvas.toBlob((blob) => take(new File([blob], 'photo.jpg', { type: 'image/jpeg' })), 'image/jpeg', 0.95);
  ref['camera-dialog'].close();
});

// --- choosing -------------------------------------------------------------------------------------------------------

function takeExperiment(id) {
  freely = id === FREE;
  const chosen = catalog.experiments.find((experiment) => experiment.id === id);
  const pair = asking.wish.models.length === 2 ? asking.wish.models : catalog.start;
  request({ models: chosen ? chosen.models : pair });
  prepare(id);
}
ref.more.addEventListener('change', () => { if (ref.more.value) takeExperiment(ref.more.value); else choosers(); });
for (const place of PAIR) {
  ref['model-' + place].addEventListener('change', ({ target }) => {
    freely = false;
    request({ models: withModel(asking.wish.models, place, target.value) });
  });
}
// Who looks at the choosers may choose: the models of what they offer are made ready, those that are pointed at first
let preparing = false;
let prepared = { at: -Infinity }; // the experiment that was pointed at last, and when
async function prepare(first) {
  const ids = catalog.experiments.map(({ id }) => id);
  const shown = experimentOf(asking.wish.models);
  const place = ids.indexOf(first) < 0 ? ids.indexOf(shown && shown.id) + 1 : ids.indexOf(first);
  if (preparing || ids.length < 2) return;
  preparing = true;
  try {
    Object.assign(server_state, await server.prepare([...ids.slice(place), ...ids.slice(0, place)]));
  } catch { /* it is a help alone */ }
  preparing = false;
}
for (const chooser of [ref.experiments, ref.more, ref.cards]) {
  for (const type of ['pointerover', 'focusin']) {
    chooser.addEventListener(type, (event) => {
      const holder = event.target.closest('[data-id], label');
      const id = holder && (holder.dataset.id || (holder.querySelector('input') || {}).value);
      if (id === prepared.id && event.timeStamp < prepared.at + 1000) return;
      prepared = { id, at: event.timeStamp };
      prepare(id);
    });
  }
}
