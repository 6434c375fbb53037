/* What is looked at, and by whom: the photo, the examples, experiments, models, rule and class. */

const PAIR = [0, 1]; // places of the models that are chosen one by one

function offerTargets({ asked, options: names }) {
  together.textContent = commonText();
  if (!many()) options(ref.target, [['own', t.own], ['common', together.textContent], ...names.map((name) => [name, name])]);
  showTarget(asked);
}

// where the two maps explain different classes, one class for both is a click away
const together = make('button', { type: 'button' });
together.addEventListener('click', () => request({ target: 'common' }));
ref.apart.append(' ', together);

function choosers() {
  const { models, rule, example, file } = asking.wish;
  const shown = catalog.experiments.find((experiment) => experiment.models.join() === models.join());
  const entries = catalog.experiments.map(({ id, title, question }) => [id, title, question]);
  options(ref.experiment, shown ? entries : [...entries, ['', t.free]], shown ? shown.id : '');
  ref.question.textContent = shown ? shown.question : '';
  root.toggleAttribute('data-several', models.length > 2); // a row is chosen by its experiment alone
  for (const place of PAIR) ref['model-' + place].value = models[place];
  ref.rule.value = rule;
  ref.rule.title = (catalog.rules.find(({ name }) => name === rule) || {}).about || '';
  if (shown) arrange(shown.examples);
  for (const button of ref.examples.children) button.setAttribute('aria-pressed', !file && button.dataset.id === example);
}

/* The examples in an experiment's order; the first ones large on the empty page. */
let arranged = '';
function arrange(ids) {
  if (arranged === ids.join()) return;
  arranged = ids.join();
  for (const list of [ref.examples, ref.large]) {
    const buttons = new Map([...list.children].map((button) => [button.dataset.id, button]));
    list.append(...ids.map((id) => buttons.get(id)).filter(Boolean));
  }
  for (const button of ref.large.children) button.hidden = !ids.slice(0, catalog.large).includes(button.dataset.id);
}

// --- the photo ------------------------------------------------------------------------------------------------------

for (const button of [ref.choose, ref.choose2]) button.addEventListener('click', () => ref.file.click());
ref.file.addEventListener('change', () => { take(ref.file.files[0]); ref.file.value = ''; });
ref.dismiss.addEventListener('click', () => fail(''));

let dragging = 0;
const holdsFile = (event) => visible() && [...event.dataTransfer.types].includes('Files');
onDocument({
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
  'tm-open': ({ detail: { id, thumb, models } }) => { // from the Evidence tab: an example, or a test picture
    request({ example: id, thumb, file: null, models, target: 'own' });
  },
});

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
ref['camera-dialog'].addEventListener('click', (event) => { if (event.target === event.currentTarget) event.target.close(); });
ref.shoot.addEventListener('click', () => {
  const canvas = make('canvas', { width: ref.video.videoWidth, height: ref.video.videoHeight });
  canvas.getContext('2d').drawImage(ref.video, 0, 0);
  canvas.toBlob((blob) => take(new File([blob], 'photo.jpg', { type: 'image/jpeg' })), 'image/jpeg', 0.95);
  ref['camera-dialog'].close();
});

// --- choosing -------------------------------------------------------------------------------------------------------

ref.experiment.addEventListener('change', () => {
  const chosen = catalog.experiments.find(({ id }) => id === ref.experiment.value);
  if (chosen) request({ models: chosen.models });
});
for (const place of PAIR) {
  ref['model-' + place].addEventListener('change', ({ target }) => {
    request({ models: withModel(asking.wish.models, place, target.value) });
  });
}
// Who looks at the chooser may choose: the models of what it offers are made ready, those behind the shown one first
let preparing = false;
async function prepare() {
  const ids = catalog.experiments.map(({ id }) => id);
  const shown = ids.indexOf(ref.experiment.value);
  if (preparing || ids.length < 2) return;
  preparing = true;
  try {
    Object.assign(server_state, await server.prepare([...ids.slice(shown + 1), ...ids.slice(0, shown + 1)]));
  } catch { /* it is a help alone */ }
  preparing = false;
}
for (const type of ['pointerenter', 'focus']) ref.experiment.addEventListener(type, prepare);
for (const name of ['rule', 'target']) ref[name].addEventListener('change', () => request({ [name]: ref[name].value }));
