/* Are the maps what the models rest on? Measured when somebody asks, and shown over the page. */

const measuring = { ticket: null, answer: null }; // ticket: of what is being measured
const CHART = [440, 200]; // pixels

const faithfulButton = make('button', { type: 'button', className: 'tm-link tm-faithful', textContent: t.faithful, title: t.faithful_title });
ref.third.querySelector('header').append(faithfulButton);

async function measure() {
  const { file, example, models, rule, target } = asking.shown;
  const ticket = (measuring.ticket = secret());
  ref['faithful-shown'].replaceChildren();
  ref['faithful-error'].textContent = '';
  ref['faithful-wait'].hidden = false;
  ref['faithful-share'].value = 0;
  ref['faithful-left'].textContent = '';
  ref.faithfulness.showModal();
  const mine = () => measuring.ticket === ticket;
  const follow = async () => {
    while (mine()) {
      const told = await server.progress(ticket).catch(() => null);
      if (told && mine()) {
        ref['faithful-share'].value = told.share;
        ref['faithful-left'].textContent = progressText(told);
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY));
    }
  };
  follow();
  let error = t.no_answer;
  let answer = null;
  try {
    const upload = file ? await sent.get(file) : null;
    answer = await question({ ask: 0, upload, example: file ? null : example, models, rule, target, ticket, about: 'faithfulness', depth: stopNow().depth });
    if (answer.kind !== 'faithfulness') [error, answer] = [answer.sentence, null];
  } catch { /* it is told */ }
  if (!mine()) return;
  measuring.ticket = null;
  ref['faithful-wait'].hidden = true;
  if (answer) showFaithful(answer);
  else ref['faithful-error'].textContent = error;
}

function stopMeasuring() {
  if (measuring.ticket) server.cancel(measuring.ticket).catch(() => {});
  measuring.ticket = null;
  if (ref.faithfulness.open) ref.faithfulness.close();
}

function showFaithful(answer) {
  measuring.answer = answer;
  for (const { map, randomised } of answer.models) {
    for (const each of [map, ...(randomised || []).map((stage) => stage.map)]) each.data = bytes(each.data);
  }
  ref['faithful-shown'].replaceChildren(
    make('div', { className: 'tm-measured' }, ...answer.models.map((side, place) => faithfulSide(side, place, answer))),
    make('div', { className: 'tm-said' }, ...answer.words.map(({ text, tone }) => rich(make('p', { className: tone === 'warn' ? 'tm-amber' : '' }), text))),
  );
}

function faithfulSide(side, place, { shares, models }) {
  const { name, target, srg, baselines, cross, most, least, randomised } = side;
  const chart = make('canvas', { role: 'img' });
  const half = Math.floor(shares.length / 2);
  const percent = (value) => Math.round(100 * value);
  chart.setAttribute('aria-label', fill(t.faithful_chart, { name, target: target.toLowerCase(), most: percent(most[half]), least: percent(least[half]) }));
  const colour = place ? 'blue' : 'red';
  drawFaithful(chart, side, shares, colour, place ? 'red' : 'blue');
  const key = (className, text, tint) => {
    const line = make('i', { className });
    if (tint) line.style.setProperty('--line', 'var(--tm-' + tint + ')');
    return make('span', {}, line, text);
  };
  const stages = make('div', { className: 'tm-random' }, ...(randomised
    ? [[side.map, t.random_trained], ...randomised.map(({ layer, map, rank }) => [map, fill(t.random_stage, { layer, rank: rank === null ? '–' : decimal(rank) })])].map(([map, text]) => smallMap(map, text))
    : [make('p', { className: 'tm-fine', textContent: t.random_none })]));
  return make('section', {},
    make('h4', { textContent: name + ': ' + fill(t.faithful_share, { target: target.toLowerCase() }) }), chart,
    make('p', { className: 'tm-key' }, key('', t.faithful_most, colour), key('tm-thin', t.faithful_least, colour), key('tm-dotted', t.faithful_cross, place ? 'red' : 'blue'), key('tm-grey', t.faithful_band)),
    make('p', { textContent: fill(t.faithful_gain, { srg: decimal(srg), baselines: decimal(baselines), cross: decimal(cross.srg) }) }),
    make('h5', { textContent: t.random_title }), make('p', { className: 'tm-fine', textContent: t.random_about }), stages);
}

/* A map over the photo, small. */
function smallMap(map, text) {
  const canvas = make('canvas', { width: 144, height: 108 });
  const context = canvas.getContext('2d');
  cover(context, picture, 0, 0, 144, 108);
  if (map.max) {
    const heat = document.createElement('canvas');
    paint(heat, enlarge(map, 54, 72), 54, 72, veiled(tables[state.colours]));
    context.globalAlpha = 0.8;
    cover(context, heat, 0, 0, 144, 108, state.result.picture.width / state.result.picture.height);
  }
  canvas.setAttribute('aria-hidden', 'true');
  return make('figure', {}, canvas, make('figcaption', { textContent: text }));
}

/* Both curves of a model, by its own map and by the other's, over the band of maps that know no model. */
function drawFaithful(canvas, { most, least, band, cross }, shares, colour, other) {
  const [width, height] = CHART;
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  const context = canvas.getContext('2d');
  context.scale(devicePixelRatio, devicePixelRatio);
  const style = getComputedStyle(root);
  const tint = (name) => style.getPropertyValue('--tm-' + name).trim();
  const [left, right, top, bottom] = [44, 6, 6, 20];
  const x = (share) => left + share * (width - left - right);
  const y = (value) => top + (1 - value) * (height - top - bottom);
  context.font = '11px ' + style.fontFamily;
  context.fillStyle = tint('soft');
  context.strokeStyle = tint('line');
  for (const value of [0, 0.5, 1]) {
    context.textAlign = 'right';
    context.fillText(Math.round(100 * value) + ' %', left - 5, y(value) + 4);
    context.beginPath();
    context.moveTo(left, y(value));
    context.lineTo(width - right, y(value));
    context.stroke();
  }
  context.textAlign = 'left';
  context.fillText('0', left, height - 6);
  context.textAlign = 'right';
  context.fillText('100 % ' + t.faithful_axis, width - right, height - 6);
  context.fillStyle = tint('band');
  context.globalAlpha = 0.65;
  for (const way of [band.most, band.least]) {
    context.beginPath();
    way.forEach(([low], index) => context.lineTo(x(shares[index]), y(low)));
    [...way].reverse().forEach(([, high], index) => context.lineTo(x(shares[shares.length - 1 - index]), y(high)));
    context.fill();
  }
  context.globalAlpha = 1;
  const line = (values, paint, wide, dash) => {
    context.strokeStyle = tint(paint);
    context.lineWidth = wide;
    context.setLineDash(dash);
    context.beginPath();
    values.forEach((value, index) => context.lineTo(x(shares[index]), y(value)));
    context.stroke();
    context.setLineDash([]);
  };
  line(cross.most, other, 1.6, [4, 3]);
  line(least, colour, 1.3, []);
  line(most, colour, 2.6, []);
}

faithfulButton.addEventListener('click', measure);
for (const name of ['faithful-close', 'faithful-cancel']) ref[name].addEventListener('click', stopMeasuring);
ref.faithfulness.addEventListener('close', stopMeasuring);
ref.faithfulness.addEventListener('click', (event) => { if (event.target === event.currentTarget) stopMeasuring(); });
