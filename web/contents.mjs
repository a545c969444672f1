// The course's table of contents, read from the front matter of each lesson: a folder under lessons/ with a Markdown
// file in it, shown in the order of the folders' names.
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';

/** One field of a front matter's top level, without its quotes. */
function field(matter, name) {
  const line = matter.split('\n').find((each) => each.startsWith(`${name}:`));
  return (line ?? '').slice(name.length + 1).trim().replace(/^(["'])(.*)\1$/, '$2');
}

/** `[{ id, title, description, file }]` of the lessons in `folder`; `file` is relative to it. */
export async function contents(folder) {
  const lessons = [];
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!entry.isDirectory()) continue;
    const files = (await readdir(path.join(folder, entry.name))).filter((name) => name.endsWith('.md')).sort();
    const file = files.find((name) => /^(index|lesson|readme)\.md$/i.test(name)) ?? files[0];
    if (!file) continue;
    const text = await readFile(path.join(folder, entry.name, file), 'utf8');
    const matter = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1] ?? '';
    const heading = /^#\s+(.+)$/m.exec(text)?.[1];
    lessons.push({
      id: entry.name.replace(/^\d+[-_]/, ''),
      title: field(matter, 'title') || heading || entry.name,
      description: field(matter, 'description'),
      file: `${entry.name}/${file}`,
    });
  }
  return lessons;
}
