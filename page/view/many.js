/* Many photos at once: one after another they are sent and asked about, and of each answer a row is kept in this tab,
   and a picture of its maps, to be saved. */

const MOST_PHOTOS = 200;
const BUSY = 2000; // milliseconds until a question is asked again that was one too many
const [GAP, LINE] = [10, 19]; // pixels of what is saved: between its pictures, and of a line of words
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
  const row = { file, sentence: '', sides: [], disagree: false, agreement: null, layer: '', thumb: '', sheet: null };
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
async function summary({ models, stops, picture: { src, small } }) {
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
    sides, thumb: canvas.toDataURL('image/jpeg', 0.8), sheet: await sheet(image, models, stops.at(-1), sides, small),
    disagree: together(models.map(({ id }) => id)) && new Set(models.map(({ says }) => says)).size > 1,
    agreement: told.length ? told.reduce((sum, [rank]) => sum + rank, 0) / told.length : null,
    layer: told.length ? models[0].layers[stops[least].layers[0]].name : '',
  };
}

/* The photo with each model's map at a stop over it, side by side, with what it says: a PNG. */
function sheet(image, models, stop, sides, small) {
  if (!image.naturalWidth) return null;
  const scale = LONGEST / Math.max(image.naturalWidth, image.naturalHeight);
  const [width, height] = [image.naturalWidth, image.naturalHeight].map((length) => Math.max(1, Math.round(length * scale)));
  const cell = Math.max(width, 240); // room for the words
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue('--tm-' + name).trim();
  const [canvas, heat] = [make('canvas', { width: models.length * (cell + GAP) + GAP, height: height + 2 * LINE + 2 * GAP }), make('canvas')];
  const context = canvas.getContext('2d');
  context.fillStyle = colour('page');
  context.fillRect(0, 0, canvas.width, canvas.height);
  models.forEach(({ title, layers, target, says }, place) => {
    const x = GAP + place * (cell + GAP);
    const write = (words, y, weight, name) => {
      context.font = weight + ' 13px ' + style.fontFamily;
      context.fillStyle = colour(name);
      context.fillText(words, x, y, cell);
    };
    write(title, GAP + 10, 650, 'text');
    write(says + ' ' + sides[place].text + (says === target ? '' : ' · ' + target), GAP + LINE + 8, 400, 'soft');
    const top = 2 * LINE + GAP;
    context.imageSmoothingEnabled = !small;
    context.drawImage(image, x, top, width, height);
    const { map } = layers[stop.layers[place]];
    if (!map.max) return;
    paint(heat, enlarge({ size: map.size, data: bytes(map.data) }, height, width), height, width, veiled(tables[state.colours]));
    context.globalAlpha = state.opacity;
    context.drawImage(heat, x, top);
    context.globalAlpha = 1;
  });
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
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
  ref['job-csv'].hidden = ref['job-zip'].hidden = !rows.length;
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
function jobNumbers(columns = JOB_COLUMNS, sheets = new Map()) {
  const rows = ordered(job.rows).flatMap((row) => job.models.map((id, place) => {
    const { file, sentence, sides, disagree, agreement, layer } = row;
    const { says, share } = sides[place] || {};
    const cells = {
      picture: file.name, model: id, says, share, disagree: Number(disagree), agreement, least_alike_at: layer, problem: sentence, sheet: sheets.get(row),
    };
    return columns.map((name) => quoted(cells[name])).join(',');
  }));
  return [columns.join(','), ...rows, ''].join('\r\n');
}

/* The table, and of each photo a PNG that is called as the photo is; of several of one name with a number. */
function jobFiles() {
  const [sheets, taken] = [new Map(), new Set(['table.csv'])];
  for (const row of ordered(job.rows).filter((each) => each.sheet)) {
    const plain = [...row.file.name].slice(0, 80).join('').replace(/\.[^.]*$/, '').replace(/[\p{Cc}<>:"/\\|?*]+/gu, '-').replace(/^[. ]+/, '') || 'photo';
    let name = plain + '.png';
    for (let number = 2; taken.has(name.toLowerCase()); number++) name = plain + '-' + number + '.png';
    taken.add(name.toLowerCase()); // a disk may take capitals for small letters
    sheets.set(row, name);
  }
  const table = jobNumbers([...JOB_COLUMNS, 'sheet'], sheets);
  return [['table.csv', new Blob([table], { type: 'text/csv' })], ...[...sheets].map(([row, name]) => [name, row.sheet])];
}

ref['job-cancel'].addEventListener('click', () => { job.stopped = true; showJob(); });
const jobName = (ending) => 'two-minds-' + job.models.slice(0, 2).join('-') + ending;
ref['job-csv'].addEventListener('click', () => download(new Blob([jobNumbers()], { type: 'text/csv' }), jobName('.csv')));
ref['job-zip'].addEventListener('click', async () => download(await zip(jobFiles()), jobName('.zip')));
ref['job-close'].addEventListener('click', () => { job.stopped = true; ref.job.hidden = true; ref.choose.focus(); });
