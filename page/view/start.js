/* Starts the page: fills the choosers, waits for the models, and takes the answers. */

for (const place of PAIR) {
  options(ref['model-' + place], catalog.models.map(({ id, title, description }) => [id, title, description]));
}
offerPage(() => server.shell(language));
ref.accepted.textContent = catalog.accepted;
ref.commands.textContent = catalog.commands;
const pick = (id) => request({ example: id, file: null });
const thumbnail = ({ id, title, thumb }) => {
  const button = make('button', { type: 'button', title }, make('img', { src: thumb, alt: title }));
  button.dataset.id = id;
  button.addEventListener('click', () => pick(id));
  return button;
};
const titled = ({ id, title, large, thumb }) => {
  const button = make('button', { type: 'button' }, make('img', { src: large || thumb, alt: '' }), make('span', { textContent: title }));
  button.dataset.id = id;
  button.addEventListener('click', () => pick(id));
  return button;
};
ref.examples.append(...catalog.examples.map(thumbnail));
ref.large.replaceChildren(...catalog.examples.map(titled));
ref.small.replaceChildren(...catalog.examples.map(titled));

// --- experiments: cards on the empty page, tabs with a picture; luck, and any two models, behind them -------------------

const knowsOf = (ids) => [...new Set(ids.map((id) => model(id).knows))];
const main = catalog.experiments.filter(({ luck }) => !luck);
const any = catalog.models.length > 2 || !main.length ? [{ id: FREE, title: t.free }] : [];
const behind = [...catalog.experiments.filter(({ luck }) => luck), ...any];
radios(ref.experiments, main.map(({ id, title }) => [id, title]), '', takeExperiment);
options(ref.more, [['', t.more], ...behind.map(({ id, title }) => [id, title])]);
ref.cards.replaceChildren(...main.map(({ id, title, question, names, preview, models }) => {
  const cells = make('span', { className: 'tm-seen' }, ...names.map((name, place) => {
    const cell = make('span', {}, names.length > 3 ? '' : make('b', { textContent: name }));
    cell.style.backgroundImage = 'url("' + preview.src + '")';
    if (preview.cells > 1) {
      cell.style.backgroundSize = 100 * preview.cells + '% 100%';
      cell.style.backgroundPosition = (100 * place) / (preview.cells - 1) + '% 0';
    }
    return cell;
  }));
  cells.style.setProperty('--cells', names.length > 3 ? 3 : names.length);
  const button = make('button', { type: 'button', className: 'tm-pick' }, cells,
    make('strong', { textContent: title }), rich(make('span', { className: 'tm-asks' }), question));
  button.addEventListener('click', () => takeExperiment(id));
  const { classes } = model(models[0]);
  const knows = knowsOf(models).join(' · ');
  const known = make('p', {}, t.knows_short + ' ', make('b', { textContent: knows }));
  if (together(models) && classes.length > FEW) {
    const link = make('button', { type: 'button', className: 'tm-link', textContent: knows });
    link.addEventListener('click', () => { takeExperiment(id); openClasses(); });
    known.lastElementChild.replaceWith(link);
  }
  const card = make('article', { className: 'tm-experiment' }, button, known);
  card.dataset.id = id;
  return card;
}));
ref.also.hidden = ref.more.parentElement.hidden = !behind.length;
ref.also.append(t.also + ' ', ...behind.flatMap(({ id, title }, index) => {
  const button = make('button', { type: 'button', className: 'tm-link', textContent: title });
  button.dataset.id = id;
  button.addEventListener('click', () => takeExperiment(id));
  return [index ? ' · ' : '', button];
}));
const known = knowsOf(catalog.experiments.flatMap(({ models }) => models));
ref.lead.textContent = fill(t.empty_text, { knows: known.join(t.or) });

if (!catalog.models.length) {
  root.dataset.state = 'none';
  ref.none.hidden = false;
} else {
  Object.assign(asking.wish, { models: catalog.start, rule: catalog.rules[0].name });
  choosers();
  showTarget(asking.wish.target);
  stored().then(restore);
  awaitModels();
  Promise.resolve(server.rarely(language)).then((told) => { Object.assign(disagreements, told); choosers(); }).catch(() => {});
}

// --- a link, beside what can be saved -----------------------------------------------------------------------------------

const link = make('button', { type: 'button', textContent: t.copy_link });
link.addEventListener('click', async () => {
  if (resting) writeView();
  await navigator.clipboard.writeText(location.href).then(() => { ref['save-told'].textContent = t.copied + '. ' + t.copy_about; })
    .catch(() => { ref['save-told'].textContent = location.href; });
});
ref['save-told'].before(make('hr'), link);

async function awaitModels() {
  for (;;) {
    await knowState();
    if (server_state.ready || !element.isConnected) break;
    if (!running) status(t.models_loading);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  if (server_state.problem) fail(server_state.problem);
  if (!running) status('');
  else if (running.asked) status(waitingFor(running.wish));
}

