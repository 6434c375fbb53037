/* The language: chosen at the top of the page, which is then loaded anew; what it shows stands in its address. */

document.documentElement.lang = language;
const chooser = element.querySelector('.tm-languages');
chooser.value = language;
chooser.addEventListener('change', () => {
  try {
    localStorage.setItem(CHOSEN, chooser.value);
  } catch { /* then it holds for this time alone */ }
  location.reload();
});

/* The tabs' names, which Gradio draws when it comes to them. */
if (language !== props.catalog.language) {
  const name = () => {
    for (const [tab, text] of Object.entries(props.catalog.tabs)) {
      for (const button of document.querySelectorAll('#tm-' + tab + '-button')) if (button.textContent.trim() !== text) button.textContent = text;
    }
  };
  name();
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
}
