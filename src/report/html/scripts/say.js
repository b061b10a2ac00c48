// Tells what was done, to eyes and to screen readers.

const note = document.createElement('p');
/** @type {ReturnType<typeof setTimeout> | undefined} */
let saying;

export function makeStatus() {
  note.id = 'said';
  note.setAttribute('role', 'status');
  document.body.append(note);
}

/** @param {string} text */
function say(text) {
  note.textContent = text;
  clearTimeout(saying);
  saying = setTimeout(() => {
    note.textContent = '';
  }, 4000);
}

/**
 * @param {string} text
 * @param {Element} near what holds the text, to be marked where the clipboard cannot be written
 */
export async function copy(text, near) {
  try {
    await navigator.clipboard.writeText(text);
    say('Copied');
  } catch {
    getSelection()?.selectAllChildren(near);
    say('Marked: press Ctrl+C to copy');
  }
}
