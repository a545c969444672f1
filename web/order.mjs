// Puts functions of a wasm module beside those that they are alike: gzip looks back 32 kB, and finds more there then.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const WASM_OPT = fileURLToPath(new URL('node_modules/.bin/wasm-opt', import.meta.url));
// Ids of sections.
const CUSTOM = 0;
const IMPORTS = 2;
const CODE = 10;

/** A number as wasm writes it: its value, and where the next byte is. */
function leb(bytes, at) {
  let value = 0;
  let shift = 0;
  for (;;) {
    const byte = bytes[at];
    at += 1;
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return [value, at];
    shift += 7;
  }
}

function toLeb(value) {
  const out = [];
  for (; value > 127; value = Math.floor(value / 128)) out.push((value & 127) | 128);
  out.push(value);
  return out;
}

/** Where the sections of a module's ids begin and end. */
function sections(bytes) {
  const found = new Map();
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at];
    const [size, start] = leb(bytes, at + 1);
    if (!found.has(id)) found.set(id, [start, start + size]);
    at = start + size;
  }
  return found;
}

/** How many functions a module imports: they are counted before its own. */
function importedFunctions(bytes, [start]) {
  let [count, at] = leb(bytes, start);
  let functions = 0;
  const skip = () => {
    const [value, next] = leb(bytes, at);
    at = next;
    return value;
  };
  for (; count > 0; count -= 1) {
    for (const _ of ['module', 'name']) {
      const length = skip();
      at += length;
    }
    const kind = bytes[at];
    at += 1;
    if (kind === 0) functions += 1;
    if (kind === 1) at += 1;
    if (kind === 3) at += 2;
    if (kind === 1 || kind === 2) {
      const limits = skip();
      skip();
      if (limits & 1) skip();
    }
    if (kind === 0) skip();
  }
  return functions;
}

function bodies(bytes, [start]) {
  let [count, at] = leb(bytes, start);
  const found = [];
  for (; count > 0; count -= 1) {
    const [size, begin] = leb(bytes, at);
    at = begin + size;
    found.push(bytes.subarray(begin, at));
  }
  return found;
}

/** What stands in a function: numbers for each run of six bytes. */
function shingles(body) {
  const LENGTH = 6;
  const found = new Set();
  for (let at = 0; at + LENGTH <= body.length; at += 1) {
    let hash = 0x811c9dc5;
    for (let k = 0; k < LENGTH; k += 1) hash = Math.imul(hash ^ body[at + k], 0x01000193);
    found.add(hash >>> 0);
  }
  return found;
}

/** The functions' numbers: after each comes the one that has most in common with those just before. */
function order(all) {
  // What more functions have in common tells nothing.
  const MOST = 60;
  // How far back is looked: functions, bytes.
  const BEFORE = 24;
  const WINDOW = 28_000;
  const counts = new Map();
  const sets = all.map(shingles);
  for (const set of sets) for (const one of set) counts.set(one, (counts.get(one) ?? 0) + 1);
  const holders = new Map();
  const own = sets.map((set, number) => {
    const kept = [...set].filter((one) => counts.get(one) > 1 && counts.get(one) <= MOST);
    for (const one of kept) {
      if (!holders.has(one)) holders.set(one, []);
      holders.get(one).push(number);
    }
    return kept;
  });
  const done = new Uint8Array(all.length);
  const score = new Int32Array(all.length);
  const out = [];
  let first = 0;
  for (let current = 0; out.length < all.length; ) {
    done[current] = 1;
    out.push(current);
    const touched = [];
    let length = 0;
    for (let back = 1; back <= Math.min(BEFORE, out.length) && length < WINDOW; back += 1) {
      const earlier = out[out.length - back];
      length += all[earlier].length;
      for (const one of own[earlier]) {
        for (const number of holders.get(one)) {
          if (done[number]) continue;
          if (score[number] === 0) touched.push(number);
          score[number] += 1;
        }
      }
    }
    let best = -1;
    let next = -1;
    for (const number of touched) {
      const value = score[number] / (all[number].length + 60) ** 0.9;
      if (value > best) [best, next] = [value, number];
      score[number] = 0;
    }
    while (done[first]) first += 1;
    current = next >= 0 ? next : first;
  }
  return out;
}

/** A custom section that names functions by their places in an order. */
function names(order, imported) {
  const text = (word) => [...toLeb(word.length), ...Buffer.from(word)];
  const places = new Array(order.length);
  order.forEach((number, place) => { places[number] = place; });
  const map = [...toLeb(order.length)];
  places.forEach((place, number) => {
    map.push(...toLeb(number + imported), ...text(`f${String(place).padStart(6, '0')}`));
  });
  const content = Buffer.from([...text('name'), 1, ...toLeb(map.length)].concat(map));
  return Buffer.concat([Buffer.from([CUSTOM, ...toLeb(content.length)]), content]);
}

/** Reorders the functions of a module in its file. `features` are wasm-opt's switches for what the module uses. */
export async function reorder(file, features) {
  const bytes = await readFile(file);
  const found = sections(bytes);
  const sorted = order(bodies(bytes, found.get(CODE)));
  await writeFile(file, Buffer.concat([bytes, names(sorted, importedFunctions(bytes, found.get(IMPORTS)))]));
  await promisify(execFile)(WASM_OPT, [...features, '--reorder-functions-by-name', '--strip-debug', file, '-o', file]);
}
