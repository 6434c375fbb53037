/* All methods: grouped by how long they take, each with a sentence, and with the reason where these models cannot have it. */

const GROUPS = [
  ['pass', t.group_pass, t.group_pass_about], ['seconds', t.group_seconds, t.group_seconds_about], ['minutes', t.group_minutes, t.group_minutes_about],
];
const ALL = ''; // in place of a rule's name: show them all
const ruleOf = (name) => catalog.rules.find((rule) => rule.name === name) || {};

/* A time as it is told: nobody needs to know it closely. */
function lasts(seconds) {
  if (seconds < 1) return t.under_second;
  if (seconds < 90) return fill(t.about_seconds, { seconds: seconds < 20 ? Math.round(seconds) : 5 * Math.round(seconds / 5) });
  return fill(t.about_minutes, { minutes: Math.round(seconds / 60) });
}

/* The plain choice: those that are traced together, the chosen one, and the way to all. */
let listed = '';
function showRule(name) {
  const entries = [...catalog.rules.filter((rule) => rule.paired || rule.name === name).map((rule) => [rule.name, rule.title]), [ALL, t.all_methods]];
  if (listed !== entries.join()) options(ref.rule, entries);
  listed = entries.join();
  ref.rule.value = name;
}

function fillMethods(offers) {
  const known = new Map(offers.map((offer) => [offer.name, offer]));
  const groupOf = ({ name, slow }) => (known.get(name) || { group: slow ? 'seconds' : 'pass' }).group;
  ref['methods-list'].replaceChildren(...GROUPS.map(([group, title, about]) => {
    const rules = [...catalog.rules, catalog.finer].filter((rule) => groupOf(rule) === group);
    const node = make('section', { hidden: !rules.length }, make('h4', {}, title, make('small', { textContent: about })));
    node.append(...rules.map(({ name, title, sentence }) => {
      const { seconds = null, reason = '' } = known.get(name) || {};
      const time = seconds === null || reason ? '' : lasts(seconds);
      const row = make('button', { type: 'button', disabled: Boolean(reason) },
        make('strong', { textContent: title }), make('span', { textContent: time }), make('small', { textContent: reason || sentence }));
      row.dataset.rule = name;
      row.setAttribute('aria-pressed', name === (asking.wish.target === 'finer' ? 'finer' : asking.wish.rule));
      return row;
    }));
    return node;
  }));
}

async function openMethods() {
  fillMethods([]);
  if (!ref.methods.open) ref.methods.showModal();
  const { models } = asking.wish;
  const offers = await server.offered({ models: [...models], language }).catch(() => []);
  if (ref.methods.open && models === asking.wish.models) fillMethods(offers);
}

ref.rule.addEventListener('change', () => {
  if (ref.rule.value !== ALL) return request({ rule: ref.rule.value });
  showRule(asking.wish.rule);
  openMethods();
});
ref['methods-list'].addEventListener('click', ({ target }) => {
  const row = target.closest('[data-rule]');
  if (!row || row.disabled) return;
  ref.methods.close();
  const finer = row.dataset.rule === catalog.finer.name;
  request(finer ? { rule: catalog.rules[0].name, target: 'finer' } : { rule: row.dataset.rule });
});
ref['methods-close'].addEventListener('click', () => ref.methods.close());
ref.methods.addEventListener('click', (event) => { if (event.target === event.currentTarget) event.target.close(); });
