/**
 * Makes `navigator.language` a language, before anything reads it.
 *
 * WebKitGTK under `LANG=C` says "C", which `Intl` refuses with an exception: uPlot asks it when it is loaded,
 * and the panel would stay blank. Has to be the first import of the page.
 */
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en', configurable: true });
}

export {};
