// A terminal: xterm.js with the page's keys, colours and pace.
import '@xterm/xterm/css/xterm.css';
import { Terminal as Xterm } from '@xterm/xterm';
import { FitAddon } from '@xterm/addon-fit';
import { WebLinksAddon } from '@xterm/addon-web-links';

const mac = /Mac|iPhone|iPad/.test(navigator.platform);

/** The terminal's colours are the page's: custom properties of its host. */
function theme(host) {
  const style = getComputedStyle(host);
  const of = (name) => style.getPropertyValue(`--term-${name}`).trim();
  const colours = {};
  for (const name of ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white']) {
    colours[name] = of(name);
    colours[`bright${name[0].toUpperCase()}${name.slice(1)}`] = of(`bright-${name}`) || of(name);
  }
  return {
    ...colours,
    background: of('background'),
    foreground: of('foreground'),
    cursor: of('cursor'),
    cursorAccent: of('background'),
    selectionBackground: of('selection'),
    scrollbarSliderBackground: of('scroll'),
    scrollbarSliderHoverBackground: of('scroll-hover'),
    scrollbarSliderActiveBackground: of('scroll-hover'),
  };
}

export class Terminal {
  /** `onData(text)`: typed or pasted; `onResize(columns, rows)`: after a fit that changed the size. */
  constructor(host, label, onData, onResize) {
    this.host = host;
    this.xterm = new Xterm({
      theme: theme(host),
      fontFamily: getComputedStyle(host).getPropertyValue('--mono').trim() || 'monospace',
      fontSize: matchMedia('(pointer: coarse)').matches ? 12 : 13,
      lineHeight: 1.2,
      scrollback: 5000,
      cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
      // Colours that programs choose stay readable on the page's background.
      minimumContrastRatio: 4.5,
      macOptionIsMeta: true,
      rightClickSelectsWord: false,
      allowProposedApi: false,
    });
    this.fitter = new FitAddon();
    this.xterm.loadAddon(this.fitter);
    this.xterm.loadAddon(new WebLinksAddon((event, uri) => window.open(uri, '_blank', 'noopener')));
    this.xterm.open(host);
    // What is on the screen lies in a canvas or in rows that are reused: tests and embedding pages read it here.
    host.drydockTerminal = this;
    this.xterm.textarea?.setAttribute('aria-label', label);
    this.xterm.attachCustomKeyEventHandler((event) => this.#key(event));
    this.xterm.onData(onData);
    this.onResize = onResize;
    this.fit();
    this.observer = new ResizeObserver(() => {
      cancelAnimationFrame(this.pending);
      this.pending = requestAnimationFrame(() => this.fit());
    });
    this.observer.observe(host);
  }

  /** Copy and paste by the keys that browsers and terminals use; Ctrl+C copies only while something is selected. */
  #key(event) {
    if (event.type !== 'keydown') return true;
    const key = event.key.toLowerCase();
    const command = mac ? event.metaKey : event.ctrlKey;
    if (key === 'c' && command && (event.shiftKey || mac || this.xterm.hasSelection())) {
      if (!this.xterm.hasSelection()) return !event.shiftKey && !mac;
      navigator.clipboard?.writeText(this.xterm.getSelection()).catch(() => document.execCommand('copy'));
      this.xterm.clearSelection();
      event.preventDefault();
      return false;
    }
    // Not handled here nor by xterm: the browser then pastes into xterm's text field, which asks for no permission.
    if (key === 'v' && command) return false;
    // The way out for those who work by keyboard: the terminal takes Tab, F6 goes to the next pane.
    if (key === 'f6') return false;
    return true;
  }

  /** Writes, and calls `done` once it has been taken in: what limits how much more is sent. */
  write(text, done) {
    this.xterm.write(text, done);
  }

  /** Fits the terminal to its host. */
  fit() {
    if (!this.host.offsetWidth || !this.host.offsetHeight) return;
    const size = this.fitter.proposeDimensions();
    if (!size || !Number.isFinite(size.cols) || !Number.isFinite(size.rows)) return;
    const columns = Math.max(20, size.cols);
    const rows = Math.max(4, size.rows);
    if (columns === this.xterm.cols && rows === this.xterm.rows) return;
    this.xterm.resize(columns, rows);
    this.onResize(columns, rows);
  }

  columns() {
    return this.xterm.cols;
  }

  rows() {
    return this.xterm.rows;
  }

  focus() {
    this.xterm.focus();
  }

  scrollToEnd() {
    this.xterm.scrollToBottom();
  }

  /** Empties screen and history. */
  reset() {
    this.xterm.reset();
  }

  recolour() {
    this.xterm.options.theme = theme(this.host);
  }

  screenReader(on) {
    this.xterm.options.screenReaderMode = on;
  }

  /** Everything on the screen and in the history, as text. */
  text() {
    const buffer = this.xterm.buffer.active;
    const lines = [];
    for (let at = 0; at < buffer.length; at += 1) {
      const line = buffer.getLine(at);
      if (line.isWrapped && lines.length) lines[lines.length - 1] += line.translateToString(true);
      else lines.push(line.translateToString(true));
    }
    return lines.join('\n').trimEnd();
  }

  dispose() {
    this.observer.disconnect();
    cancelAnimationFrame(this.pending);
    this.xterm.dispose();
  }
}
