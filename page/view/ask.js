/* Asks the server: a picture, a model, a rule or a class is one request; all else is drawn from what is here. */

const LATE = 12000; // milliseconds until waiting needs another word
const EVERY = 700; // milliseconds between two looks how far something is that takes long
const PATIENCE = 120000; // milliseconds until nothing is expected any more, of sending and of answering

const asking = { // what is wished for, and what the shown answer was asked with
  wish: { example: null, file: null, models: [], rule: null, target: 'own' }, shown: null,
};
const server_state = { ready: false, loaded: [], seconds: 0 };

let serial = 0;
let running = null; // {serial, wish, asked: whether the server is at it, timer, late; ticket: of what takes long, given_up}
let next = null; // what was wished for meanwhile
const sent = new WeakMap(); // file: promise of the path that the server has given it

const model = (id) => catalog.models.find((entry) => entry.id === id);
const alike = (first, second) => model(first).classes.join('\n') === model(second).classes.join('\n');
const together = (ids) => ids.every((id) => alike(ids[0], id)); // whether they tell the same classes apart

/* The classes that can be asked of all (as explain.align.shared_classes has it): a number is another class in each. */
function sharedClasses(ids) {
  const [{ classes }, ...others] = ids.map(model);
  if (together(ids)) return classes;
  return classes.filter((name) => !/^\d+$/.test(name) && others.every((other) => other.classes.includes(name)));
}

/* Two models that are chosen know the same classes: beside one of others stands that with which it makes an experiment. */
function partner(id, place) {
  const holding = (at) => catalog.experiments.find(({ models }) => models[at] === id);
  const experiment = holding(place) || holding(1 - place);
  return experiment ? experiment.models[experiment.models[place] === id ? 1 - place : place] : id;
}

/* The models with another one at a place. */
function withModel(models, place, id) {
  const changed = models.with(place, id);
  return alike(...changed) ? changed : changed.with(1 - place, partner(id, place));
}

function request(change, restored = false) {
  const wish = { ...(next || (running && running.wish) || asking.wish), ...change };
  const other = ['file', 'example', 'models'].some((name) => name in change); // another picture, or other models
  if (other && !change.target) wish.target = 'own';
  const another = 'rule' in change && !change.target; // a method that what is asked may not go with
  if (another && (wish.target === 'finer' || (wish.target === 'contrast' && !ruleOf(wish.rule).paired))) wish.target = 'own';
  if (['common', 'contrast'].includes(wish.target) && !together(wish.models)) wish.target = 'own';
  if (![...SPECIAL, ...sharedClasses(wish.models)].includes(wish.target)) wish.target = 'own';
  asking.wish = wish;
  choosers();
  showTarget(wish.target);
  if (!restored) address({ ...entriesOf(wish), tab: null }, other);
  if (!wish.file && !wish.example) return; // nothing to look at yet
  fail('');
  if (running && running.asked) {
    next = wish;
    giveUp();
  } else {
    ask(wish); // nothing waits for a photo that is only being sent
  }
}

/* A name that nobody else knows, under which the server is asked how far something is. */
const secret = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/* What takes long and is not wanted any more is ended; all else is answered soon anyway. */
function giveUp() {
  if (!running || !running.ticket) return;
  running.given_up = true;
  server.cancel(running.ticket).catch(() => {});
}

async function ask(wish) {
  if (running) clearTimeout(running.timer);
  const mine = (running = { serial: ++serial, wish });
  const fails = (sentence) => settle({ kind: 'error', ask: mine.serial, sentence });
  const { file, example, models, rule, target } = wish;
  root.setAttribute('data-busy', '');
  if (!state.result) preview(wish);
  placePicks();
  let answer;
  try {
    let upload = null;
    if (file) {
      status(t.sending);
      mine.timer = setTimeout(() => { sent.delete(file); fails(t.not_sent); }, PATIENCE);
      if (!sent.has(file)) sent.set(file, sendSmaller(file));
      upload = await sent.get(file);
      if (running !== mine) return;
      clearTimeout(mine.timer);
    }
    mine.asked = true;
    status(waitingFor(wish));
    if (ruleOf(rule).paired && !['finer', 'contrast'].includes(target)) {
      mine.late = setTimeout(() => stillWaiting(mine), LATE);
      mine.timer = setTimeout(() => fails(t.no_answer), PATIENCE);
    } else {
      mine.ticket = secret();
      followUp(mine);
    }
    answer = await question({ ask: mine.serial, upload, example: file ? null : example, models, rule, target, ticket: mine.ticket || null });
  } catch (error) {
    if (file && (error instanceof Lost || !mine.asked)) sent.delete(file);
    if (running !== mine) return;
    if (scattered()) return fails(t.scattered);
    return error instanceof Lost ? askAgain(mine) : fails(error instanceof Refusal ? error.message : t.no_answer);
  }
  settle(answer);
}

/* Send a photo, smaller where it is large. */
async function sendSmaller(file) {
  const less = await smaller(file);
  if (less.size > catalog.most_bytes) throw new Refusal(fill(t.too_large, catalog));
  const begun = performance.now();
  return send(less, (share) => {
    const slow = performance.now() > begun + 1000 && share < 1;
    if (running && running.wish.file === file && !running.asked && slow) status(fill(t.sending_share, { percent: Math.round(100 * share) }));
  });
}

/* The server is away: that is said, and what is wished for by then is asked once it is back. */
async function askAgain(mine) {
  clearTimeout(mine.timer);
  clearTimeout(mine.late);
  mine.asked = true; // what is wished for meanwhile waits, too
  server_state.ready = false; // whatever is there next has yet to load its models
  const { file } = mine.wish;
  status(file ? t.lost_photo : t.lost);
  if (file) createImageBitmap(file).then((shown) => keep(file, shown)).catch(() => {}); // for a reload meanwhile
  await back();
  if (running !== mine) return;
  if (scattered()) return settle({ kind: 'error', ask: mine.serial, sentence: t.scattered });
  await knowState();
  if (running !== mine) return;
  const wished = next || mine.wish;
  [running, next] = [null, null];
  ask(wished);
}

async function knowState() {
  try {
    Object.assign(server_state, await server.state(language));
  } catch { /* the server is not there for the moment */ }
}

/* The models of a wish that have to be loaded first. */
const missingFor = ({ models }) => [...new Set(models.flatMap((id) => model(id).networks))].filter((id) => !server_state.loaded.includes(id));
const titlesOf = (ids) => (ids.length > 2 ? fill(t.several, { count: ids.length }) : ids.map((id) => model(id).title).join(' · '));

function waitingFor(wish) {
  if (!server_state.ready) return t.models_loading_wait;
  const missing = missingFor(wish);
  const count = wish.models.length;
  if (!missing.length) return count > 2 ? fill(t.looking_row, { count }) : t.looking;
  const seconds = server_state.seconds * missing.length;
  return fill(seconds ? t.loading : t.loading_unknown, { titles: titlesOf(missing), seconds: Math.max(1, Math.round(seconds)) });
}

/* An answer takes long: because a model is loading, or for what reason ever. */
async function stillWaiting(mine) {
  await knowState();
  if (running !== mine) return;
  const missing = server_state.ready ? missingFor(mine.wish) : mine.wish.models;
  status(missing.length ? fill(t.still_loading, { titles: titlesOf(missing) }) : t.still);
  mine.late = setTimeout(() => stillWaiting(mine), LATE);
}

/* Tells how far something is that takes long, until it is answered. */
async function followUp(mine) {
  for (;;) {
    const told = await (mine.given_up ? server.cancel(mine.ticket) : server.progress(mine.ticket)).catch(() => null);
    if (running !== mine) return;
    if (told && told.share !== undefined && !mine.given_up) tellProgress(mine.wish, told);
    await new Promise((resolve) => setTimeout(resolve, EVERY));
    if (running !== mine) return;
  }
}

function progressText({ ahead, share, seconds }) {
  const [left, percent] = [seconds === null ? '' : lasts(seconds), Math.floor(100 * share)];
  return ahead ? fill(t.in_line, { ahead }) : percent && left ? fill(t.at_work_share, { percent, left }) : left;
}

function tellProgress({ rule, target }, told) {
  const title = { contrast: t.contrast_title, finer: catalog.finer.title }[target] || ruleOf(rule).title;
  status(title, progressText(told), told.share);
}
ref['give-up'].addEventListener('click', () => {
  giveUp();
  ref['give-up'].hidden = true;
});

/* What is to be done with an answer: nothing ("stale": a question later than its own is asked), ask once more ("again":
   the server has deleted the photo; we still have it), ask what was wished for meanwhile ("next"), "show" it, or "fail". */
function meaning(answer, running, next) {
  if (!running || answer.ask !== running.serial) return 'stale';
  if (answer.code === 'gone' && running.wish.file && !running.wish.again) return 'again';
  if (next) return 'next';
  return answer.kind === 'result' ? 'show' : 'fail';
}

/* What comes back, or will not come any more. */
function settle(answer) {
  const means = meaning(answer, running, next);
  if (means === 'stale') return;
  const { wish, timer, late } = running;
  clearTimeout(timer);
  clearTimeout(late);
  running = null;
  if (means === 'again') {
    sent.delete(wish.file);
    return ask({ ...wish, again: true });
  }
  if (means === 'next') {
    const wished = next;
    next = null;
    return ask(wished);
  }
  root.removeAttribute('data-busy');
  status('');
  if (means === 'show') {
    asking.wish = asking.shown = { ...wish, again: false };
    showAnswer(answer);
    return;
  }
  const foreign = answer.code === 'not_uploaded' && servers.length > 1; // sent to one server, asked of another
  fail(answer.code === 'cancelled' ? '' : foreign ? t.scattered : answer.sentence);
  if (state.result) { // back to what is shown
    asking.wish = asking.shown;
    choosers();
    showTarget(asking.wish.target);
  } else {
    showEmpty();
  }
  address(entriesOf(asking.wish));
}

/* The page as it begins, with the experiment that is chosen. */
function showEmpty() {
  Object.assign(state, { result: null });
  Object.assign(asking, { wish: { ...asking.wish, file: null, example: null, target: 'own' }, shown: null });
  root.dataset.state = 'empty';
  placePicks();
  choosers();
  showTarget('own');
}

async function showAnswer(result) {
  const { wish } = asking; // the next one may be made while the picture is decoded
  const [example, shown] = [catalog.examples.find(({ id }) => id === wish.example), experimentOf(wish.models)];
  state.about = { picture: wish.file ? wish.file.name : example ? example.title : wish.example, question: shown ? shown.question : '' };
  await show(result);
  placePicks();
  if (wish.file) keep(wish.file, picture);
  Object.assign(wish, { models: result.models.map(({ id }) => id), rule: result.rule, target: result.target.asked });
  Object.assign(server_state, { loaded: result.loaded });
  choosers();
  offerTargets(result.target);
}

function preview(wish) {
  columns(wish.models.length);
  root.dataset.state = 'waiting';
  const example = catalog.examples.find(({ id }) => id === wish.example);
  const source = wish.file ? URL.createObjectURL(wish.file) : example ? example.large || example.thumb : wish.thumb;
  if (!source) return; // a test picture of which nothing is known but its name
  const image = new Image();
  image.onload = () => {
    root.toggleAttribute('data-small', Math.max(image.naturalWidth, image.naturalHeight) <= catalog.small);
    shapeStages(image.naturalWidth, image.naturalHeight);
    for (const name of stages) {
      if (root.dataset.state === 'waiting') plane(name).querySelector('img').src = source;
    }
  };
  image.src = source;
}

/* What is being done; of what takes long also how far it is. */
function status(text, left = '', share = null) {
  if (ref.status.textContent !== text) ref.status.textContent = text; // it is read out
  ref.left.textContent = left;
  ref.share.hidden = share === null;
  ref.share.value = share || 0;
  ref['give-up'].hidden = share === null;
  root.toggleAttribute('data-status', Boolean(text));
}

function fail(sentence) {
  ref.error.textContent = sentence;
  root.toggleAttribute('data-error', Boolean(sentence));
}

function take(...files) {
  if (!files.length || catalog.models.length === 0) return;
  goTo('compare');
  if (files.length > 1) takeMany(files);
  else request({ file: files[0], example: null });
}
