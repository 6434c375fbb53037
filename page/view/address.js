/* What is shown, in the address behind its #, where Compare and Evidence find it: so back, forward, reload and a link
   bring it again. None of it goes to the server. */

const addressed = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

/* Change entries of the address, null for none; `step`: as something that "back" goes back from. */
function address(change, step = false) {
  const entries = Object.entries({ ...addressed(), ...change }).filter(([, value]) => value !== null && value !== '');
  const hash = new URLSearchParams(entries).toString();
  if (hash === location.hash.slice(1)) return;
  history[step ? 'pushState' : 'replaceState'](history.state, '', location.pathname + location.search + (hash ? '#' + hash : ''));
}
