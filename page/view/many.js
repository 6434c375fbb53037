/* Many photos at once: one after another they are sent and asked about, and of each answer a row is kept in this tab. */

const MOST_PHOTOS = 200;
const BUSY = 2000; // milliseconds until a question is asked again that was one too many
let job = null; // {files, models, rule, rows, filter, stopped}

function takeMany(files) {
  const { models } = asking.wish;
  const { name: rule } = ruleOf(asking.wish.rule).paired ? ruleOf(asking.wish.rule) : catalog.rules[0]; // none that takes long
  if (job) job.stopped = true;
  job = { files: files.slice(0, MOST_PHOTOS), models, rule, rows: [], filter: 'all', stopped: false };
  ref['job-filters'].replaceChildren();
  ref.job.hidden = false;
  showJob();
  ref.job.scrollIntoView({ block: 'start' });
  if (files.length > MOST_PHOTOS) fail(fill(t.many_most, { most: MOST_PHOTOS, count: files.length }));
  work(job);
}

async function work(mine) {
  for (const file of mine.files) {
    if (mine.stopped || !element.isConnected) break;
    const row = await rowOf(file, mine);
    if (job !== mine) return; // others were taken meanwhile
    if (row) mine.rows.push(row);
    showJob();
  }
  mine.stopped = true;
  showJob();
}

/* What the models say to a photo; a server that is away or busy is asked again. */
async function rowOf(file, mine) {
  const row = { file, sentence: '', sides: [], disagree: false, agreement: null, layer: '', thumb: '' };
  while (!mine.stopped) {
    try {
      const less = await smaller(file);
      if (less.size > catalog.most_bytes) return { ...row, sentence: fill(t.too_large, catalog) };
      const upload = await send(less, () => {});
      const answer = await question({ ask: ++serial, upload, example: null, models: mine.models, rule: mine.rule, target: 'own' });
      if (answer.code === 'busy') await new Promise((resolve) => setTimeout(resolve, BUSY));
      else if (answer.kind !== 'result') return { ...row, sentence: answer.sentence };
      else return { ...row, ...(await summary(answer)) };
    } catch (error) {
      if (!(error instanceof Lost)) return { ...row, sentence: error instanceof Refusal ? error.message : t.no_answer };
      await back();
    }
  }
  return null;
}

/* Of an answer what stands in a row: who says what, how alike the maps are on the whole, and where they are least so. */
async function summary({ models, stops, picture: { src } }) {
  const sides = models.map(({ says, bars }) => ({ says, ...bars.find(({ name }) => name === says) }));
  const ranks = stops.map(({ versus }) => {
    const known = versus.filter((agreement, place) => agreement && agreement.rank !== null && models[place].alike).map(({ rank }) => rank);
    return known.length ? known.reduce((sum, rank) => sum + rank, 0) / known.length : null;
  });
  const told = ranks.map((rank, stop) => [rank, stop]).filter(([rank]) => rank !== null);
  const [, least] = told.length ? told.reduce((a, b) => (b[0] < a[0] ? b : a)) : [];
  const image = new Image();
  image.src = src;
  await image.decode().catch(() => {});
  const canvas = make('canvas', { width: 168, height: 126 });
  if (image.naturalWidth) cover(canvas.getContext('2d'), image, 0, 0, canvas.width, canvas.height);
  return {
    sides, thumb: canvas.toDataURL('image/jpeg', 0.8),
    disagree: together(models.map(({ id }) => id)) && new Set(models.map(({ says }) => says)).size > 1,
    agreement: told.length ? told.reduce((sum, [rank]) => sum + rank, 0) / told.length : null,
    layer: told.length ? models[0].layers[stops[least].layers[0]].name : '',
  };
}

/* Disagreements first, then those whose maps are least alike; what cannot be read last. */
function ordered(rows) {
  const grade = ({ disagree, sentence }) => (sentence ? 2 : disagree ? 0 : 1);
  return [...rows].sort((a, b) => grade(a) - grade(b) || (a.agreement ?? 1) - (b.agreement ?? 1));
}

function showJob() {
  const { files, rows, models, stopped } = job;
  const facts = { done: rows.length, count: files.length };
  ref['job-told'].textContent = fill(!stopped ? t.many_running : rows.length < files.length ? t.many_stopped : t.many_done, facts);
  Object.assign(ref['job-bar'], { max: files.length, value: rows.length, hidden: stopped });
  ref['job-cancel'].hidden = stopped;
  ref['job-csv'].hidden = !rows.length;
  const some = { all: rows, disagree: rows.filter(({ disagree }) => disagree) };
  if (!ref['job-filters'].childElementCount) {
    radios(ref['job-filters'], [['all', t.many_all], ['disagree', t.many_disagree]], job.filter, (name) => { job.filter = name; showJob(); });
  }
  ref['job-count'].textContent = fill(t.many_count, { disagree: some.disagree.length, count: rows.length });
  const head = [t.many_photo, ...models.map((id) => model(id).title), t.many_agreement, t.many_layer];
  ref['job-table'].replaceChildren(make('table', {}, make('caption', { className: 'tm-hidden', textContent: t.many_title }),
    make('thead', {}, make('tr', {}, ...head.map((text) => make('th', { scope: 'col', textContent: text })))),
    make('tbody', {}, ...ordered(some[job.filter]).map(jobRow))));
}

function jobRow({ file, sentence, sides, disagree, agreement, layer, thumb }) {
  const name = make('span', { className: 'tm-identity', textContent: file.name });
  if (sentence) return make('tr', {}, make('th', { scope: 'row' }, name), make('td', { colSpan: job.models.length + 2, className: 'tm-soft', textContent: sentence }));
  const button = make('button', { type: 'button', className: 'tm-open' }, make('span', { className: 'tm-thumb' }, make('img', { src: thumb, alt: '' })), name);
  button.addEventListener('click', () => {
    request({ file, example: null, models: job.models, rule: job.rule });
    scrollTo(0, 0);
  });
  return make('tr', { className: disagree ? 'tm-parted' : '' }, make('th', { scope: 'row' }, button),
    ...sides.map(({ says, text }) => make('td', {}, make('span', { textContent: says + ' ' }), make('small', { textContent: text }))),
    make('td', { textContent: agreement === null ? '–' : decimal(agreement) }), make('td', { textContent: layer }));
}

const JOB_COLUMNS = ['picture', 'model', 'says', 'share', 'disagree', 'agreement', 'least_alike_at', 'problem'];
function jobNumbers() {
  const rows = ordered(job.rows).flatMap(({ file, sentence, sides, disagree, agreement, layer }) => job.models.map((id, place) => {
    const { says, share } = sides[place] || {};
    return [file.name, id, says, share, Number(disagree), agreement, layer, sentence].map(quoted).join(',');
  }));
  return [JOB_COLUMNS.join(','), ...rows, ''].join('\r\n');
}

ref['job-cancel'].addEventListener('click', () => { job.stopped = true; showJob(); });
ref['job-csv'].addEventListener('click', () => download(new Blob([jobNumbers()], { type: 'text/csv' }), 'two-minds-' + job.models.slice(0, 2).join('-') + '.csv'));
ref['job-close'].addEventListener('click', () => { job.stopped = true; ref.job.hidden = true; ref.choose.focus(); });
