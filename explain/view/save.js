/* Saves what is on the screen as a PNG. */

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
  const small = row || apart() || state.mode === 'features' ? 0 : Math.min(300, 300 / aspect);
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
  const rule = catalog.rules.find(({ name }) => name === result.rule).title;
  write(rule + ' · ' + result.target.text, WIDE - EDGE, 40, 400, 14, 'soft', 'right');
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
  write(ref.legend.textContent, EDGE, y + 12, 400, 12.5, 'soft');
  write([ref.where, ref.rank, ref.luck].map(({ textContent }) => textContent).join(' '), WIDE - EDGE, y + 12, 400, 12.5, 'text', 'right');
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
  return canvas;
}

ref.save.textContent = t.save;
ref.save.title = t.save_title;
ref.save.addEventListener('click', () => {
  if (!state.result) return;
  const name = 'two-minds-' + layerNow(0).name.replace(/\W+/g, '-') + '.png';
  compose().toBlob((blob) => download(blob, name), 'image/png');
});
