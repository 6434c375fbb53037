/* What can be taken along: what is on the screen as a PNG, the numbers as CSV, the whole comparison as one HTML file. */

const WIDE = 1200;
const EDGE = 28;

function lines(context, text, width) {
  const result = [''];
  for (const word of text.split(' ')) {
    const longer = result.at(-1) ? result.at(-1) + ' ' + word : word;
    if (context.measureText(longer).width > width && result.at(-1)) result.push(word);
    else result[result.length - 1] = longer;
  }
  return result;
}

function drawStage(context, name, x, y, width, height) {
  context.save();
  context.beginPath();
  context.roundRect(x, y, width, height, 8);
  context.clip();
  context.fillStyle = getComputedStyle(stage(name)).backgroundColor;
  context.fillRect(x, y, width, height);
  if (state.mode === 'features' && name !== 'difference') {
    drawTiles(context, name, x, y, width, height);
    return context.restore();
  }
  const box = stage(name).getBoundingClientRect();
  const inner = plane(name).getBoundingClientRect();
  const ratio = width / box.width;
  const place = [x + (inner.left - box.left) * ratio, y + (inner.top - box.top) * ratio, inner.width * ratio, inner.height * ratio];
  const [image, canvas] = plane(name).children;
  const smooth = state.mode === 'overlay' || name === 'difference';
  context.imageSmoothingEnabled = smooth && !state.result.picture.small;
  context.filter = getComputedStyle(image).filter;
  if (image.style.visibility !== 'hidden') context.drawImage(image, ...place);
  context.imageSmoothingEnabled = smooth;
  context.filter = 'none';
  context.globalAlpha = Number(canvas.style.opacity || 1);
  context.drawImage(canvas, ...place);
  context.restore();
}

function drawTiles(context, place, x, y, width, height) {
  const tiles = [...ref['tiles-' + place].querySelectorAll('canvas')];
  const across = Math.ceil(Math.sqrt(tiles.length));
  context.imageSmoothingEnabled = false;
  tiles.forEach((canvas, index) => {
    const [wide, high] = [width / across, height / Math.ceil(tiles.length / across)];
    context.drawImage(canvas, x + (index % across) * wide + 1, y + Math.floor(index / across) * high + 1, wide - 2, high - 2);
  });
}

/* The colour of a bar, as on the page: the likeliest class stands out; where the right one is known, it does. */
function barColour({ share, right }, best, truth) {
  if (!root.hasAttribute('data-many')) return share === best ? 'accent' : 'second';
  if (truth && right) return { first: 'accent', among: 'among' }[truth.tone];
  return truth && truth.tone === 'absent' && share === best ? 'absent' : 'second';
}

/* What a place says where there is room. */
const said = (node) => (node.querySelector('.tm-long') || node).textContent;

function compose() {
  const { result } = state;
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue('--tm-' + name).trim();
  const font = (weight, size) => { context.font = weight + ' ' + size + 'px ' + style.fontFamily; };
  const canvas = document.createElement('canvas');
  let context = canvas.getContext('2d');
  const count = places.length;
  const [row, side] = [count > 2, (WIDE - (count + 1) * EDGE) / count];
  const [labelled, valued] = row ? [78, 46] : [100, 60]; // room for a bar's name and number
  const aspect = result.picture.width / result.picture.height;
  const high = Math.min(side / aspect, 620);
  const wide = high * aspect;
  const small = row || (apart() && !result.contrast) || state.mode === 'features' ? 0 : Math.min(300, 300 / aspect);
  const beside = small ? EDGE * 2 + small * aspect : EDGE; // of the difference
  const bars = result.models[0].bars.length * 22 + (result.models.some(({ truth }) => truth) ? 20 : 0);
  const curved = row ? 110 : 210;
  const words = (state.mode === 'features' ? stopNow().channels : stopNow().words).map(({ text }) => text.replaceAll('**', ''));
  font(400, 15);
  const told = words.map((text) => lines(context, text, WIDE - EDGE - beside));
  const below = Math.max(small, told.reduce((sum, part) => sum + part.length * 21 + 7, 0));
  const top = 118 + bars;
  const total = top + high + (row ? 54 : 34) + curved + 30 + below + 76;
  [canvas.width, canvas.height] = [WIDE * 2, Math.ceil(total) * 2];
  context = canvas.getContext('2d');
  context.scale(2, 2);
  context.fillStyle = colour('page');
  context.fillRect(0, 0, WIDE, total);
  const write = (text, x, y, weight, size, paint = 'text', align = 'left', most = undefined) => {
    font(weight, size);
    context.fillStyle = colour(paint);
    context.textAlign = align;
    context.fillText(text, x, y, most);
  };
  write(catalog.name, EDGE, 40, 700, 22);
  const [, question, facts] = headlines();
  write([state.about.picture, facts].filter(Boolean).join(' · '), WIDE - EDGE, 40, 400, 14, 'soft', 'right', WIDE - 2 * EDGE - 160);
  for (const place of places) {
    const x = EDGE + place * (side + EDGE);
    const { title, detail, accuracy, truth, bars: shown } = result.models[place];
    write(title, x, 76, 650, row ? 14 : 17, 'text', 'left', row ? side : undefined);
    write(row ? accuracy : detail, x, 96, 400, 13, 'soft', 'left', side);
    if (!row) write(accuracy, x + side, 76, 400, 13, 'soft', 'right');
    const best = Math.max(...shown.map(({ share }) => share));
    shown.forEach((bar, line) => {
      const y = 118 + line * 22;
      const label = bar.right && truth ? fill(t.right, bar) : bar.name;
      write(label, x, y, 400, 13, 'text', 'left', labelled - 8);
      write(bar.text, x + side, y, 400, 13, 'text', 'right');
      context.fillStyle = colour('track');
      context.fillRect(x + labelled, y - 9, side - labelled - valued, 9);
      context.fillStyle = colour(barColour(bar, best, truth));
      context.fillRect(x + labelled, y - 9, (side - labelled - valued) * bar.share, 9);
    });
    if (truth) write(truth.text.replaceAll('**', ''), x, 116 + shown.length * 22, 400, 13, 'soft', 'left', side);
    drawStage(context, place, x + (side - wide) / 2, top, wide, high);
    const told = ['evidence', 'chip'].map((name) => ref[name + '-' + place].textContent).filter(Boolean).join(' · ');
    write(told, x + side / 2, top + high + 18, 400, 13, 'soft', 'center', side);
    const alike = [...ref['against-' + place].children].map(({ textContent }) => textContent).join(' ');
    if (row) write(alike, x + side / 2, top + high + 38, 400, 13, 'text', 'center', side);
  }
  let y = top + high + (row ? 54 : 34);
  write(said(ref.legend), EDGE, y + 12, 400, 12.5, 'soft');
  write([ref.where, ref.rank, ref.luck].map(said).join(' '), WIDE - EDGE, y + 12, 400, 12.5, 'text', 'right');
  const curve = document.createElement('canvas');
  [curve.width, curve.height] = [(WIDE - 2 * EDGE) * 2, curved * 2];
  const inner = curve.getContext('2d');
  inner.scale(2, 2);
  drawCurve(inner, WIDE - 2 * EDGE, curved, style);
  context.drawImage(curve, EDGE, y + 18, WIDE - 2 * EDGE, curved);
  y += curved + 30;
  if (small) drawStage(context, 'difference', EDGE, y, small * aspect, small);
  const ends = ['end-first', 'end-middle', 'end-second'].map((name) => ref[name].textContent);
  if (small) {
    context.drawImage(ref['ends-bar'], EDGE, y + small + 8, small * aspect, 6);
    write(ends[0], EDGE, y + small + 30, 400, 12.5, 'soft');
    write(ends[2], EDGE + small * aspect, y + small + 30, 400, 12.5, 'soft', 'right');
  }
  let line = y + 15;
  for (const part of told) {
    for (const text of part) {
      write(text, beside, line, 400, 15);
      line += 21;
    }
    line += 7;
  }
  const foot = total - 22;
  if (question) write(question.replaceAll('**', ''), EDGE, foot, 400, 12.5, 'soft', 'left', WIDE - 2 * EDGE - 260);
  if (['overlay', 'map', 'features'].includes(state.mode)) { // the scale of all maps
    font(400, 12.5);
    const [much, little] = [t.much, t.little].map((text) => context.measureText(text).width);
    const bar = WIDE - EDGE - much - 8 - 110;
    write(t.much, WIDE - EDGE, foot, 400, 12.5, 'soft', 'right');
    context.drawImage(ref['heat-bar'], bar, foot - 8, 110, 8);
    write(t.little, bar - 8, foot, 400, 12.5, 'soft', 'right');
    write(state.mode === 'features' ? '' : t.evidence_scale, bar - 16 - little, foot, 400, 12.5, 'soft', 'right');
  }
  return canvas;
}

/* What stands above it: the models and the picture; the question that they answer; class, method and date. */
function headlines() {
  const { models, target, rule } = state.result;
  const names = models.length > 2 ? models.map(({ name }) => name).join(', ') : models.map(({ title }) => title).join(' | ');
  const { picture: shown, question, date } = state.about;
  const { title } = catalog.rules.find(({ name }) => name === rule) || { title: rule };
  return [shown ? fill(t.between, { names, picture: shown }) : names, question || '', [title, target.text, date].filter(Boolean).join(' · ')];
}

/* A file's name that says what it shows: models, picture, class, method, and of one layer that one. */
function fileName(ending, layer = '') {
  const { models, rule } = state.result;
  const targets = [...new Set(models.map(({ target }) => target))].join('-');
  const parts = ['two-minds', models.map(({ id }) => id).slice(0, 2).join('-'), state.about.picture, targets, rule, layer];
  const plain = parts.filter(Boolean).map((part) => part.normalize('NFKD').replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 60));
  return plain.filter(Boolean).join('_').toLowerCase() + ending;
}

/* A cell of a CSV file. */
const quoted = (value) => (/[",\r\n]/.test(String(value)) ? '"' + String(value).replaceAll('"', '""') + '"' : String(value ?? ''));

/* All numbers, a line for each model at each stop: the columns are those of explain.tables. */
function numbers() {
  const { models, stops, rule, reference } = state.result;
  const rows = stops.flatMap(({ layers, depth, versus }, stop) => models.map(({ id, says, bars, target }, place) => {
    const { address, map } = models[place].layers[layers[place]];
    const told = apart(place) ? null : versus[place];
    const luck = (told && told.band && told.band.rank) || [];
    const cells = {
      picture: state.about.picture || '0', rule, stop: stop + 1, depth, model: id, layer: address, height: map.size[0], width: map.size[1],
      target, says, share: (bars.find((bar) => bar.name === says) || {}).share, maximum: map.max,
      reference: told && models[reference].id, rank: told && told.rank, overlap: told && told.overlap,
      luck_low: luck[0], luck_middle: luck[1], luck_high: luck[2],
    };
    return catalog.columns.map((name) => quoted(cells[name])).join(',');
  }));
  return [catalog.columns.join(','), ...rows, ''].join('\r\n');
}

/* The whole comparison in one file that needs no server: what `shell` is asked for, and the message in it. */
async function page(shell) {
  const { before, behind } = await shell();
  const { depth, mode, colours, opacity, order, picked } = state;
  const about = { ...state.about, date: new Date().toISOString().slice(0, 10) };
  const kept = '{"message":' + state.source + ',"view":' + JSON.stringify({ depth, mode, colours, opacity, order, picked }) + ',"about":' + JSON.stringify(about) + '}';
  return before + kept.replaceAll('<', '\\u003c') + behind;
}

const { save } = ref;
const saveMenu = ref['save-menu'];
save.addEventListener('click', () => {
  if (!state.result) return;
  ref['save-told'].textContent = '';
  saveMenu.togglePopover();
});
saveMenu.addEventListener('toggle', ({ newState }) => {
  const open = newState === 'open';
  save.setAttribute('aria-expanded', open);
  if (!open) return;
  const [box, own] = [save.getBoundingClientRect(), saveMenu.getBoundingClientRect()];
  saveMenu.style.left = clamp(box.right - own.width, 8, Math.max(8, innerWidth - own.width - 8)) + 'px';
  saveMenu.style.top = (box.bottom + own.height + 8 < innerHeight ? box.bottom + 5 : Math.max(8, box.top - own.height - 5)) + 'px';
  saveMenu.querySelector('button').focus();
});
saveMenu.addEventListener('keydown', (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const all = [...saveMenu.querySelectorAll('button')].filter((button) => !button.hidden);
  all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
});
function saves(name, make) {
  ref['save-' + name].addEventListener('click', async () => {
    try {
      await make();
      saveMenu.hidePopover();
      save.focus();
    } catch {
      ref['save-told'].textContent = t.save_fails;
    }
  });
}
const layersShown = () => [...new Set(places.map((place) => layerNow(place).name))].slice(0, 2).join(' ');
saves('picture', async () => {
  const blob = await new Promise((resolve) => compose().toBlob(resolve, 'image/png'));
  download(blob, fileName('.png', layersShown()));
});
saves('numbers', () => download(new Blob([numbers()], { type: 'text/csv' }), fileName('.csv')));
ref['save-page'].hidden = true; // a saved page is one already
function offerPage(shell) {
  ref['save-page'].hidden = false;
  saves('page', async () => download(new Blob([await page(shell)], { type: 'text/html' }), fileName('.html')));
}
