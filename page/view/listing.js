/* Lists of pictures: what the server says, a row each, thumbnails, page by page. A script that shows one has `ref.listing`,
   and `open(id, thumb)`, which opens a picture in Compare. */

const number = (value) => value.toLocaleString(language);

async function ask(name, asked = {}) {
  const answer = await server[name]({ ...asked, language }).catch(() => null);
  if (!answer) throw new Error(t.failed);
  if (answer.kind === 'error') throw new Error(answer.sentence);
  return answer;
}

function csvButton(title, asked) {
  const button = make('button', { type: 'button', className: 'tm-csv', textContent: t.csv, title: fill(t.csv_title, { title }) });
  button.setAttribute('aria-label', button.title);
  button.addEventListener('click', async () => {
    try {
      const { name, csv } = await ask('table', asked);
      download(new Blob([csv], { type: 'text/csv' }), name);
    } catch (error) {
      button.replaceWith(make('span', { className: 'tm-soft', role: 'alert', textContent: error.message }));
    }
  });
  return button;
}

function pictureRow({ identity, truth, agreement, sides }, shown) {
  const first = make('th', { scope: 'row' });
  first.dataset.identity = identity;
  if (shown) first.append(make('span', { className: 'tm-thumb' }));
  first.append(make('span', { className: 'tm-identity', textContent: identity }));
  return make('tr', {}, first, make('td', { textContent: truth }),
    ...sides.map(({ name, share, right: correct }) => {
      const wrong = correct !== false ? [] : [make('span', { ariaHidden: 'true', textContent: '✗ ' }), make('span', { className: 'tm-hidden', textContent: t.wrong + ': ' })];
      return make('td', { className: correct === false ? 'tm-wrong' : '' }, ...wrong, make('span', { textContent: name + ' ' }), make('small', { textContent: share }));
    }),
    make('td', {}, agreement || make('span', { role: 'img', ariaLabel: t.unknown, textContent: '–' })));
}

function pager({ from, rows, count }, go) {
  if (count <= rows.length) return '';
  const step = (text, place, enabled) => {
    const button = make('button', { type: 'button', className: 'tm-button', textContent: text, disabled: !enabled });
    button.addEventListener('click', async () => {
      await go(place);
      const again = [...ref.listing.querySelectorAll('.tm-pager button')].find((other) => other.textContent === text && !other.disabled);
      (again || ref.listing.querySelector('.tm-pager button:not(:disabled)')).focus({ preventScroll: true });
    });
    return button;
  };
  const size = catalog.page;
  return make('div', { className: 'tm-pager' }, step(t.previous, Math.max(0, from - size), from > 0),
    make('span', { textContent: fill(t.range, { from: number(from + 1), to: number(from + rows.length), count: number(count) }) }),
    step(t.next, from + size, from + rows.length < count));
}

const thumbs = new Map(); // {src} or {sentence} by identity, so that a list that is shown again stands still
async function thumbnails(rows) {
  const listing = ref.listing.firstElementChild;
  const missing = rows.map(({ identity }) => identity).filter((identity) => !thumbs.has(identity));
  const answer = missing.length ? await ask('thumbnails', { identities: missing }).catch(() => null) : { thumbnails: {} };
  for (const place of listing.querySelectorAll('th[data-identity]')) {
    const { identity } = place.dataset;
    const { src, sentence } = thumbs.get(identity) || (answer ? answer.thumbnails[identity] : { sentence: t.failed });
    if (answer) thumbs.set(identity, { src, sentence });
    const thumb = place.querySelector('.tm-thumb');
    if (!src) {
      thumb.replaceWith(make('span', { className: 'tm-thumb tm-none-such', textContent: sentence }));
      continue;
    }
    const button = make('button', { type: 'button', className: 'tm-open' },
      make('span', { className: 'tm-thumb' }, make('img', { src, alt: '' })), make('span', { className: 'tm-identity', textContent: identity }));
    button.title = fill(t.open, { identity });
    button.setAttribute('aria-label', button.title);
    button.addEventListener('click', () => open(identity, src));
    place.replaceChildren(button);
  }
}
