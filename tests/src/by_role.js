// The element with this role and accessible name, as a person with a screen reader finds it; null if there is none.
const [role, name] = arguments;
const implied = { button: 'button, summary, [role=button]', dialog: 'dialog, [role=dialog], [role=alertdialog]',
                  alert: '[role=alert]', status: '[role=status], output', checkbox: 'input[type=checkbox]',
                  radio: 'input[type=radio]',
                  switch: '[role=switch]', textbox: 'input:not([type]), input[type=text], textarea',
                  spinbutton: 'input[type=number]', heading: 'h1,h2,h3,h4,[role=heading]' };
const clean = (text) => (text ?? '').replace(/\s+/g, ' ').trim();
// What is hidden from assistive technology is no part of a name.
const said = (el) => {
  const copy = el.cloneNode(true);
  copy.querySelectorAll('[aria-hidden=true]').forEach((hidden) => hidden.remove());
  return copy.textContent;
};
const label = (el) => {
  const by = el.getAttribute('aria-labelledby');
  if (by) return clean(by.split(' ').map((id) => document.getElementById(id)?.textContent).join(' '));
  return clean(el.getAttribute('aria-label') || (el.labels?.[0]?.textContent) || said(el));
};
const roots = [document];
const all = [];
while (roots.length) {
  const root = roots.pop();
  for (const el of root.querySelectorAll('*')) {
    if (el.shadowRoot) roots.push(el.shadowRoot);
    if (el.matches(implied[role] ?? `[role=${role}]`)) all.push(el);
  }
}
const usable = (el) => el.getClientRects().length > 0 && !el.disabled && el.getAttribute('aria-disabled') !== 'true';
// What lies under an open modal dialog cannot be used: a button in the dialog comes first.
const modal = document.querySelector('dialog:modal');
const fits = all.filter((el) => usable(el) && label(el) === name);
return fits.find((el) => modal && modal.contains(el)) ?? fits[0] ?? null;
