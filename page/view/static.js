/* The way from one page of the static site to another, with what is shown and how deep; runs behind document.js. */

const ways = [...document.querySelectorAll('.tm-site a[data-way]')];
for (const way of ways) way.hash = location.hash;
root.addEventListener('tm-view', () => {
  const shown = new URLSearchParams();
  if (state.result && state.stop < state.result.stops.length - 1) shown.set('depth', String(Number(stopNow().depth.toFixed(3))));
  if (state.mode !== 'overlay') shown.set('view', state.mode);
  for (const way of ways) way.hash = String(shown);
});
const current = document.querySelector('.tm-site .tm-pictures [aria-current]');
if (current) current.parentElement.scrollLeft = current.offsetLeft - current.parentElement.offsetLeft - 60; // among many it may be out of sight
