/* Starts the page: fills the choosers, waits for the models, and takes the answers. */

for (const place of PAIR) {
  options(ref['model-' + place], catalog.models.map(({ id, title, description }) => [id, title, description]));
}
options(ref.rule, catalog.rules.map(({ name, title, about }) => [name, title, about]));
ref.accepted.textContent = catalog.accepted;
ref.commands.textContent = catalog.commands;
const thumbnail = ({ id, title, thumb }) => {
  const button = make('button', { type: 'button', title }, make('img', { src: thumb, alt: title }));
  button.dataset.id = id;
  button.addEventListener('click', () => request({ example: id, file: null }));
  return button;
};
ref.examples.replaceChildren(...catalog.examples.map(thumbnail));
ref.large.replaceChildren(...catalog.examples.filter(({ large }) => large).map(({ id, title, large }) => {
  const button = make('button', { type: 'button' }, make('img', { src: large, alt: '' }), make('span', { textContent: title }));
  button.dataset.id = id;
  button.addEventListener('click', () => request({ example: id, file: null }));
  return button;
}));

if (!catalog.models.length) {
  root.dataset.state = 'none';
  ref.none.hidden = false;
} else {
  Object.assign(asking.wish, { models: catalog.start, rule: catalog.rules[0].name });
  choosers();
  showTarget(asking.wish.target);
  awaitModels();
}

async function awaitModels() {
  for (;;) {
    try {
      Object.assign(server_state, await server.state());
    } catch { /* the server is not there for the moment */ }
    if (server_state.ready || !element.isConnected) break;
    if (!running) status(t.models_loading);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  if (server_state.problem) fail(server_state.problem);
  status(running ? waitingFor(running.wish) : '');
}

watch('value', () => { if (props.value) settle(props.value); });
