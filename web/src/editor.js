// The manifest editor: Monaco, with YAML and no more than that. One editor, one model for each open file.
import * as monaco from 'monaco-editor/editor.js';
import 'monaco-editor/languages/definitions/yaml/register.js';
import 'monaco-editor/languages/definitions/markdown/register.js';
import 'monaco-editor/languages/definitions/shell/register.js';
import 'monaco-editor/features/find/register.js';
import 'monaco-editor/features/hover/register.js';
import 'monaco-editor/features/clipboard/register.js';
import 'monaco-editor/features/comment/register.js';
import 'monaco-editor/features/contextmenu/register.js';
import 'monaco-editor/features/folding/register.js';
import 'monaco-editor/features/gotoError/register.js';
import 'monaco-editor/features/indentation/register.js';
import 'monaco-editor/features/linesOperations/register.js';
import 'monaco-editor/features/multicursor/register.js';
import 'monaco-editor/features/toggleTabFocusMode/register.js';
import 'monaco-editor/features/wordOperations/register.js';

/** Defines the two themes from the page's own colours. */
function themes() {
  const colour = (name) => {
    const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    return /^#[0-9a-f]{6}([0-9a-f]{2})?$/i.test(value) ? value : undefined;
  };
  const dark = document.documentElement.dataset.theme === 'dark';
  const token = (name) => colour(name)?.slice(1);
  const rules = [
    ['type', '--code-key'],
    ['string', '--code-string'],
    ['number', '--code-number'],
    ['keyword', '--code-number'],
    ['comment', '--code-comment'],
  ].flatMap(([scope, name]) => (token(name) ? [{ token: scope, foreground: token(name) }] : []));
  const colours = {
    'editor.background': colour('--surface'),
    'editor.foreground': colour('--ink'),
    'editorLineNumber.foreground': colour('--faint'),
    'editorLineNumber.activeForeground': colour('--ink'),
    'editor.lineHighlightBackground': colour('--hover'),
    'editorIndentGuide.background1': colour('--line'),
    'editorCursor.foreground': colour('--accent'),
    'focusBorder': '#00000000',
  };
  monaco.editor.defineTheme('drydock', {
    base: dark ? 'vs-dark' : 'vs',
    inherit: true,
    rules,
    colors: Object.fromEntries(Object.entries(colours).filter(([, value]) => value)),
  });
  monaco.editor.setTheme('drydock');
}

const language = (path) =>
  /\.ya?ml$/.test(path) ? 'yaml' : /\.md$/.test(path) ? 'markdown' : /\.(sh|bash)$/.test(path) ? 'shell' : 'plaintext';

class Editor {
  constructor(host, onChange, onApply) {
    this.models = new Map();
    this.views = new Map();
    this.onChange = onChange;
    themes();
    this.editor = monaco.editor.create(host, {
      model: null,
      automaticLayout: true,
      minimap: { enabled: false },
      fontFamily: getComputedStyle(host).getPropertyValue('--mono').trim(),
      fontSize: 13,
      lineHeight: 20,
      tabSize: 2,
      insertSpaces: true,
      detectIndentation: false,
      scrollBeyondLastLine: false,
      renderWhitespace: 'boundary',
      padding: { top: 8, bottom: 8 },
      lineNumbersMinChars: 3,
      folding: true,
      fixedOverflowWidgets: true,
      wordBasedSuggestions: 'off',
      occurrencesHighlight: 'off',
      unicodeHighlight: { ambiguousCharacters: false },
      scrollbar: { verticalScrollbarSize: 10, horizontalScrollbarSize: 10, useShadows: false },
      overviewRulerBorder: false,
      hideCursorInOverviewRuler: true,
      ariaLabel: 'Manifest editor. Control M switches what the Tab key does.',
    });
    this.editor.addCommand(monaco.KeyMod.CtrlCmd | monaco.KeyCode.Enter, () => onApply());
  }

  /** Makes a file's text known, or changes it; the cursor stays where it was. */
  put(path, text) {
    const model = this.models.get(path);
    if (!model) {
      const made = monaco.editor.createModel(text, language(path));
      made.onDidChangeContent(() => this.silent || this.onChange(path, made.getValue()));
      this.models.set(path, made);
    } else if (model.getValue() !== text) {
      this.silent = true;
      model.pushEditOperations([], [{ range: model.getFullModelRange(), text }], () => null);
      this.silent = false;
    }
  }

  show(path) {
    if (this.shown && this.models.has(this.shown)) this.views.set(this.shown, this.editor.saveViewState());
    this.shown = path;
    this.editor.setModel(this.models.get(path) ?? null);
    if (this.views.has(path)) this.editor.restoreViewState(this.views.get(path));
  }

  drop(path) {
    if (this.shown === path) {
      this.editor.setModel(null);
      this.shown = undefined;
    }
    this.models.get(path)?.dispose();
    this.models.delete(path);
    this.views.delete(path);
  }

  /** Marks problems: `[{ line, message }]`. */
  mark(path, problems) {
    const model = this.models.get(path);
    if (!model) return;
    const markers = JSON.parse(problems).map(({ line, message }) => {
      const at = Math.min(Math.max(line, 1), model.getLineCount());
      return {
        severity: monaco.MarkerSeverity.Error,
        message,
        startLineNumber: at,
        endLineNumber: at,
        startColumn: model.getLineFirstNonWhitespaceColumn(at) || 1,
        endColumn: model.getLineMaxColumn(at),
      };
    });
    monaco.editor.setModelMarkers(model, 'drydock', markers);
  }

  focus() {
    this.editor.focus();
  }

  recolour() {
    themes();
  }

  dispose() {
    this.editor.dispose();
    for (const model of this.models.values()) model.dispose();
  }
}

/** What page.js hands to the page once this module has loaded. */
export function start() {
  // Everything that Monaco's own worker is for (diffs, links, word completion) is switched off: it is never started.
  globalThis.MonacoEnvironment = {
    getWorker() {
      return new Worker(URL.createObjectURL(new Blob([''], { type: 'text/javascript' })));
    },
  };
  return { create: (host, onChange, onApply) => new Editor(host, onChange, onApply) };
}
