/* Begins a document that holds a message itself: {message, view: how it is shown, about: of what it is told}. */

const { message: kept, view, about } = JSON.parse(document.getElementById('kept').textContent);
const scheme = matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.body.classList.toggle('dark', scheme.matches);
scheme.addEventListener('change', follow);
follow();

const linked = Object.fromEntries(new URLSearchParams(location.hash.slice(1))); // as the page's own address has it
if (linked.view in MODES) view.mode = linked.view;
if (linked.depth >= 0 && linked.depth <= 1) view.depth = Number(linked.depth);
Object.assign(state, view, { about });
ref.opacity.value = state.opacity;
setOpacity();
ref.colours.value = state.colours;
setMode(state.mode);
setOrder(state.order);
show(kept).then(() => {
  const [title, ...lines] = headlines();
  document.title = title + ' · ' + catalog.name;
  element.querySelector('h1').textContent = title;
  element.querySelectorAll('main > header > p').forEach((place, index) => { rich(place, lines[index] || ''); });
});
