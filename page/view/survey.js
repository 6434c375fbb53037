/* What models of the host's own say to a folder of pictures (survey.py tells what the server answers): asked for again
   while pictures are being looked at. */

const AGAIN = 2000; // milliseconds
const shown = { list: 'all', from: 0, drawn: null }; // drawn: list and place of what stands there

function open(id, thumb) {
  document.dispatchEvent(new CustomEvent('tm-open', { detail: { id, thumb, models: catalog.models } }));
  document.getElementById('tm-compare-button').click();
}

function showLists(counts) {
  const titles = { all: t.all, disagree: t.disagree };
  if (!ref.lists.childElementCount) {
    ref.lists.replaceChildren(...Object.keys(titles).map((name) => {
      const input = make('input', { type: 'radio', name: 'tm-survey', value: name, checked: name === shown.list });
      input.addEventListener('change', () => { shown.list = name; go(0); });
      return make('label', {}, input, titles[name], make('small'));
    }));
  }
  for (const label of ref.lists.children) {
    label.querySelector('small').textContent = ' ' + number(counts[label.querySelector('input').value]);
  }
}

function showRows({ rows, from, count, progress }) {
  Object.assign(shown, { from, drawn: [shown.list, from] });
  if (!rows.length) return ref.listing.replaceChildren(make('p', { className: 'tm-card', textContent: progress.done ? t.none : t.none_yet }));
  const head = [t.picture, t.label, ...catalog.names, t.difference].map((text) => make('th', { scope: 'col', textContent: text }));
  const table = make('table', {}, make('caption', { className: 'tm-hidden', textContent: t.table }),
    make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...rows.map((row) => pictureRow(row, true))));
  ref.listing.replaceChildren(make('div', { className: 'tm-card tm-figures tm-tested' }, table), pager({ rows, from, count }, go));
  thumbnails(rows);
}

async function go(from) {
  const answer = await ask('listed', { list: shown.list, from }).catch(({ message }) => {
    ref.progress.textContent = message;
    return null;
  });
  if (!answer) return null;
  const { progress } = answer;
  ref.progress.textContent = progress.text;
  Object.assign(ref.bar, { max: progress.count, value: progress.done });
  ref.bar.hidden = progress.finished;
  showLists(answer.counts);
  const reading = ref.listing.matches(':hover') || ref.listing.contains(document.activeElement);
  if (!reading || String([shown.list, from]) !== String(shown.drawn)) showRows(answer); // nothing moves under a pointer
  return answer;
}

ref.about.textContent = catalog.about;
ref.csv.append(csvButton(t.title, {}));
(async () => {
  while (element.isConnected) {
    const answer = visible() ? await go(shown.from) : null;
    if (answer && answer.progress.finished) break;
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
  document.dispatchEvent(new CustomEvent('tm-loaded'));
})();
