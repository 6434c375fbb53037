/* Which class is explained: of few a plain choice, of many an overlay in which all keep their places, and typing finds. */

const FEW = 3; // classes of a plain choice
const SPECIAL = ['own', 'common', 'finer', 'contrast']; // targets that are no class

/* Places of the names that hold what is typed, best first: the whole, its beginning, a word's beginning, anything in it. */
function matching(names, typed) {
  const text = typed.trim().toLowerCase();
  const grade = (name) => [name === text, name.startsWith(text), name.includes(' ' + text), name.includes(text)].indexOf(true);
  return names.map((name, place) => [grade(name.toLowerCase()), place]).filter(([found]) => found >= 0)
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, place]) => place);
}

/* Names by the larger class that they belong to, in the order in which these come first; one nameless group without such. */
function grouped(names, groups) {
  const table = new Map();
  names.forEach((name, place) => {
    const group = groups[place] ?? '';
    table.set(group, [...(table.get(group) ?? []), name]);
  });
  return [...table].sort(([a], [b]) => a.localeCompare(b));
}

const many = () => sharedClasses(asking.wish.models).length > FEW;
const commonText = () => state.result && state.result.target.common && fill(asking.wish.models.length > 2 ? t.common_row : t.common, { name: state.result.target.common });
const targetText = (target) => ({ own: t.own, common: commonText() || t.own, finer: t.finer_target, contrast: contrastText() || t.own })[target] || target;

/* What two models that disagree are contrasted by: the left one's answer and the right one's; empty where they do not. */
const answers = () => (state.result && state.result.target.why_not === '' ? state.result.models.map(({ says }) => says.toLowerCase()) : []);
const contrastText = (text = t.contrast_target) => (answers().length ? fill(text, { name: answers()[0], other: answers()[1] }) : '');

let offered = ''; // the classes of the plain choice
function showTarget(target) {
  const classes = sharedClasses(asking.wish.models);
  ref['target-few'].hidden = many();
  ref['target-many'].hidden = !many();
  ref.class.textContent = targetText(target);
  if (many()) return;
  const all = asking.wish.models.length > 2 ? t.all_explain : t.both_explain;
  const entries = [['own', t.own], ...classes.map((name) => [name, fill(all, { name: name.toLowerCase() })])];
  if (['contrast', 'finer'].includes(target)) entries.splice(1, entries.length, [target, targetText(target)]); // the classes behind "own"
  if (offered !== entries.join()) radios(ref.target, entries, target, (value) => request({ target: value }));
  offered = entries.join();
  const { asked, common } = state.result ? state.result.target : {};
  check(ref.target, target === 'common' && asked === 'common' ? common : target);
}

// --- the overlay ----------------------------------------------------------------------------------------------------

const choice = { options: [], found: [], active: null }; // options in their order; those that match; the one that Enter takes

function openClasses() {
  const classes = sharedClasses(asking.wish.models);
  const groups = together(asking.wish.models) ? model(asking.wish.models[0]).groups : [];
  const entry = (value, text) => {
    const option = make('div', { id: 'tm-class-' + choice.options.length, role: 'option', textContent: text });
    option.dataset.value = value;
    option.setAttribute('aria-selected', value === asking.wish.target);
    choice.options.push(option);
    return option;
  };
  const group = (title, options) => {
    const heading = make('h4', { textContent: title });
    heading.setAttribute('aria-hidden', 'true');
    const node = make('div', { role: 'group' }, title ? heading : '', ...options);
    node.setAttribute('aria-label', title || t.class_list);
    return node;
  };
  choice.options = [];
  const whole = [entry('own', t.own), ...(commonText() ? [entry('common', commonText())] : []), ...(contrastText() ? [entry('contrast', contrastText())] : [])];
  ref['class-list'].replaceChildren(group(t.target, whole),
    ...grouped(classes, groups).map(([title, names]) => group(title, names.map((name) => entry(name, name)))));
  ref['class-list'].firstElementChild.className = 'tm-whole';
  ref['classes-title'].textContent = fill(t.knows, { count: classes.length });
  ref.find.value = '';
  if (!ref.classes.open) ref.classes.showModal();
  ref.find.focus();
  findClasses();
}

function findClasses() {
  const typed = ref.find.value.trim();
  const special = ({ dataset }) => SPECIAL.includes(dataset.value); // for the arrows alone
  const found = matching(choice.options.map((option) => (special(option) ? '' : option.textContent)), typed);
  choice.found = [...found].sort((a, b) => a - b).map((place) => choice.options[place]);
  choice.options.forEach((option) => option.classList.toggle('tm-found', Boolean(typed) && choice.found.includes(option)));
  const known = choice.found.filter((option) => !special(option)).length;
  ref['class-count'].textContent = fill(t.class_count, { count: known, of: sharedClasses(asking.wish.models).length });
  activate(typed ? choice.options[found[0]] : choice.options.find(({ dataset }) => dataset.value === asking.wish.target));
}

function activate(option = null) {
  if (choice.active) choice.active.classList.remove('tm-active');
  choice.active = option;
  ref.find.removeAttribute('aria-activedescendant');
  if (!option) return;
  option.classList.add('tm-active');
  ref.find.setAttribute('aria-activedescendant', option.id);
  option.scrollIntoView({ block: 'nearest' });
}

function takeClass(option) {
  if (!option) return;
  ref.classes.close();
  request({ target: option.dataset.value });
}

ref.find.addEventListener('input', findClasses);
ref.find.addEventListener('keydown', (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const { found, active } = choice;
  if (step && found.length) {
    event.preventDefault();
    activate(found[(found.indexOf(active) + step + found.length) % found.length]);
  } else if (event.key === 'Enter' && !event.isComposing) {
    event.preventDefault();
    takeClass(active);
  }
});
ref['class-list'].addEventListener('click', ({ target }) => takeClass(target.closest('[role=option]')));
ref['classes-close'].addEventListener('click', () => ref.classes.close());
ref.classes.addEventListener('click', (event) => { if (event.target === event.currentTarget) event.target.close(); });

// what the models know, one click away
ref.class.addEventListener('click', openClasses);
ref.knows.addEventListener('click', openClasses);
