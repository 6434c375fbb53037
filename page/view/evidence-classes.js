/* Evidence of many classes, and the ladder; runs between common.js and evidence.js, whose small parts it uses. What the
   server answers tells classes.py; names go in by textContent. */

const SVG = 'http://www.w3.org/2000/svg';
const FEW = 12; // classes that are drawn as a table of numbers
const WIDEST = 640; // pixels of the matrix
const FINGER = 9; // pixels about a tap, within which the strongest cell is meant
const WRONG = [208, 69, 62];
const RIGHT = [61, 111, 217]; // by opacity, so that they are seen on light and on dark

const percent = (share, digits = 1) => decimal(100 * share, digits) + '\u00a0%';

function shape(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function card(name, title, ...children) {
  const node = make('figure', { className: 'tm-card tm-plot' }, make('header', {}, make('h3', { textContent: title })), ...children);
  node.dataset.classes = name;
  return node;
}

// --- the matrix -----------------------------------------------------------------------------------------------------

function matrixCard({ classes, groups, counts, most }) {
  const size = classes.length;
  const every = [...classes.keys()];
  const group = groups.flatMap(({ from, to }, place) => new Array(to - from).fill(place)); // of each class
  const count = (row, column) => counts[row * size + column];
  const totals = every.map((row) => every.reduce((sum, column) => sum + count(row, column), 0));
  const of = (place) => every.slice(groups[place].from, groups[place].to);

  const whole = { rows: every, columns: every, name: 'all' };
  const block = (row, column) => ({ rows: of(row), columns: of(column), name: row === column ? 'group-' + row : '',
    title: fill(t.zoom_block, { rows: groups[row].name, columns: groups[column].name }) });
  const pair = (first, second) => ({ rows: [first, second], columns: [first, second], name: '',
    title: fill(t.zoom_pair, { first: classes[first], second: classes[second] }) });
  const next = (view, row, column) => { // where a cell leads
    if (view === whole && groups.length && (of(group[row]).length > 1 || of(group[column]).length > 1)) return block(group[row], group[column]);
    if (view.rows.length === 2 && view.columns.length === 2) return null;
    const other = row !== column ? column : every.filter((place) => place !== row).reduce((a, b) => (count(row, b) > count(row, a) ? b : a));
    return count(row, other) ? pair(row, other) : null;
  };

  const zoom = make('select', {});
  const back = make('button', { type: 'button', className: 'tm-button', textContent: t.zoom_back });
  const closer = make('button', { type: 'button', className: 'tm-button', textContent: t.zoom_cell });
  const told = make('output', { ariaLive: 'polite' });
  const place = make('div', { className: 'tm-shown' });
  const scale = (colour, text) => make('span', {}, make('i', { style: `--tm-hue: rgb(${colour})` }), text);
  const node = card('confusion', t.confusion,
    make('figcaption', { textContent: t.confusion_text + (groups.length ? ' ' + fill(t.confusion_grouped, { groups: groups.length }) : '') }),
    make('p', { className: 'tm-scales' }, scale(RIGHT, t.scale_right), scale(WRONG, fill(t.scale_wrong, { most: percent(most, 0) }))),
    place, make('div', { className: 'tm-told' }, told, closer));
  node.firstChild.append(back, make('label', { className: 'tm-pill' }, make('span', { textContent: t.zoom }), zoom));

  const list = [['all', fill(t.zoom_all, { count: size })], ...groups.map(({ name }, index) => ['group-' + index, name])];
  let view = null;
  let cell = null; // row and column that are told of

  function tell(row, column) {
    cell = [row, column];
    const facts = { truth: classes[row], answer: classes[column], count: number(count(row, column)), total: number(totals[row]) };
    rich(told, fill(!totals[row] ? t.cell_none : row === column ? t.cell_right : t.cell, facts));
    closer.hidden = !next(view, row, column);
  }

  function show(wanted, focus = false) {
    view = wanted;
    node.dataset.view = view.name || 'other';
    options(zoom, view.name ? list : [...list, ['', view.title]], view.name);
    back.hidden = view === whole;
    const few = Math.max(view.rows.length, view.columns.length) <= FEW;
    place.replaceChildren(few ? grid() : picture());
    const strongest = view.rows.flatMap((row) => view.columns.map((column) => [row, column])).filter(([row, column]) => row !== column)
      .reduce((a, b) => (count(...b) > count(...a) ? b : a));
    if (few) tell(...strongest);
    else place.firstChild.start(...strongest);
    if (focus) (few ? back : place.querySelector('.tm-sheet')).focus({ preventScroll: true });
  }

  /* One opacity a cell: of what is right by its share, of what is wrong by the root of it, as few are often. */
  function strength(row, column) {
    const share = count(row, column) / (totals[row] || 1);
    if (!share) return 0;
    return row === column ? Math.max(0.08, share) : Math.max(0.14, Math.min(1, Math.sqrt(share / (most || 1))));
  }

  function picture() {
    const canvas = make('canvas', {});
    const spot = make('div', { className: 'tm-spot' });
    const sheet = make('div', { className: 'tm-sheet', tabIndex: 0, role: 'application', ariaLabel: fill(groups.length ? t.confusion_keys_grouped : t.confusion_keys, { count: size }) }, canvas, spot);
    const labels = make('div', { className: 'tm-group-names', ariaHidden: 'true' });
    const corner = make('p', { className: 'tm-corner', textContent: t.truth_below });
    const node = make('div', { className: 'tm-matrix' }, corner, labels, sheet);
    const { rows, columns } = view;
    let step = 1; // pixels of the page that a cell is wide
    let at = [0, 0]; // the chosen cell, by its place in the picture

    function paint() {
      const room = Math.min(WIDEST, node.clientWidth - labels.offsetWidth);
      if (room <= 0) return;
      const fine = devicePixelRatio || 1;
      const each = Math.max(1, Math.floor(room * fine / columns.length));
      step = each / fine;
      const image = new ImageData(columns.length, rows.length);
      rows.forEach((row, y) => columns.forEach((column, x) => {
        image.data.set([...(row === column ? RIGHT : WRONG), 255 * strength(row, column)], 4 * (y * columns.length + x));
      }));
      const small = new OffscreenCanvas(columns.length, rows.length);
      small.getContext('2d').putImageData(image, 0, 0);
      Object.assign(canvas, { width: columns.length * each, height: rows.length * each });
      Object.assign(canvas.style, { width: columns.length * step + 'px', height: rows.length * step + 'px' });
      const context = canvas.getContext('2d');
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, canvas.width, canvas.height);
      context.fillStyle = 'rgb(128 128 128 / .4)';
      const line = Math.max(1, Math.round(fine));
      for (let k = 1; k < columns.length; k++) if (group[columns[k]] !== group[columns[k - 1]]) context.fillRect(k * each, 0, line, canvas.height);
      for (let k = 1; k < rows.length; k++) if (group[rows[k]] !== group[rows[k - 1]]) context.fillRect(0, k * each, canvas.width, line);
      for (const label of labels.children) label.style.height = label.dataset.classes * step + 'px';
      mark();
    }

    function mark() {
      Object.assign(spot.style, { left: at[1] * step + 'px', top: at[0] * step + 'px', width: step + 'px', height: step + 'px' });
    }

    function choose(y, x) {
      at = [clamp(y, 0, rows.length - 1), clamp(x, 0, columns.length - 1)];
      mark();
      tell(rows[at[0]], columns[at[1]]);
    }

    /* The cell under a pointer; under a finger the strongest wrong one near it. */
    function under(event) {
      const box = canvas.getBoundingClientRect();
      const y = clamp(Math.floor((event.clientY - box.top) / step), 0, rows.length - 1);
      const x = clamp(Math.floor((event.clientX - box.left) / step), 0, columns.length - 1);
      if (event.pointerType !== 'touch') return [y, x];
      const reach = Math.floor(FINGER / step);
      let best = [y, x];
      for (let j = Math.max(0, y - reach); j <= Math.min(rows.length - 1, y + reach); j++) {
        for (let i = Math.max(0, x - reach); i <= Math.min(columns.length - 1, x + reach); i++) {
          if (rows[j] === columns[i]) continue;
          const [row, column] = [rows[best[0]], columns[best[1]]];
          if (row === column || count(rows[j], columns[i]) > count(row, column)) best = [j, i];
        }
      }
      return count(rows[best[0]], columns[best[1]]) ? best : [y, x];
    }

    /* The first class of the group before or after. */
    function jump(y, by) {
      const starts = [...rows.keys()].filter((k) => !k || group[rows[k]] !== group[rows[k - 1]]);
      return (by > 0 ? starts.find((start) => start > y) : starts.findLast((start) => start < y)) ?? y;
    }

    sheet.addEventListener('pointermove', (event) => { if (event.pointerType !== 'touch') choose(...under(event)); });
    sheet.addEventListener('click', (event) => {
      choose(...under(event));
      if (event.pointerType !== 'touch') closer.click();
    });
    sheet.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const [y, x] = at;
      const target = { ArrowUp: [y - 1, x], ArrowDown: [y + 1, x], ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1],
        PageUp: [jump(y, -1), x], PageDown: [jump(y, 1), x], Home: [y, 0], End: [y, columns.length - 1] }[event.key];
      if (target) choose(...target);
      else if (event.key === 'Enter' && !closer.hidden) show(next(view, ...cell), true);
      else if (event.key === 'Escape' && view !== whole) show(whole, true);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    if (view === whole) {
      labels.append(...groups.map(({ name, from, to }, index) => {
        const label = make('button', { type: 'button', tabIndex: -1, textContent: name, title: name });
        label.dataset.classes = to - from;
        label.addEventListener('click', () => show(block(index, index), true));
        return label;
      }));
    }
    new ResizeObserver(paint).observe(node);
    node.start = (row, column) => choose(Math.max(0, rows.indexOf(row)), Math.max(0, columns.indexOf(column)));
    return node;
  }

  function grid() {
    const { rows, columns } = view;
    const rest = columns.length < size;
    const head = (text) => make('th', { scope: 'col' }, make('span', { textContent: text }));
    const body = rows.map((row) => {
      const cells = columns.map((column) => {
        const text = number(count(row, column));
        const cell = make('td', { style: `background: rgb(${(row === column ? RIGHT : WRONG).join(' ')} / ${(strength(row, column) * 0.62).toFixed(3)})` });
        const leads = row !== column && count(row, column) && next(view, row, column);
        if (leads) {
          const button = make('button', { type: 'button', textContent: text,
            ariaLabel: fill(t.cell, { truth: classes[row], answer: classes[column], count: text, total: number(totals[row]) }).replaceAll('**', '') });
          button.addEventListener('click', () => show(leads, true));
          button.addEventListener('focus', () => tell(row, column));
          cell.append(button);
        } else cell.textContent = text;
        cell.addEventListener('pointerenter', () => tell(row, column));
        cell.addEventListener('click', () => tell(row, column));
        return cell;
      });
      if (rest) cells.push(make('td', { className: 'tm-soft', textContent: number(totals[row] - columns.reduce((sum, column) => sum + count(row, column), 0)) }));
      return make('tr', {}, make('th', { scope: 'row', textContent: classes[row] }), ...cells);
    });
    const corner = make('td', { className: 'tm-corner', textContent: t.truth_below });
    return make('div', { className: 'tm-cells' }, make('table', {}, make('caption', { className: 'tm-hidden', textContent: view.title || t.confusion }),
      make('thead', {}, make('tr', {}, corner, ...columns.map((column) => head(classes[column])), rest ? head(t.elsewhere) : '')), make('tbody', {}, ...body)));
  }

  zoom.addEventListener('change', () => {
    if (zoom.value === 'all') show(whole);
    else if (zoom.value) show(block(...[zoom.value.slice(6), zoom.value.slice(6)].map(Number)));
  });
  back.addEventListener('click', () => show(whole, true));
  closer.addEventListener('click', () => { if (!closer.hidden) show(next(view, ...cell), true); });
  place.addEventListener('keydown', (event) => { if (event.key === 'Escape' && view !== whole) show(whole, true); });
  show(whole);
  node.pair = (first, second) => {
    show(pair(first, second), true);
    node.scrollIntoView();
  };
  return node;
}

// --- lists ----------------------------------------------------------------------------------------------------------

function pairsCard({ classes, pairs }, matrix) {
  const most = Math.max(1, ...pairs.map(({ there, back }) => there + back));
  const rows = pairs.map(({ first, second, there, back, of }) => {
    const bar = make('span', { className: 'tm-twofold', ariaHidden: 'true' }, ...[there, back].map((part) => make('i', { style: `width: ${100 * part / most}%` })));
    const button = make('button', { type: 'button' }, make('b', { textContent: classes[first] + ' → ' + classes[second] }), bar,
      make('small', { textContent: fill(t.pair_counts, { there, back, of: number(of) }) }));
    button.addEventListener('click', () => matrix.pair(first, second));
    return make('li', {}, button);
  });
  return card('pairs', t.pairs, make('figcaption', { textContent: t.pairs_text }), make('ol', { className: 'tm-ranks' }, ...rows));
}

function endCard(name, title, { classes }, list) {
  const rows = list.map(({ place, share, low, high, right, of, precise, taken }) => {
    const more = [precise && fill(t.of_so_called, { share: precise }), taken && fill(t.taken_for, { name: classes[taken.place], count: number(taken.count) })];
    const line = make('span', { className: 'tm-range', ariaHidden: 'true' }, make('i', { style: `left: ${100 * low}%; right: ${100 - 100 * high}%` }), make('b', { style: `left: ${100 * share}%` }));
    return make('li', {}, make('b', { textContent: classes[place] }), line, make('span', { textContent: number(right) + ' / ' + number(of) }),
      make('small', { textContent: more.filter(Boolean).join(' · ') }));
  });
  return card(name, title, make('figcaption', { textContent: t.ends_text }), make('ol', { className: 'tm-ends' }, ...rows));
}

function insideCard({ errors }) {
  const parts = [['right', t.inside_right], ['within', t.inside_within], ['across', t.inside_across]];
  const head = [make('td', {}), make('td', {}), ...parts.map(([name, text]) => make('th', { scope: 'col' }, make('i', { className: 'tm-' + name, ariaHidden: 'true' }), make('span', { textContent: text })))];
  const body = errors.groups.map((row) => make('tr', {}, make('th', { scope: 'row', textContent: row.name }),
    make('td', { ariaHidden: 'true' }, make('span', { className: 'tm-stack' }, ...parts.map(([name]) => make('i', { className: 'tm-' + name, style: `width: ${100 * row[name]}%` })))),
    ...parts.map(([name]) => make('td', { textContent: percent(row[name]) }))));
  return card('inside', t.inside, ...errors.told.map((text) => rich(make('p'), text)),
    make('table', { className: 'tm-inside' }, make('caption', { className: 'tm-hidden', textContent: t.inside }), make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...body)));
}

// --- reliability and members ----------------------------------------------------------------------------------------

function surenessCard({ reliability, members }) {
  const [left, top, side] = [66, 8, 300];
  const x = (share) => left + side * share;
  const y = (share) => top + side * (1 - share);
  const ticks = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
    shape('path', { class: 'tm-grid', d: `M${x(share)} ${y(0)}V${y(1)}M${x(0)} ${y(share)}H${x(1)}` }),
    shape('text', { x: x(share), y: y(0) + 16, 'text-anchor': 'middle' }, percent(share, 0)),
    shape('text', { x: x(0) - 7, y: y(share) + 4, 'text-anchor': 'end' }, percent(share, 0))]);
  const largest = Math.max(...reliability[0].bins.map(({ n }) => n));
  const lines = reliability.map(({ bins }, index) => {
    const line = shape('g', { class: index ? 'tm-thin' : 'tm-chosen', style: `--tm-hue: var(--tm-line-${index})` },
      shape('path', { d: bins.map(({ confidence, accuracy }, k) => `${k ? 'L' : 'M'}${x(confidence).toFixed(1)} ${y(accuracy).toFixed(1)}`).join('') }));
    if (!index) {
      line.append(...bins.flatMap(({ confidence, accuracy, low, high, n }) => [
        shape('path', { class: 'tm-bar', d: `M${x(confidence)} ${y(low)}V${y(high)}` }),
        shape('circle', { cx: x(confidence), cy: y(accuracy), r: (2 + 4 * Math.sqrt(n / largest)).toFixed(1) })]));
    }
    return line;
  });
  const named = reliability.map(({ title, error }) => `${title}: ${t.gap} ${error}`);
  const drawing = shape('svg', { viewBox: `0 0 ${left + side + 12} ${top + side + 40}`, role: 'img', 'aria-label': `${t.sureness}. ${named.join('; ')}.` },
    ...ticks, shape('path', { class: 'tm-even', d: `M${x(0)} ${y(0)}L${x(1)} ${y(1)}` }),
    shape('text', { x: x(0.5), y: y(0) + 34, 'text-anchor': 'middle' }, t.sure),
    shape('text', { transform: `translate(11 ${y(0.5)}) rotate(-90)`, 'text-anchor': 'middle' }, t.right), ...lines.slice().reverse());
  const keys = reliability.map(({ title, error }, index) => {
    const key = make('li', { style: `--tm-hue: var(--tm-line-${index})` }, make('i', { ariaHidden: 'true' }), make('span', { textContent: title }), make('small', { textContent: error }));
    for (const [type, on] of [['pointerenter', true], ['pointerleave', false]]) key.addEventListener(type, () => lines[index].classList.toggle('tm-strong', on));
    return key;
  });
  const others = { others: members ? t.sureness_members : t.sureness_others, fewest: catalog.fewest };
  return card('reliability', t.sureness, make('figcaption', { textContent: reliability.length > 1 ? fill(t.sureness_text, others) : t.sureness_alone }), drawing,
    make('p', { className: 'tm-gap', textContent: t.gap }), make('ul', { className: 'tm-keys' }, ...keys));
}

function membersCard({ members }) {
  const most = Math.max(0.01, ...members.rows.map(({ adds }) => Math.abs(adds)));
  const head = [t.member, t.alone, t.without, t.adds].map((text) => make('th', { scope: 'col', textContent: text }));
  const body = members.rows.map(({ title, alone, without, adds, text }) => make('tr', {}, make('th', { scope: 'row', textContent: title }),
    make('td', { textContent: alone }), make('td', { textContent: without }),
    make('td', {}, make('span', { className: 'tm-adds' }, make('i', { className: adds < 0 ? 'tm-across' : 'tm-right', style: `width: ${100 * Math.abs(adds) / most}%` })), make('span', { textContent: text }))));
  return card('members', t.adding, rich(make('figcaption'), members.told), make('table', { className: 'tm-members' },
    make('caption', { className: 'tm-hidden', textContent: t.adding }), make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...body)));
}

/* A long card beside short ones, one above the other; without it these side by side. */
const beside = (long, short) => (long ? [long, make('div', { className: 'tm-column' }, ...short)] : short);

function showClasses(answer) {
  const matrix = matrixCard(answer);
  ref['many-body'].replaceChildren(rich(make('p', { className: 'tm-fine' }), answer.told),
    make('div', { className: 'tm-two tm-first' }, matrix, pairsCard(answer, matrix)),
    make('div', { className: 'tm-two' },
      endCard('best', answer.worst.length ? t.best : t.every_class, answer, answer.best),
      answer.worst.length ? endCard('worst', t.worst, answer, answer.worst) : '',
      ...beside(answer.errors ? insideCard(answer) : '', [surenessCard(answer), answer.members ? membersCard(answer) : ''])));
}

/* Which models of many classes there are. */
function showMany(models) {
  ref.many.hidden = !models.length;
  for (const button of ref.jumps.querySelectorAll('[data-jump="many"]')) button.hidden = !models.length;
  if (!models.length) return;
  options(ref['many-model'], models.map(({ id, title }) => [id, title]));
  const choose = () => load(ref['many-body'], 'classes', { model: ref['many-model'].value }, showClasses);
  ref['many-model'].onchange = choose;
  choose();
}

// --- the ladder -----------------------------------------------------------------------------------------------------

function showLadder(steps) {
  if (!steps.length) return ref.ladder.replaceChildren();
  const shares = steps.flatMap(({ ours, original }) => [...ours, ...(original ? original.shares : [])]);
  const [low, high] = [Math.floor(10 * Math.min(...shares)) / 10, Math.ceil(10 * Math.max(...shares)) / 10];
  const at = (share) => (4 + 192 * (share - low) / (high - low)).toFixed(1);
  const strip = ({ ours: [share, ...interval], original }) => {
    const theirs = original ? original.shares : [];
    return shape('svg', { viewBox: '0 0 200 24', 'aria-hidden': 'true' }, shape('path', { class: 'tm-grid', d: `M${at(low)} 2V22M${at((low + high) / 2)} 2V22M${at(high)} 2V22` }),
      ...(theirs.length > 1 ? [shape('path', { class: 'tm-span', d: `M${at(theirs[0])} 12H${at(theirs[1])}` })] : []),
      ...theirs.map((value) => shape('path', { class: 'tm-diamond', d: `M${at(value)} 6.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z` })),
      ...(interval.length ? [shape('path', { class: 'tm-bar', d: `M${at(interval[0])} 12H${at(interval[1])}` })] : []), shape('circle', { cx: at(share), cy: 12, r: 4 }));
  };
  const axis = make('td', { className: 'tm-dots', ariaHidden: 'true' }, make('span', {}, ...[low, (low + high) / 2, high].map((share) => make('small', { textContent: percent(share, 0) }))));
  const column = (text) => make('th', { scope: 'col', textContent: text });
  const body = steps.map((step) => {
    const { title, adds, test, validation, parameters, trained, original } = step;
    const named = (text, node) => { node.dataset.column = text; return node; };
    return make('tr', {}, make('th', { scope: 'row' }, make('b', { textContent: title }), make('small', { textContent: adds })),
      make('td', { className: 'tm-dots', ariaHidden: 'true' }, strip(step)),
      named(t.ladder_ours, make('td', {}, make('b', { textContent: test.accuracy }), ' ', make('small', { textContent: test.interval }))),
      named(t.ladder_original, make('td', {}, ...(original ? [original.text ? make('b', { textContent: original.text }) : '', ' ', make('small', { textContent: original.what })] : ['–']))),
      named(t.validation, make('td', { textContent: validation ? validation.accuracy : '–' })),
      named(t.ladder_parameters, make('td', { textContent: parameters || '–' })),
      named(t.ladder_trained, make('td', {}, make('small', { textContent: trained.join(', ') }))));
  });
  ref.ladder.replaceChildren(make('h3', { textContent: t.ladder }), make('p', { className: 'tm-fine', textContent: t.ladder_text }),
    make('div', { className: 'tm-card tm-figures tm-ladder' }, make('table', {}, make('caption', { className: 'tm-hidden', textContent: t.ladder }),
      make('thead', {}, make('tr', {}, column(t.ladder_step), axis, ...[t.ladder_ours, t.ladder_original, t.validation, t.ladder_parameters, t.ladder_trained].map(column))),
      make('tbody', {}, ...body))));
}
